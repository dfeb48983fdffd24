using System.Runtime.CompilerServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The form of <see cref="Direct"/> for dense layers (<see cref="ConvSizes.IsDense"/>): images of one pixel, or kernels as large as the image. The images of a group are the rows of X[N × K] with K = IC/G·KH·KW, its weights those of W[OC/G × K], and all three directions read and write these as they stand:
/// <code>
/// forward           Y  = X·Wᵀ       dot products of rows          DenseDots
/// backward-data     dX = dY·W       sums of scaled rows of W      DenseRows
/// backward-weights  dW = dYᵀ·X      sums of scaled rows of X      DenseRows
/// </code>
/// With few images W is the larger matrix, and its way from or to memory is what takes time: it passes once, in runs of <see cref="MostDepth"/> floats at least. Threads share W: its
/// rows or, backward-data, its columns; images too where these are too few. Each element is summed in one order: forward over k, cut at every <see cref="MostDepth"/>,
/// backward over channels or images one after the other.
/// </summary>
internal sealed unsafe class DirectDense : DirectForm
{
    /// <summary>Values of k, or columns, at a time: 8 rows of W or B and 3 of X or C stay in L1 (measured on Zen 5).</summary>
    private const int MostDepth = 1024, MostColumns = 1024;

    private const int LeastColumns = 256, ItemsPerThread = 4;
    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly ConvSizes _s;
    private readonly DenseKernels _kernels;
    private readonly Chunks _rows;      // of the result: images or, backward-weights, output channels
    private readonly Chunks _columns;   // of the result: output channels or, backward, k
    private readonly int _rowsAtOnce;
    private readonly bool _streams;
    private readonly bool _isApart;     // sums are made in the workspace, and the result is written once

    public DirectDense(PlanContext context, Direction direction)
    {
        (_context, _direction, _s, _kernels) = (context, direction, context.Sizes, DenseKernels.For(context.Isa));
        bool isOfWeights = direction == Direction.BackwardWeights;
        _rows = new Chunks(isOfWeights ? _s.GroupOC : _s.N, DenseKernels.TileRows, 1);
        _columns = direction == Direction.Forward ? new Chunks(_s.GroupOC, _kernels.MostTerms, 1) : new Chunks(K, 4 * Prefetch.Line, 1);
        if (isOfWeights) Share(ItemsPerThread, 1, ref _rows, ref _columns);
        else if (direction == Direction.BackwardData) Share(Math.Clamp(K / LeastColumns / context.Threads, 1, ItemsPerThread), 1, ref _columns, ref _rows);
        else Share(ItemsPerThread, 2, ref _columns, ref _rows);
        Workers = context.Threads;
        _streams = isOfWeights && K % Prefetch.Line == 0 && StreamingStores.Pay(sizeof(float) * (long)_s.OC * K, context.Threads);
        _rowsAtOnce = Math.Min(BlockSizes.RoundUp(_rows.Longest, DenseKernels.TileRows), RowsIn(CacheSizes.Machine.L2 / (_streams ? 8 : 4)));

        // What goes past the caches must be complete; of rows that threads share, the processor fetches lines that the next thread writes.
        _isApart = direction != Direction.Forward && Terms > _kernels.TermsOf(Terms) && (_streams || _columns.Count > 1);
        if (!_isApart || WorkspaceBytes <= context.MaxWorkspaceBytes) return;
        _isApart = _streams = false;
    }

    /// <summary>Always: measured on Zen 5 against implicit GEMM, from 12 weights to 100 million and from 1 image to 2048, and with every instruction set.</summary>
    public override bool Pays => true;

    public override long WorkspaceBytes => _isApart ? WorkerLength * Workers * sizeof(float) : 0;

    public override string Details =>
        $"a dense layer, tiles of {DenseKernels.TileRows}x{_kernels.MostTerms} rows, {(_streams ? "results past the caches, " : "")}{Workers} worker(s)";

    private int K => _s.PatchLength;

    /// <summary>Floats of an image of all groups.</summary>
    private nint Image => (nint)_s.IC * _s.InputPixels;

    /// <summary>What is summed over, backward.</summary>
    private int Terms => _direction == Direction.BackwardWeights ? _s.N : _s.GroupOC;

    /// <summary>Floats from a row of sums to the next.</summary>
    private int SumsStride => BlockSizes.RoundUp(Math.Min(_columns.Longest, MostColumns), Prefetch.Line) + CacheSizes.Skew;

    /// <summary>Floats of a block of sums.</summary>
    private long WorkerLength => (long)_rowsAtOnce * SumsStride;

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        long count = (long)_s.G * _rows.Count * _columns.Count;
        if (_direction == Direction.Forward)
        {
            var dots = new DotsTask(this, buffers);
            pool.For(Workers, count, ref dots);
        }
        else
        {
            var rows = new RowsTask(this, buffers, workspace);
            pool.For(Workers, count, ref rows);
        }
    }

    /// <summary>Whole tiles of rows of X or of the result: a block of them stays in L2 while rows of W or B pass over it, with these (measured on Zen 5).</summary>
    private int RowsIn(int bytes) =>
        Math.Max(1, bytes / sizeof(float) / Math.Min(K, MostColumns) / DenseKernels.TileRows) * DenseKernels.TileRows;

    /// <summary>So many items for each thread: parts of the first and, where these are fewer than <paramref name="least"/> for each, of the second as well.</summary>
    private void Share(int most, int least, ref Chunks first, ref Chunks second)
    {
        if (_context.Threads == 1) return;
        int items = BlockSizes.CeilDiv(most * _context.Threads, _s.G);
        first = first with { Count = Math.Min(items, first.Units) };
        if ((long)_s.G * first.Count < (long)least * _context.Threads)
            second = second with { Count = Math.Min(BlockSizes.CeilDiv(ItemsPerThread * _context.Threads, _s.G * first.Count), second.Units) };
    }

    /// <summary>A part of a group's results: rows [Row, Row + Rows), columns [Column, Column + Columns).</summary>
    private readonly record struct Part(nint G, int Row, int Rows, int Column, int Columns);

    private Part PartOf(long index)
    {
        (long rest, long column) = Math.DivRem(index, _columns.Count);
        (long g, long row) = Math.DivRem(rest, _rows.Count);
        int firstRow = _rows.Begin((int)row), firstColumn = _columns.Begin((int)column);
        return new Part((nint)g, firstRow, _rows.Begin((int)row + 1) - firstRow, firstColumn, _columns.Begin((int)column + 1) - firstColumn);
    }

    /// <summary>for g, images, output channels: y.</summary>
    private readonly struct DotsTask(DirectDense pass, ConvBuffers buffers) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            Part part = pass.PartOf(index);
            nint K = pass.K, image = pass.Image, channel = (part.G * _s.GroupOC) + part.Column;
            int atOnce = pass._rowsAtOnce;
            for (int n = part.Row, left = part.Rows; left > 0; n += atOnce, left -= atOnce)
            {
                float* x = buffers.X + (n * image) + (part.G * K), y = buffers.Y + ((nint)n * _s.OC) + channel;
                var product = new DenseDotsProduct { StrideX = image, StrideW = K, StrideY = _s.OC, Images = Math.Min(atOnce, left) };

                // Rows of W from end to end where all images stay in L2.
                nint deep = product.Images * K * sizeof(float) <= CacheSizes.Machine.L2 / 4 ? K : MostDepth;
                for (nint k = 0; k < K; k += deep) Multiply(product, x + k, buffers.W + (channel * K) + k, part.Columns, Math.Min(deep, K - k), y, k > 0);
                Finish(y, product.Images, part.Columns, channel, buffers.Residual == null ? null : buffers.Residual + ((nint)n * _s.OC) + channel);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(DenseDotsProduct product, float* x, float* w, int channels, nint K, float* y, bool adds)
        {
            for (; channels > 0; channels -= product.Rows, w += product.Rows * product.StrideW, y += product.Rows)
            {
                product.Rows = Math.Min(pass._kernels.MostTerms, channels);
                product.Y = y;
                for (nint k = 0; k < K; k += MostDepth)
                {
                    (product.K, product.Adds) = (Math.Min(MostDepth, K - k), adds || k > 0);
                    product.X = x + k;
                    product.W = w + k;
                    pass._kernels.Dots(product);
                }
            }
        }

        /// <summary>Bias, residual and activation. Channels are columns here, so that the bias is a row that is added.</summary>
        private void Finish(float* y, int images, int channels, nint channel, float* residual)
        {
            TileStore store = pass._context.Epilogue(null, residual);
            (store.Rows, store.Columns) = (images, channels);
            store.AddendStride = _s.OC;
            if (buffers.B != null && residual != null)
                Epilogue.Apply(pass._context.Isa, new TileStore { Rows = images, Columns = channels, Addend = buffers.B + channel }, y, _s.OC);
            else if (buffers.B != null)
            {
                store.Addend = buffers.B + channel;
                store.AddendStride = 0;
            }

            if (!store.IsNothing) Epilogue.Apply(pass._context.Isa, store, y, _s.OC);
        }
    }

    /// <summary>for g, rows, columns: dx or dw; and db.</summary>
    private readonly struct RowsTask(DirectDense pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            Part part = pass.PartOf(index);
            bool isOfWeights = pass._direction == Direction.BackwardWeights;
            nint K = pass.K, image = pass.Image, channel = part.G * _s.GroupOC;
            float* dy = buffers.Y + channel, w = buffers.W + (channel * K), x = buffers.X + (part.G * K), scratch = workspace + (worker * pass.WorkerLength);
            var product = isOfWeights
                ? new DenseRowsProduct { StrideA = 1, StepA = _s.OC, B = x, StrideB = image, C = w, StrideC = K }
                : new DenseRowsProduct { StrideA = _s.OC, StepA = 1, B = w, StrideB = K, C = x, StrideC = image };
            product.A = dy + (part.Row * product.StrideA);
            product.B += part.Column;
            product.C += (part.Row * product.StrideC) + part.Column;
            int atOnce = BlockSizes.Balance(part.Columns, MostColumns, 4 * Prefetch.Line);
            for (int left = part.Columns; left > 0; left -= atOnce, product.B += atOnce, product.C += atOnce)
            {
                product.Columns = Math.Min(atOnce, left);
                Multiply(product, part.Rows, pass.Terms, scratch);
            }

            if (pass._streams) StreamingStores.Fence();
            if (isOfWeights && buffers.B != null && part.Column == 0)
                BiasGradient.SumImages(dy + part.Row, _s.OC, _s.N, part.Rows, buffers.B + channel + part.Row);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(DenseRowsProduct product, int rows, int terms, float* scratch)
        {
            float* a = product.A, b = product.B, c = product.C;
            nint stride = product.StrideC;
            for (int atOnce = pass._rowsAtOnce; rows > 0; rows -= atOnce, a += atOnce * product.StrideA, c += atOnce * stride)
            {
                product.Rows = Math.Min(atOnce, rows);
                (product.Adds, product.Streams) = (false, false);
                product.A = a;
                product.B = b;
                product.C = product.From = pass._isApart ? scratch : c;
                product.StrideC = product.StrideFrom = pass._isApart ? pass.SumsStride : stride;
                for (int left = terms, count; left > 0; left -= count, product.A += count * product.StepA, product.B += count * product.StrideB, product.Adds = true)
                {
                    count = pass._kernels.TermsOf(left);
                    if (count == left)
                    {
                        product.C = c;
                        product.StrideC = stride;
                        product.Streams = pass._streams && StreamingStores.BeginsLine(c);
                    }

                    pass._kernels.Rows(product, count);
                }
            }
        }
    }
}
