using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Winograd"/>. The products are summed over the tiles of all images:
/// <code>
/// for group, slice of output channels, part of the tiles      shared out
///   for block of tiles
///     for vector of channels        X = Bᵀ·x·B, DY = A·dy·Aᵀ     where threads have a cache in common, X of a block is shared out too, before the slices
///     for chunk of oc × chunk of ic
///       for product f               C[f][oc][ic] = Σ DY[f][tile][oc] · X[f][tile][ic]      where C is small, it goes on from block to block
///       sums += Gᵀ·C·G                                         else a quarter of C, which stays in L2; of 6×6 tiles a seventh, of 5×5 kernels two fifths
///                                                              with few tiles C has 4 oc × 2 vectors of ic, and goes straight to dw; or is C·G, of 64 oc × 2 vectors
/// for rows of dw                                               shared out
///   dw = the sums of the parts, in their order
/// </code>
/// Parts and blocks follow from the shape and the limit of the workspace, so that every sum has the same order whatever the threads. Where threads have no cache in
/// common, each slice transforms x anew: cheaper than to fetch what another core transformed.
/// </summary>
internal sealed unsafe class WinogradGradientPass(PlanContext context, WinogradGradientTiling together) : ConvPass
{
    private readonly WinogradKernels _kernels = WinogradChoice.GradientKernels(context.Isa, context.Sizes);

    private readonly WinogradGradientTiling _apart = together.Apart(context);

    public override long WorkspaceBytes => Math.Max(together.WorkspaceBytes, _apart.WorkspaceBytes);

    /// <summary>Whether it changes anything that the threads are found to be far apart.</summary>
    private bool MayPart => together.SharesX != _apart.SharesX;

    public override string Details =>
        $"F({context.Sizes.KH}×{context.Sizes.KW}, {_kernels.Grid.Tile}×{_kernels.Grid.Tile}), " +
        $"{(together.ByRows ? "products by rows" : $"{_kernels.Gemm.Name} kernel")}, {together.Slices} slices of {together.Slice} output channels, " +
        $"{together.Blocks} blocks of {together.Tiles} tiles in {together.Parts} parts, " +
        $"products of {(together.HasFewTiles ? _kernels.Products.Name : $"{together.Rows}×{together.Columns}")} channels" +
        $"{(together.Turned ? ", input channels first" : "")}, {together.Workers} at a time";

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        Run(MayPart && pool.Distance.IsFar ? _apart : together, buffers, workspace, pool);
        if (MayPart) pool.WatchDistance();
        BiasGradientTask.Run(context, buffers, pool);
    }

    private void Run(in WinogradGradientTiling tiling, in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        if (tiling.SharesX)
        {
            RunBlocks(tiling, buffers, workspace, pool);
        }
        else
        {
            var items = new ItemTask(context.Sizes, tiling, _kernels, buffers, workspace);
            pool.For(tiling.Workers, tiling.Items, ref items);
        }

        if (tiling.SharesParts)
        {
            var rows = new RowsTask(context.Sizes, tiling, _kernels, buffers, workspace);
            pool.For(context.Threads, rows.Count, ref rows);
        }
    }

    /// <summary>All slices of a block before the next one.</summary>
    private void RunBlocks(in WinogradGradientTiling tiling, in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        for (int block = 0; block < tiling.Blocks; block++)
        {
            var input = new InputTask(context.Sizes, tiling, _kernels, buffers, workspace, block);
            pool.For(tiling.Workers, BlockSizes.CeilDiv(context.Sizes.IC, _kernels.Width), ref input);
            var slices = new SliceTask(context.Sizes, tiling, _kernels, buffers, workspace, block);
            pool.For(tiling.Workers, tiling.Slices, ref slices);
        }
    }

    /// <summary>for vector of input channels: X of a block.</summary>
    private readonly struct InputTask(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace, int block) : IParallelTask
    {
        public void Run(long index, int worker) =>
            new Work(s, tiling, kernels, buffers, workspace + tiling.StartOf(worker), workspace, 0).TransformX(block, (int)index * kernels.Width);
    }

    /// <summary>for slice: what a block, whose X is made, gives to dw. Its memory is the slice's, whichever worker it is.</summary>
    private readonly struct SliceTask(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace, int block) : IParallelTask
    {
        public void Run(long index, int worker) =>
            new Work(s, tiling, kernels, buffers, workspace + tiling.StartOf(index), workspace, index).Add(block, 0);
    }

    /// <summary>for group, slice, part: its part of dw.</summary>
    private readonly struct ItemTask(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            int parts = tiling.SharesParts ? 1 : tiling.Parts;
            (long slice, long part) = Math.DivRem(index, tiling.Parts / parts);
            new Work(s, tiling, kernels, buffers, workspace + tiling.StartOf(worker), workspace, slice).Run((int)part, parts);
        }
    }

    /// <summary>for group, slice, rows of dw: the parts' sums.</summary>
    private readonly struct RowsTask(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        public long Count => tiling.Slices * Batches;

        private int Batches => BlockSizes.CeilDiv(tiling.SumRows, WinogradGradientTiling.RowsAtOnce);

        public void Run(long index, int worker)
        {
            (long slice, long batch) = Math.DivRem(index, Batches);
            new Work(s, tiling, kernels, buffers, null, workspace, slice).AddParts((int)batch * WinogradGradientTiling.RowsAtOnce);
        }
    }

    /// <summary>The steps for a slice of one group's output channels, and where their data are.</summary>
    private readonly struct Work(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* own, float* shared, long slice)
    {
        private readonly long _group = slice / (tiling.Slices / s.G);
        private readonly int _firstOC = (int)(slice % (tiling.Slices / s.G)) * tiling.Slice;

        private int OCs => Math.Min(tiling.Slice, s.GroupOC - _firstOC);

        private int Rows => tiling.Turned ? s.GroupIC : OCs;

        private int Columns => tiling.Turned ? OCs : s.GroupIC;

        private int Taps => s.KH * s.KW;

        private float* A => tiling.SharesX && tiling.Turned ? shared : own + tiling.BufferLength;

        private float* B => tiling.SharesX && !tiling.Turned ? shared : C - tiling.BLength;

        private float* C => own + tiling.BufferLength + tiling.OwnLength;

        private int BlocksOfPart => tiling.Blocks / tiling.Parts;

        private nint RowStride => tiling.Turned ? Taps : s.PatchLength;

        private nint ColumnStride => tiling.Turned ? s.PatchLength : Taps;

        /// <summary>Some parts, one after the other.</summary>
        public void Run(int part, int parts)
        {
            int first = part * BlocksOfPart, end = first + (parts * BlocksOfPart);
            for (int block = first; block < end; block++)
            {
                TransformX(block);
                Add(block, first);
            }
        }

        /// <summary>What a block, whose X is made, adds to the sums that began with the first one, or to dw.</summary>
        public void Add(int block, int first)
        {
            TransformDY(block);
            if (tiling.ByRows)
            {
                MultiplyByRows();
                return;
            }

            if (tiling.HasFewTiles)
            {
                MultiplyFewTiles();
                return;
            }

            float* sums = tiling.SharesParts ? SumsOf(first / BlocksOfPart) : C + (tiling.HeldChunks * tiling.CLength);
            int chunk = 0;
            for (int row = 0; row < Rows; row += tiling.Rows)
            for (int column = 0; column < Columns; column += tiling.Columns) Multiply(block, row, column, chunk++, first, sums);
        }

        /// <summary>Rows of dw, from the sums of all parts.</summary>
        public void AddParts(int row)
        {
            int rows = Math.Min(WinogradGradientTiling.RowsAtOnce, Rows - row);
            if (rows <= 0) return;
            nint at = (nint)row * tiling.SumsRow;
            for (int part = 1; part < tiling.Parts; part++) kernels.Add(SumsOf(0) + at, SumsOf(part) + at, (nint)rows * tiling.SumsRow);
            kernels.StoreGradient(rows, Columns, SumsOf(0) + at, tiling.SumsRow, DW(row, 0), RowStride, ColumnStride);
        }

        private void TransformX(int block)
        {
            for (int ic = 0; ic < s.GroupIC; ic += kernels.Width) TransformX(block, ic);
        }

        /// <summary>X[f][tile][ic] of a vector of channels, by panels where input channels are the columns of the products.</summary>
        public void TransformX(int block, int ic)
        {
            float* x = buffers.X + (((_group * s.GroupIC) + ic) * s.InputPixels), to = Place(block, tiling.Turned, ic, s.GroupIC, out nint stride, out nint tileStride);
            int lanes = Math.Min(kernels.Width, s.GroupIC - ic);
            kernels.Input(s, First(block), Count(block), x, lanes, own, to, stride, tileStride);
        }

        /// <summary>DY[f][tile][oc], by panels where output channels are the columns of the products.</summary>
        private void TransformDY(int block)
        {
            for (int oc = 0; oc < OCs; oc += kernels.Width)
            {
                float* dy = buffers.Y + (((_group * s.GroupOC) + _firstOC + oc) * s.OutputPixels), to = Place(block, !tiling.Turned, oc, OCs, out nint stride, out nint tileStride);
                int lanes = Math.Min(kernels.Width, OCs - oc);
                kernels.OutputGradient(s, First(block), Count(block), dy, lanes, to, stride, tileStride);
            }
        }

        /// <summary>Where a channel of the block's first tile goes to, in a panel of rows or of columns, and the floats between products and between tiles.</summary>
        private float* Place(int block, bool isRow, int channel, int channels, out nint stride, out nint tileStride)
        {
            int width = isRow ? tiling.Rows : tiling.ByRows ? tiling.Columns : kernels.Gemm.NR, panel = channel / width * width;
            int lanes = Math.Min(width, BlockSizes.RoundUp(channels - panel, kernels.Width));
            (stride, tileStride) = tiling.ByRows ? (lanes, tiling.Products * lanes) : (isRow ? tiling.AStride : tiling.BStride, lanes);
            return (isRow ? A : B) + ((nint)panel * Count(block) * (tiling.ByRows ? tiling.Products : 1)) + channel - panel;
        }

        /// <summary>
        /// The products of a chunk of one block, or of all that its part has so far; and where they are not held for the next block, what they
        /// add to the sums, or at the end to dw.
        /// </summary>
        private void Multiply(int block, int row, int column, int chunk, int first, float* sums)
        {
            int rows = Math.Min(tiling.Rows, Rows - row), columns = Math.Min(tiling.Columns, Columns - column);
            int tiles = Count(block), inPart = block % BlocksOfPart;
            bool goesOn = tiling.HoldsProducts && inPart > 0;
            float* a = Place(block, isRow: true, row, Rows, out nint aStride, out nint rowStep), b = B + ((nint)column * tiles);
            float* products = C + (tiling.HoldsProducts ? chunk * tiling.CLength : 0), c = products;
            nint bStride = tiling.BStride, cStride = tiling.CStride;
            for (int f = 0; f < tiling.Products; f++, a += aStride, b += bStride, c += cStride)
            {
                (int from, int count) = kernels.TilesWith(f, First(block), tiles);
                kernels.Gemm.Multiply(rows, columns, count, a + (from * rowStep), 1, rowStep, new(b, tiles, from), c, tiling.CRow, goesOn);
            }
            if (tiling.HoldsProducts && inPart < BlocksOfPart - 1) return;
            bool add = block - first >= (tiling.HoldsProducts ? BlocksOfPart : 1);
            sums += ((nint)row * tiling.SumsRow) + ((nint)column * Taps);
            if (tiling.SharesParts || block < tiling.Blocks - 1)
                kernels.FilterGradient(rows, columns, products, cStride, tiling.CRow, sums, tiling.SumsRow, add);
            else
                kernels.FinishGradient(rows, columns, products, cStride, tiling.CRow, add ? sums : null, tiling.SumsRow, DW(row, column), RowStride, ColumnStride);
        }

        /// <summary>dw of the only block, some pairs of channels after the others.</summary>
        private void MultiplyFewTiles()
        {
            int* tiles = stackalloc int[2 * tiling.Products];
            for (int f = 0; f < tiling.Products; f++) (tiles[2 * f], tiles[(2 * f) + 1]) = kernels.TilesWith(f, 0, tiling.Tiles);
            for (int column = 0; column < Columns; column += 2 * kernels.Width)
            {
                float* b = Place(0, isRow: false, column, Columns, out nint bStride, out nint bStep);
                int columns = Math.Min(2 * kernels.Width, Columns - column), vectors = BlockSizes.CeilDiv(columns, kernels.Width);
                nint rowStride = vectors * kernels.Width, productStride = WinogradProducts.Rows * rowStride;
                for (int row = 0; row < Rows; row += WinogradProducts.Rows)
                {
                    float* a = Place(0, isRow: true, row, Rows, out nint aStride, out nint aStep);
                    kernels.Products.Multiply(vectors, tiling.Products, tiles, a, aStride, aStep, b, bStride, bStep, C);
                    kernels.FinishGradient(
                        Math.Min(WinogradProducts.Rows, Rows - row), columns, C, productStride, rowStride, null, 0, DW(row, column), RowStride, ColumnStride);
                }
            }
        }

        /// <summary>dw of the only block, a chunk of pairs of channels after the other.</summary>
        private void MultiplyByRows()
        {
            for (int column = 0; column < Columns; column += tiling.Columns)
            {
                float* b = Place(0, isRow: false, column, Columns, out _, out _);
                int columns = Math.Min(tiling.Columns, Columns - column);
                for (int row = 0; row < Rows; row += tiling.Rows)
                {
                    float* a = Place(0, isRow: true, row, Rows, out nint aRow, out _);
                    int rows = Math.Min(tiling.Rows, Rows - row);
                    kernels.RowSums!.Value.Multiply(kernels, rows, columns, a, aRow, b, C, DW(row, column), RowStride, ColumnStride);
                }
            }
        }

        private float* SumsOf(int part) => shared + (((slice * tiling.Parts) + part) * tiling.SumsLength);

        private float* DW(int row, int column) =>
            buffers.W + (((_group * s.GroupOC) + _firstOC) * s.PatchLength) + (row * RowStride) + (column * ColumnStride);

        /// <summary>Blocks are as equal as can be.</summary>
        private long First(int block) => kernels.Grid.Tiles * block / tiling.Blocks;

        private int Count(int block) => (int)(First(block + 1) - First(block));
    }
}
