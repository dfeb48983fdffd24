using System.Runtime.CompilerServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Winograd"/>. The products are summed over the tiles of all images before the last transform:
/// <code>
/// for group, slice of output channels                           shared out; an item owns its part of dw
///   for block of tiles                                          always in this order: each sum is one chain over the tiles
///     for vector of channels        X = Bᵀ·x·B, DY = A·dy·Aᵀ
///     for chunk of oc × chunk of ic
///       for product f               C[f][oc][ic] += Σ DY[f][tile][oc] · X[f][tile][ic]
///       after the last block        dw = Gᵀ·C·G
/// </code>
/// Each slice transforms x anew: cheaper than to fetch what another core transformed.
/// </summary>
internal sealed unsafe class WinogradGradientPass(PlanContext context, WinogradGradientTiling tiling) : ConvPass
{
    private readonly WinogradKernels _kernels = WinogradKernels.For(context.Isa, context.Sizes);

    private readonly int _tile = WinogradPoints.Tile(context.Sizes.KH);

    public override long WorkspaceBytes => tiling.WorkspaceBytes;

    public override string Details =>
        $"F({context.Sizes.KH}×{context.Sizes.KW}, {_tile}×{_tile}), {_kernels.Gemm.Name} kernel, {tiling.Slices} slices of {tiling.Slice} output channels, " +
        $"{tiling.Blocks} blocks of {tiling.Tiles} tiles, products of {tiling.OCs}×{tiling.ICs} channels, {tiling.Workers} at a time";

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new SliceTask(context.Sizes, tiling, _kernels, buffers, workspace);
        pool.For(tiling.Workers, (long)context.Sizes.G * tiling.Slices, ref task);
        BiasGradientTask.Run(context, buffers, pool);
    }

    /// <summary>for group, slice: its part of dw.</summary>
    private readonly struct SliceTask(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            (long group, long slice) = Math.DivRem(index, tiling.Slices);
            var work = new Work(s, tiling, kernels, buffers, workspace + (worker * (nint)tiling.WorkerLength), (int)group, (int)slice * tiling.Slice);
            for (int block = 0; block < tiling.Blocks; block++)
            {
                work.TransformX(block);
                work.TransformDY(block);
                for (int chunk = 0; chunk < work.Chunks; chunk++) work.Multiply(block, chunk);
            }
        }
    }

    /// <summary>The steps for a slice of one group's output channels, beginning with <paramref name="firstOC"/>, and where their data are.</summary>
    private readonly struct Work(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace, int group, int firstOC)
    {
        public int Chunks => BlockSizes.CeilDiv(OCs, tiling.OCs) * tiling.ICChunks;

        private int OCs => Math.Min(tiling.Slice, s.GroupOC - firstOC);

        private float* X => workspace + tiling.BufferLength;

        private float* DY => X + tiling.XLength;

        /// <summary>X[f][tile][ic], by panels where input channels are the columns of the products.</summary>
        public void TransformX(int block)
        {
            for (int ic = 0; ic < s.GroupIC; ic += kernels.Width)
            {
                float* x = buffers.X + ((((nint)group * s.GroupIC) + ic) * s.InputPixels);
                (nint at, nint tileStride) = PlaceOfX(block, ic);
                kernels.Input(s, First(block), Count(block), x, Math.Min(kernels.Width, s.GroupIC - ic), workspace, X + at, tiling.XStride, tileStride);
            }
        }

        /// <summary>DY[f][tile][oc], by panels where output channels are the columns of the products.</summary>
        public void TransformDY(int block)
        {
            for (int oc = 0; oc < OCs; oc += kernels.Width)
            {
                float* dy = buffers.Y + ((((nint)group * s.GroupOC) + firstOC + oc) * s.OutputPixels);
                (nint at, nint tileStride) = PlaceOfDY(block, oc);
                kernels.OutputGradient(s, First(block), Count(block), dy, Math.Min(kernels.Width, OCs - oc), DY + at, tiling.DYStride, tileStride);
            }
        }

        /// <summary>The block's part of a chunk's products; after the last block the chunk's part of dw.</summary>
        public void Multiply(int block, int chunk)
        {
            (int ocChunk, int icChunk) = Math.DivRem(chunk, tiling.ICChunks);
            int oc = ocChunk * tiling.OCs, ic = icChunk * tiling.ICs;
            int ocs = Math.Min(tiling.OCs, OCs - oc), ics = Math.Min(tiling.ICs, s.GroupIC - ic), taps = s.KH * s.KW;
            float* products = DY + tiling.DYLength + (tiling.Blocks > 1 ? chunk * (nint)tiling.CLength : 0);
            float* x = X + PlaceOfX(block, ic).At, dy = DY + PlaceOfDY(block, oc).At;
            if (tiling.Turned) Multiply(block, ics, ocs, x, tiling.XStride, tiling.XRow, dy, tiling.DYStride, products);
            else Multiply(block, ocs, ics, dy, tiling.DYStride, tiling.DYRow, x, tiling.XStride, products);
            if (block < tiling.Blocks - 1) return;
            float* dw = buffers.W + ((((nint)group * s.GroupOC) + firstOC + oc) * s.PatchLength) + ((nint)ic * taps);
            if (tiling.Turned) StoreGradient(ics, ocs, products, dw, taps, s.PatchLength);
            else StoreGradient(ocs, ics, products, dw, s.PatchLength, taps);
        }

        /// <summary>C[f] += rows[f]ᵀ·columns[f]</summary>
        private void Multiply(
            int block, int rows, int columns, float* row, nint rowStride, nint rowStep, float* column, nint columnStride, float* c)
        {
            for (int f = 0; f < WinogradPoints.Products; f++, row += rowStride, column += columnStride, c += tiling.CStride)
                kernels.Gemm.Multiply(rows, columns, Count(block), row, 1, rowStep, column, c, tiling.CRow, add: block > 0);
        }

        /// <summary>dw of a chunk, a row of pairs at a time, whose sums stay in L1.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void StoreGradient(int rows, int columns, float* products, float* dw, nint rowStride, nint columnStride)
        {
            float* sums = stackalloc float[BlockSizes.RoundUp(columns, kernels.Width) * s.KH * s.KW + StackBuffer.Slack];
            sums = StackBuffer.Align(sums);
            for (int row = 0; row < rows; row++, products += tiling.CRow, dw += rowStride)
            {
                kernels.FilterGradient(1, columns, products, tiling.CStride, tiling.CRow, sums, 0, false);
                kernels.StoreGradient(1, columns, sums, 0, dw, rowStride, columnStride);
            }
        }

        private (nint At, nint TileStride) PlaceOfX(int block, int ic) => tiling.Turned ? (ic, tiling.XRow) : InPanels(block, ic, s.GroupIC);

        private (nint At, nint TileStride) PlaceOfDY(int block, int oc) => tiling.Turned ? InPanels(block, oc, OCs) : (oc, tiling.DYRow);

        /// <summary>Where the panels of a block's first product have a channel of its first tile, and the floats between tiles.</summary>
        private (nint At, nint TileStride) InPanels(int block, int channel, int channels)
        {
            int panel = channel / kernels.Gemm.NR * kernels.Gemm.NR;
            return (((nint)panel * Count(block)) + channel - panel, kernels.Gemm.PanelWidth(channels - panel));
        }

        private long First(int block) => (long)block * tiling.Tiles;

        private int Count(int block) => (int)Math.Min(tiling.Tiles, ((long)s.N * WinogradStrip.InImage(s)) - First(block));
    }
}
