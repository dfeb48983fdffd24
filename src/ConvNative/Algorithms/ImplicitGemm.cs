using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// Convolution as a matrix product whose patches are packed straight from the image into the micro-kernel's panels; there is no column
/// matrix. Rows of the product are channels, columns are pixels, so tiles are stored into NCHW as they are.
/// <code>
/// forward          y[OC × pixels]  = w[OC × (ic, kh, kw)] · patches of x
/// backward-data    dx[IC × pixels] = w[IC × (oc, kh, kw)] · patches of dy, for each residue class of the strides:
///                  pixels (i·sh + rh, j·sw + rw) see only the taps with (rh + pt − kh·dh) divisible by sh, columns likewise
/// backward-weights dw[OC × (ic, kh, kw)] = dy · patches of x: ImplicitGemmWeights
/// </code>
/// Weights are packed before the run, or block by block in it. Each element is summed over k in one order, cut at KC only: the result does not depend on
/// how pixels and channels are shared out.
/// </summary>
internal sealed class ImplicitGemm : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.ImplicitGemm;

    public string? Refuse(PlanContext context, Direction direction)
    {
        int workers = direction == Direction.BackwardWeights ? Weights(context).Workers : new Pass(context, direction).Workers;
        return workers > 0
            ? null
            : $"its smallest block does not fit MaxWorkspaceBytes {context.MaxWorkspaceBytes}";
    }

    // A large dw summed over few points costs more to transpose than a column matrix does to make (measured on Zen 3).
    public bool Suits(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        return direction != Direction.BackwardWeights || (long)s.N * s.OutputPixels > 256 || (long)s.GroupOC * s.PatchLength <= 1 << 18;
    }

    public ConvPass Plan(PlanContext context, Direction direction) =>
        direction == Direction.BackwardWeights ? Weights(context) : new Pass(context, direction);

    private static ImplicitGemmWeights Weights(PlanContext context) => new(context, ForwardGrid(context.Sizes));

    /// <summary>The patches of x that the output's pixels see.</summary>
    private static PatchGrid ForwardGrid(in ConvSizes s) => new(s.IH, s.IW, s.OH, s.OW, s.sh, s.sw, ResidueClass.Forward(s).Taps);

    /// <summary>One product: a patch grid, and where its points stand in the output plane.</summary>
    /// <param name="Grid">Where B comes from.</param>
    /// <param name="Kernel">Flat kernel position (kh·KW + kw) of each tap.</param>
    /// <param name="Row">Output row of grid row 0.</param>
    /// <param name="Column">Output column of grid column 0.</param>
    /// <param name="PackedOffset">Where its packed weights begin, in floats.</param>
    private sealed record Part(PatchGrid Grid, int[] Kernel, int Row, int Column, long PackedOffset);

    private sealed unsafe class Pass : ConvPass
    {
        private readonly PlanContext _context;
        private readonly Direction _direction;
        private readonly Part[] _parts;
        private readonly bool _someEmpty;
        private readonly Shape _shape;

        public Pass(PlanContext context, Direction direction)
        {
            (_context, _direction) = (context, direction);
            _shape = new Shape(context, direction);
            (_parts, _someEmpty) = direction == Direction.Forward ? (Forward(), false) : BackwardData();
            if (_parts.Length == 0) return;   // no output reads the image, only its padding: dx is 0
            Part last = _parts[^1];
            PackedWeightsBytes = (last.PackedOffset + PackedLength(last.Kernel.Length)) * sizeof(float);
            _shape.Block(Array.ConvertAll(_parts, part => part.Grid));
        }

        /// <summary>Only the residue class of pixel (0, 0) reads anything: it writes the zeros of the others as well.</summary>
        private bool FillsGaps => _someEmpty && _parts is [{ Row: 0, Column: 0 }];

        public int Workers => _parts.Length == 0 ? 1 : _shape.Workers;

        public override long WorkspaceBytes => _shape.WorkerLength * Workers * sizeof(float);

        public override long PackedWeightsBytes { get; }

        public override bool PacksInRun => _parts.Length > 0 && _shape.ReadsWeights;

        public override string Details =>
            $"kernel {_shape.Kernel.Name}, MC {_shape.Blocks.MC}, NC {_shape.NC}, KC {_shape.Blocks.KC}, {_parts.Length} product(s), {Workers} worker(s)";

        public override void PackWeights(float* w, float* packed, WorkerPool pool)
        {
            foreach (Part part in _parts)
            {
                var task = new PackTask(_shape, _context.Sizes, part, w, packed + part.PackedOffset);
                pool.For(_context.Threads, task.Count, ref task);
            }
        }

        public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
        {
            if (_someEmpty && !FillsGaps)
            {
                var clear = new ClearTask(_context.Sizes, buffers.X);
                pool.For(_context.Threads, _context.Sizes.N, ref clear);
            }

            foreach (Part part in _parts)
            {
                var task = new ProductTask(_context, _shape, part, _direction, buffers, workspace, FillsGaps);
                pool.For(Workers, task.Count, ref task);
            }
        }

        private long PackedLength(int taps) => (long)_context.Sizes.G * _shape.PaddedM * _shape.Channels * taps;

        private Part[] Forward()
        {
            PatchGrid grid = ForwardGrid(_context.Sizes);
            return [new Part(grid, [.. Enumerable.Range(0, grid.Taps)], 0, 0, 0)];
        }

        private (Part[] Parts, bool SomeEmpty) BackwardData()
        {
            ConvSizes s = _context.Sizes;
            var parts = new List<Part>();
            bool someEmpty = false;
            long offset = 0;
            for (int rh = 0; rh < Math.Min(s.sh, s.IH); rh++)
            for (int rw = 0; rw < Math.Min(s.sw, s.IW); rw++)
            {
                (int[] kernel, Tap[] taps) = ResidueClass.BackwardData(s, rh, rw);
                if (kernel.Length == 0)
                {
                    someEmpty = true;
                    continue;
                }

                int rows = (s.IH - rh + s.sh - 1) / s.sh, columns = (s.IW - rw + s.sw - 1) / s.sw;
                parts.Add(new Part(new PatchGrid(s.OH, s.OW, rows, columns, 1, 1, taps), kernel, rh, rw, offset));
                offset += (PackedLength(kernel.Length) + 15) / 16 * 16;
            }

            return ([.. parts], someEmpty);
        }
    }

    /// <summary>Sizes that all products of a pass share, and the blocking.</summary>
    private sealed class Shape
    {
        /// <summary>So many tiles use an element of B too seldom for it to be worth a place in L1: the sums are cut less often.</summary>
        private const int FewTiles = 8;

        private readonly PlanContext _context;
        private readonly bool _forward;

        public Shape(PlanContext context, Direction direction)
        {
            _context = context;
            ConvSizes s = context.Sizes;
            bool forward = _forward = direction == Direction.Forward;
            int points = forward ? s.OutputPixels : BlockSizes.CeilDiv(s.IH, s.sh) * BlockSizes.CeilDiv(s.IW, s.sw);
            // Blocks that span images waste no lanes, but go through scratch.
            GemmKernel ofImage = GemmKernel.For(context.Isa, points), ofAll = GemmKernel.For(context.Isa, (long)points * s.N);
            MergesImages = (long)points * s.N <= int.MaxValue && ofAll.CoveredColumns((long)points * s.N) < 15 / 16.0 * s.N * ofImage.CoveredColumns(points);
            Kernel = MergesImages ? ofAll : ofImage;
            (Packer, Patches) = (PanelPacker.For(context.Isa), PatchPacker.For(context.Isa));
            Blocks = BlockSizes.For(Kernel, CacheSizes.Machine);
            ReadsWeights = forward || s.KH * s.KW == 1;
            (M, Channels) = forward ? (s.GroupOC, s.GroupIC) : (s.GroupIC, s.GroupOC);
            (OutH, OutW) = forward ? (s.OH, s.OW) : (s.IH, s.IW);
            (OutStepH, OutStepW) = forward ? (1, 1) : (s.sh, s.sw);
            PaddedM = BlockSizes.RoundUp(M, Kernel.MR);
            if (M <= FewTiles * Kernel.MR) Blocks = Blocks with { KC = FewTiles / 2 * Blocks.KC };
        }

        public GemmKernel Kernel { get; }

        public BlockSizes Blocks { get; }

        public PanelPacker Packer { get; }

        public PatchPacker Patches { get; }

        /// <summary>Rows of the product: output channels of a group.</summary>
        public int M { get; }

        /// <summary>M in whole panels.</summary>
        public int PaddedM { get; }

        /// <summary>Channels that are summed over.</summary>
        public int Channels { get; }

        public int OutH { get; }

        public int OutW { get; }

        /// <summary>Output rows from a grid row to the next.</summary>
        public int OutStepH { get; }

        public int OutStepW { get; }

        /// <summary>Grid points of a block.</summary>
        public int NC { get; private set; }

        /// <summary>Rows of a block.</summary>
        public int RowsPerItem { get; private set; }

        /// <summary>The points of all images count on: blocks may span images.</summary>
        public bool MergesImages { get; }

        public int Workers { get; private set; }

        public long ScratchLength { get; private set; }

        public long PanelsLength { get; private set; }

        /// <summary>The part of the panels' memory that holds the last columns of panels of one column more than whole vectors.</summary>
        public long LastColumnsLength { get; private set; }

        public long ResultLength { get; private set; }

        public long FilterLength { get; private set; }

        /// <summary>Floats of one worker's scratch.</summary>
        public long WorkerLength => ScratchLength + PanelsLength + ResultLength + FilterLength;

        // Whole cache lines of a row of weights, where channels are neighbours.
        public int ChannelsPerBlock(int taps) => BlockSizes.Balance(Channels, Math.Max(1, Blocks.KC / taps), taps == 1 ? Prefetch.Line : 1);

        /// <summary>B is the image as it stands.</summary>
        public bool ReadsImage(PatchGrid grid) => grid.IsIdentity && !MergesImages;

        /// <summary>Weights that are not packed are read as they stand.</summary>
        public bool ReadsWeights { get; }

        public int Images => MergesImages ? 1 : _context.Sizes.N;

        public int Points(PatchGrid grid) => MergesImages ? grid.Points * _context.Sizes.N : grid.Points;

        /// <summary>Columns of the packed panel beside an image that is read as it stands: one where a vector would reach beyond the image's row.</summary>
        public int EdgeColumns(PatchGrid grid) => grid.Points % Kernel.NR % Kernel.Vector == 0 ? 0 : Kernel.NR;

        public FilterPanels Filter(Part part) => new(Packer, Kernel.MR, _context.Sizes, part.Kernel, _forward);

        public int ColumnBlocks(PatchGrid grid) => BlockSizes.CeilDiv(Points(grid), NC);

        public int RowBlocks => BlockSizes.CeilDiv(M, RowsPerItem);

        /// <summary>Whether tiles go straight into the output.</summary>
        public bool StoresDirectly => !MergesImages && OutStepH == 1 && OutStepW == 1;

        /// <summary>Settles NC, rows per item and the workers, so that the workspace stays within its limit.</summary>
        public void Block(PatchGrid[] grids)
        {
            ConvSizes s = _context.Sizes;
            int points = grids.Max(grid => grid.Points);
            NC = BlockSizes.RoundUp(BlockSizes.Balance(grids.Max(Points), Blocks.NC, Kernel.NR), Kernel.NR);
            long items = (long)s.N * s.G * BlockSizes.CeilDiv(points, NC);
            if (MergesImages) items = s.G * BlockSizes.CeilDiv(points * s.N, NC);
            // Each part of the rows packs the patches anew, so there are only as many as even out the work.
            int parts = 1;
            while (items * parts < 4L * _context.Threads && items * parts % _context.Threads != 0) parts++;
            RowsPerItem = Math.Min(PaddedM, BlockSizes.RoundUp(Math.Max(BlockSizes.CeilDiv(M, parts), 8 * Kernel.MR), Kernel.MR));
            for (; ; NC = BlockSizes.RoundUp(NC / 2, Kernel.NR))
            {
                Measure(grids);
                Workers = (int)Math.Min(_context.Threads, _context.MaxWorkspaceBytes / (WorkerLength * sizeof(float)));
                if (Workers > 0 || NC <= Kernel.NR) return;
            }
        }

        private void Measure(PatchGrid[] grids)
        {
            (ScratchLength, PanelsLength, LastColumnsLength, FilterLength) = (0, 0, 0, 0);
            int slack = 2 * Kernel.NR;   // whole-vector writes beyond the last run
            foreach (PatchGrid grid in grids)
            {
                int channels = ChannelsPerBlock(grid.Taps);
                int images = MergesImages ? Math.Min(_context.Sizes.N, ((NC - 1) / grid.Points) + 2) : 1;
                int rows = MergesImages ? grid.Rows : Math.Min(grid.Rows, ((NC + grid.Columns - 2) / grid.Columns) + 1);
                long scratch = grid.ReadsInPlace ? 0 : ((long)images * channels * grid.PaddedRowCount(rows) * grid.Pitch) + slack;
                ScratchLength = Math.Max(ScratchLength, (scratch + 15) / 16 * 16);
                int panelColumns = ReadsImage(grid) ? EdgeColumns(grid) : NC;
                PanelsLength = Math.Max(PanelsLength, ((long)channels * grid.Taps * panelColumns) + slack);
                if (ReadsWeights) FilterLength = Math.Max(FilterLength, (long)channels * grid.Taps * Kernel.MR);
            }

            if (Kernel.NR % Kernel.Vector != 0) LastColumnsLength = grids.Max(grid => ((long)ChannelsPerBlock(grid.Taps) * grid.Taps * (NC / Kernel.NR) + 15) / 16 * 16);
            PanelsLength = ((PanelsLength + 15) / 16 * 16) + LastColumnsLength;
            ResultLength = StoresDirectly ? 0 : (((long)RowsPerItem * NC) + 31) / 16 * 16;   // Spread reads a vector more
            FilterLength = (FilterLength + 15) / 16 * 16;
        }
    }

    /// <summary>for n: dx[n] = 0, where some residue class has no taps.</summary>
    private readonly unsafe struct ClearTask(ConvSizes s, float* dx) : IParallelTask
    {
        public void Run(long index, int worker) =>
            NativeMemory.Clear(dx + (index * s.IC * s.InputPixels), (nuint)((long)s.IC * s.InputPixels * sizeof(float)));
    }

    /// <summary>for g, channel block: the weights, [g][channel block][⌈M/MR⌉][(channel, tap)][MR].</summary>
    private readonly unsafe struct PackTask(Shape shape, ConvSizes s, Part part, float* w, float* packed) : IParallelTask
    {
        private readonly int _channelsPerBlock = shape.ChannelsPerBlock(part.Kernel.Length);

        public long Count => (long)s.G * BlockSizes.CeilDiv(shape.Channels, _channelsPerBlock);

        public void Run(long index, int worker)
        {
            (long g, long block) = Math.DivRem(index, BlockSizes.CeilDiv(shape.Channels, _channelsPerBlock));
            int first = (int)block * _channelsPerBlock;
            float* panels = packed + (((g * shape.Channels) + first) * part.Kernel.Length * shape.PaddedM);
            shape.Filter(part).Pack(w + (g * s.GroupOC * s.PatchLength), 0, shape.M, first, Math.Min(_channelsPerBlock, shape.Channels - first), panels);
        }
    }

    /// <summary>for image (or all), g, column block, row block: one block of the output.</summary>
    private readonly unsafe struct ProductTask(PlanContext context, Shape shape, Part part, Direction direction, ConvBuffers buffers, float* workspace, bool fillsGaps) : IParallelTask
    {
        private readonly PatchGrid _grid = part.Grid;
        private readonly ConvSizes _s = context.Sizes;

        public long Count => (long)shape.Images * _s.G * shape.ColumnBlocks(part.Grid) * shape.RowBlocks;

        public void Run(long index, int worker)
        {
            (long rest, long rowBlock) = Math.DivRem(index, shape.RowBlocks);
            (rest, long columnBlock) = Math.DivRem(rest, shape.ColumnBlocks(_grid));
            (long n, long g) = Math.DivRem(rest, _s.G);
            int first = (int)columnBlock * shape.NC;
            var block = new Block(
                (int)g, (int)rowBlock * shape.RowsPerItem, Math.Min(shape.RowsPerItem, shape.M - ((int)rowBlock * shape.RowsPerItem)),
                (int)n + (first / _grid.Points), first % _grid.Points, Math.Min(shape.NC, shape.Points(_grid) - first));
            float* scratch = workspace + (worker * shape.WorkerLength);
            Multiply(block, scratch);
            if (!shape.StoresDirectly) Scatter(block, scratch + shape.ScratchLength + shape.PanelsLength);
        }

        /// <summary>Rows [Row, Row + Rows) of group G; Count grid points from point Point of image N on, into the next images where they are merged.</summary>
        private readonly record struct Block(int G, int Row, int Rows, int N, int Point, int Count);

        private void Multiply(in Block block, float* scratch)
        {
            float* panels = scratch + shape.ScratchLength;
            float* result = panels + shape.PanelsLength;
            int channelsPerBlock = shape.ChannelsPerBlock(_grid.Taps);
            for (int c = 0; c < shape.Channels; c += channelsPerBlock)
            {
                int channels = Math.Min(channelsPerBlock, shape.Channels - c);
                OperandB b = Patches(block, c, channels, scratch, panels);
                if (shape.StoresDirectly)
                {
                    float* output = Output(block.N, block.G, block.Row) + block.Point;
                    MultiplyBlock(block, c, channels, b, output, shape.OutH * shape.OutW, StoreOf(block, c == 0, c + channels == shape.Channels, output), result);
                }
                else
                {
                    TileStore store = c == 0 ? default : new TileStore { Addend = result, AddendStride = shape.NC };
                    MultiplyBlock(block, c, channels, b, result, shape.NC, store, result + shape.ResultLength);
                }
            }
        }

        // A's rows in L2-sized parts; GemmBlock keeps each panel of B in L1 while a part of A passes over it.
        private void MultiplyBlock(in Block block, int channel, int channels, in OperandB b, float* c, nint ldc, TileStore store, float* filter)
        {
            int step = shape.Blocks.MC;
            for (int i = 0; i < block.Rows; i += step)
            {
                TileStore at = store;
                if (at.Bias != null) at.Bias += i;
                if (at.Addend != null) at.Addend += i * at.AddendStride;
                int rows = Math.Min(step, block.Rows - i);
                OperandA a = Weights(block, i, rows, channel, channels, filter);
                GemmBlock.Multiply(shape.Kernel, rows, block.Count, channels * _grid.Taps, a, b, c + (i * ldc), ldc, at);
            }
        }

        /// <summary>The block's part of A for some of its rows and channels: packed, or in place but for a last panel of fewer rows.</summary>
        private OperandA Weights(in Block block, int i, int rows, int channel, int channels, float* filter)
        {
            int K = channels * _grid.Taps, MR = shape.Kernel.MR, row = block.Row + i;
            FilterPanels weights = shape.Filter(part);
            if (buffers.Packed != null)
                return weights.Packed(buffers.Packed + part.PackedOffset + ((((nint)block.G * shape.Channels) + channel) * _grid.Taps * shape.PaddedM) + ((nint)row * K), K);

            float* group = buffers.W + ((nint)block.G * _s.GroupOC * _s.PatchLength);
            int rest = rows % MR;
            if (rest > 0) weights.Pack(group, row + rows - rest, rest, channel, channels, filter);
            return weights.InPlace(group, row, channel, K, filter);
        }

        /// <summary>Bias and residual with the first part of the sum, the output itself with the later ones, the activation with the last.</summary>
        private TileStore StoreOf(in Block block, bool isFirst, bool isLast, float* output)
        {
            TileStore store = direction == Direction.Forward ? context.Epilogue(BiasOf(block), ResidualAt(output)) : default;
            if (!isLast) store.Activation = Activation.None;
            if (isFirst) return store;
            store.Bias = null;
            store.Addend = output;
            store.AddendStride = (nint)shape.OutH * shape.OutW;
            return store;
        }

        private float* BiasOf(in Block block) => buffers.B == null ? null : buffers.B + (block.G * shape.M) + block.Row;

        private float* ResidualAt(float* output) => buffers.Residual == null ? null : buffers.Residual + (output - buffers.Y);

        private float* Output(int n, int g, int row) => direction == Direction.Forward
            ? buffers.Y + ((((long)n * _s.OC) + ((long)g * shape.M) + row) * _s.OutputPixels)
            : buffers.X + ((((long)n * _s.IC) + ((long)g * shape.M) + row) * _s.InputPixels);

        private float* Source(int n, int g, int channel) => direction == Direction.Forward
            ? buffers.X + ((((long)n * _s.IC) + ((long)g * shape.Channels) + channel) * _s.InputPixels)
            : buffers.Y + ((((long)n * _s.OC) + ((long)g * shape.Channels) + channel) * _s.OutputPixels);

        /// <summary>The block's part of B for some channels: in place, or in panels.</summary>
        private OperandB Patches(in Block block, int c, int channels, float* scratch, float* panels)
        {
            int NR = shape.Kernel.NR;
            if (shape.ReadsImage(_grid)) return Image(block, c, channels, panels);
            if (_grid.IsIdentity && !shape.MergesImages && NR % shape.Kernel.Vector == 0)
                shape.Packer.FromRows(Source(block.N, block.G, c) + block.Point, _grid.Points, channels, block.Count, NR, panels);
            else if (_grid.ReadsInPlace)
                PackInPlace(block, c, channels, panels);
            else
                PackPadded(block, c, channels, scratch, panels);
            float* last = null;
            if (direction == Direction.Forward && NR % shape.Kernel.Vector != 0)
            {
                int K = channels * _grid.Taps;
                last = panels + shape.PanelsLength - (nint)shape.LastColumnsLength;
                for (int j = 0; j < (block.Count + NR - 1) / NR; j++) CopyColumn(panels + ((nint)j * K * NR) + NR - 1, NR, K, last + ((nint)j * K));
            }

            return new OperandB(panels, NR, (nint)channels * _grid.Taps * NR, null, last);
        }

        private OperandB Image(in Block block, int c, int channels, float* panels)
        {
            int NR = shape.Kernel.NR, whole = block.Count / NR, rest = block.Count % NR;
            float* source = Source(block.N, block.G, c) + block.Point, edge = null, last = null;
            if (rest % shape.Kernel.Vector != 0)
            {
                edge = panels;
                shape.Packer.FromRows(source + ((nint)whole * NR), _grid.Points, channels, rest, NR, edge);
            }

            if (direction == Direction.Forward && NR % shape.Kernel.Vector != 0)
            {
                last = panels + shape.PanelsLength - (nint)shape.LastColumnsLength;
                for (int j = 0; j < whole; j++) CopyColumn(source + ((nint)j * NR) + NR - 1, _grid.Points, channels, last + ((nint)j * channels));
            }

            return new OperandB(source, _grid.Points, NR, edge, last);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void CopyColumn(float* source, nint ld, int K, float* column)
        {
            for (int k = 0; k < K; k++, source += ld) column[k] = *source;
        }

        private void PackInPlace(in Block block, int c, int channels, float* panels)
        {
            nint plane = (nint)_grid.H * _grid.W, image = plane * shape.Channels * _s.G;
            var source = new PatchSource(Source(block.N, block.G, c), Source(_s.N, 0, 0), plane, _grid.sw, isFar: true);
            nint tap = ((nint)_grid.FirstRow * _grid.W) + _grid.FirstColumn;
            Span<Run> runs = stackalloc Run[MostRuns(block)];
            int count = FindRuns(block, channels, image, (nint)_grid.sh * _grid.W, _grid.sw, runs);
            shape.Patches.Pack(source, channels, &tap, 1, runs[..count], shape.Kernel.NR, panels);
        }

        private void PackPadded(in Block block, int c, int channels, float* scratch, float* panels)
        {
            // The images that the block touches, each with the same room in scratch.
            int lastImage = block.N + ((block.Point + block.Count - 1) / _grid.Points);
            int firstRow = lastImage == block.N ? block.Point / _grid.Columns : 0;
            int rows = lastImage == block.N ? ((block.Point + block.Count - 1) / _grid.Columns) - firstRow + 1 : _grid.Rows;
            nint channelStride = (nint)_grid.PaddedRowCount(rows) * _grid.Pitch;
            nint imageStride = channelStride * channels;
            for (int n = block.N; n <= lastImage; n++)
                shape.Patches.Fill(_grid, Source(n, block.G, c), channels, firstRow, rows, scratch + ((n - block.N) * imageStride), channelStride);

            var source = new PatchSource(scratch - (firstRow * _grid.RowStep), scratch + shape.ScratchLength, channelStride, 1, isFar: false);
            Span<Run> runs = stackalloc Run[MostRuns(block)];
            int count = FindRuns(block, channels, imageStride, _grid.RowStep, 1, runs);
            shape.Patches.Pack(source, channels, _grid.TapOffsets, _grid.Taps, runs[..count], shape.Kernel.NR, panels);
        }

        private int MostRuns(in Block block) => (block.Count / _grid.Columns) + (block.Count / shape.Kernel.NR) + 3;

        /// <summary>Cuts the block's points where a grid row or a panel ends.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int FindRuns(in Block block, int channels, nint imageStride, nint rowStride, nint pointStride, Span<Run> runs)
        {
            int NR = shape.Kernel.NR;
            // Where grid rows follow each other without a gap, an image is one row.
            int columns = rowStride == _grid.Columns * pointStride ? _grid.Points : _grid.Columns;
            (int image, int point) = Math.DivRem(block.Point, _grid.Points);
            (int row, int column) = Math.DivRem(point, columns);
            int count = 0;
            for (int i = 0; i < block.Count;)
            {
                (int panel, int lane) = Math.DivRem(i, NR);
                int length = Math.Min(Math.Min(columns - column, NR - lane), block.Count - i);
                runs[count++] = new Run(
                    (image * imageStride) + (row * rowStride) + (column * pointStride), ((nint)panel * channels * _grid.Taps * NR) + lane, length);
                i += length;
                column += length;
                if (column < columns) continue;
                column = 0;
                if (++row < _grid.Points / columns) continue;
                row = 0;
                image++;
            }

            return count;
        }

        /// <summary>The finished block from scratch to its places in the output: images apart, strides between the points.</summary>
        private void Scatter(in Block block, float* result)
        {
            for (int done = 0; done < block.Count;)
            {
                (int image, int point) = Math.DivRem(block.Point + done, _grid.Points);
                (int row, int column) = Math.DivRem(point, _grid.Columns);
                // Without strides, points of one image go on from row to row.
                int length = Math.Min(shape.OutStepW == 1 && shape.OutStepH == 1 ? _grid.Points - point : _grid.Columns - column, block.Count - done);
                float* output = Output(block.N + image, block.G, block.Row) + ((long)((row * shape.OutStepH) + part.Row) * shape.OutW) + (column * shape.OutStepW) + part.Column;
                if (fillsGaps) SpreadRun(block, row, column, length, result + done, output);
                else StoreRun(block, result + done, output, length);
                done += length;
            }
        }

        private void SpreadRun(in Block block, int row, int column, int length, float* result, float* output)
        {
            int height = Math.Min(shape.OutStepH, shape.OutH - (row * shape.OutStepH));
            int width = Math.Min(length * shape.OutStepW, shape.OutW - (column * shape.OutStepW));
            PlaneStore.Spread(context.Isa, result, shape.NC, block.Rows, shape.OutStepW, height, width, output, shape.OutW, (nint)shape.OutH * shape.OutW);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void StoreRun(in Block block, float* result, float* output, int length)
        {
            nint plane = (nint)shape.OutH * shape.OutW;
            if (shape.OutStepW == 1)
            {
                TileStore store = direction == Direction.Forward ? context.Epilogue(BiasOf(block), ResidualAt(output)) : default;
                (store.Rows, store.Columns) = (block.Rows, length);
                Epilogue.Copy(context.Isa, store, result, shape.NC, output, plane);
                return;
            }

            PlaneStore.Weave(context.Isa, result, shape.NC, block.Rows, shape.OutStepW, length, output, plane);
        }
    }
}
