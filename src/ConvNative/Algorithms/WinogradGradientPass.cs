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

    public override long WorkspaceBytes => tiling.WorkspaceBytes;

    public override string Details =>
        $"F(3×3, 4×4), {_kernels.Gemm.Name} kernel, {tiling.Slices} slices of {tiling.Slice} output channels, " +
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

        /// <summary>X[f][panel of ic][tile][panel's width].</summary>
        public void TransformX(int block)
        {
            for (int ic = 0; ic < s.GroupIC; ic += kernels.Width)
            {
                int panel = ic / kernels.Gemm.NR * kernels.Gemm.NR;
                float* x = buffers.X + ((((nint)group * s.GroupIC) + ic) * s.InputPixels), to = X + ((nint)panel * Count(block)) + (ic - panel);
                kernels.Input(
                    s, First(block), Count(block), x, Math.Min(kernels.Width, s.GroupIC - ic), workspace, to, tiling.XStride,
                    kernels.Gemm.PanelWidth(s.GroupIC - panel));
            }
        }

        /// <summary>DY[f][tile][oc].</summary>
        public void TransformDY(int block)
        {
            for (int oc = 0; oc < OCs; oc += kernels.Width)
            {
                float* dy = buffers.Y + ((((nint)group * s.GroupOC) + firstOC + oc) * s.OutputPixels);
                kernels.OutputGradient(s, First(block), Count(block), dy, Math.Min(kernels.Width, OCs - oc), DY + oc, tiling.DYStride, tiling.DYRow);
            }
        }

        /// <summary>The block's part of a chunk's products; after the last block the chunk's part of dw.</summary>
        public void Multiply(int block, int chunk)
        {
            (int ocChunk, int icChunk) = Math.DivRem(chunk, tiling.ICChunks);
            int oc = ocChunk * tiling.OCs, ic = icChunk * tiling.ICs;
            int ocs = Math.Min(tiling.OCs, OCs - oc), ics = Math.Min(tiling.ICs, s.GroupIC - ic);
            float* products = DY + tiling.DYLength + (tiling.Blocks > 1 ? chunk * (nint)tiling.CLength : 0);
            float* dy = DY + oc, x = X + ((nint)ic * Count(block)), c = products;
            for (int f = 0; f < WinogradPoints.Products; f++, dy += tiling.DYStride, x += tiling.XStride, c += tiling.CStride)
                kernels.Gemm.Multiply(ocs, ics, Count(block), dy, 1, tiling.DYRow, x, c, tiling.CRow, add: block > 0);
            if (block < tiling.Blocks - 1) return;
            float* dw = buffers.W + ((((nint)group * s.GroupOC) + firstOC + oc) * s.PatchLength) + ((nint)ic * s.KH * s.KW);
            kernels.FilterGradient(ocs, ics, products, tiling.CStride, tiling.CRow, dw, s.PatchLength);
        }

        private long First(int block) => (long)block * tiling.Tiles;

        private int Count(int block) => (int)Math.Min(tiling.Tiles, ((long)s.N * WinogradStrip.InImage(s)) - First(block));
    }
}
