using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Winograd"/>. The products are summed over the tiles of all images before the last transform:
/// <code>
/// for group, slice of output channels
///   for block of tiles                                          always in this order: each sum is one chain over the tiles
///     for vector of channels        X = Bᵀ·x·B, DY = A·dy·Aᵀ    shared out
///     for chunk of oc × chunk of ic                             shared out
///       for product f               C[f][oc][ic] += Σ DY[f][tile][oc] · X[f][tile][ic]
///       after the last block        dw = Gᵀ·C·G
/// </code>
/// </summary>
internal sealed unsafe class WinogradGradientPass(PlanContext context, WinogradGradientTiling tiling) : ConvPass
{
    private readonly WinogradKernels _kernels = WinogradKernels.For(context.Isa, context.Sizes);

    public override long WorkspaceBytes => tiling.WorkspaceBytes;

    public override string Details =>
        $"F(3×3, 4×4), {_kernels.Gemm.Name} kernel, {tiling.Blocks} blocks of {tiling.Tiles} tiles, {tiling.Slice} output channels at once, " +
        $"products of {tiling.OCs}×{tiling.ICs} channels, {tiling.Workers} workers";

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        ConvSizes s = context.Sizes;
        for (int group = 0; group < s.G; group++)
        {
            for (int oc = 0; oc < s.GroupOC; oc += tiling.Slice)
            {
                for (int block = 0; block < tiling.Blocks; block++)
                {
                    var work = new Work(s, tiling, _kernels, buffers, workspace, group, oc, block);
                    var transform = new TransformTask(work);
                    pool.For(tiling.Workers, work.Vectors, ref transform);
                    var products = new ProductTask(work);
                    pool.For(tiling.Workers, work.Chunks, ref products);
                }
            }
        }

        BiasGradientTask.Run(context, buffers, pool);
    }

    /// <summary>for vector of channels of x and of dy: X, DY.</summary>
    private readonly struct TransformTask(Work work) : IParallelTask
    {
        public void Run(long index, int worker) => work.Transform((int)index, worker);
    }

    /// <summary>for chunk: C, and dw after the last block.</summary>
    private readonly struct ProductTask(Work work) : IParallelTask
    {
        public void Run(long index, int worker) => work.Multiply((int)index, worker);
    }

    /// <summary>A block of tiles × a slice of one group's output channels, beginning with <paramref name="firstOC"/>.</summary>
    private readonly struct Work(
        ConvSizes s, WinogradGradientTiling tiling, WinogradKernels kernels, ConvBuffers buffers, float* workspace, int group, int firstOC, int block)
    {
        /// <summary>Vectors of input and of output channels.</summary>
        public int Vectors => XVectors + BlockSizes.CeilDiv(OCs, kernels.Width);

        public int Chunks => BlockSizes.CeilDiv(OCs, tiling.OCs) * tiling.ICChunks;

        private int OCs => Math.Min(tiling.Slice, s.GroupOC - firstOC);

        private int XVectors => BlockSizes.CeilDiv(s.GroupIC, kernels.Width);

        private long First => (long)block * tiling.Tiles;

        private int Count => (int)Math.Min(tiling.Tiles, ((long)s.N * WinogradStrip.InImage(s)) - First);

        private float* X => workspace;

        private float* DY => X + tiling.XLength;

        private float* Buffer(int worker) => DY + tiling.DYLength + (worker * (nint)tiling.BufferLength);

        private float* C(int chunk, int worker) => Buffer(tiling.Workers) + ((tiling.Blocks > 1 ? chunk : worker) * (nint)tiling.CLength);

        /// <summary>One vector of channels: X[f][panel of ic][tile][panel's width], or DY[f][tile][oc].</summary>
        public void Transform(int vector, int worker)
        {
            if (vector >= XVectors)
            {
                int oc = (vector - XVectors) * kernels.Width;
                float* dy = buffers.Y + ((((nint)group * s.GroupOC) + firstOC + oc) * s.OutputPixels);
                kernels.OutputGradient(s, First, Count, dy, Math.Min(kernels.Width, OCs - oc), DY + oc, tiling.DYStride, tiling.DYRow);
                return;
            }

            int ic = vector * kernels.Width, panel = ic / kernels.Gemm.NR * kernels.Gemm.NR;
            float* x = buffers.X + ((((nint)group * s.GroupIC) + ic) * s.InputPixels);
            kernels.Input(
                s, First, Count, x, Math.Min(kernels.Width, s.GroupIC - ic), Buffer(worker), X + ((nint)panel * Count) + (ic - panel), tiling.XStride,
                kernels.Gemm.PanelWidth(s.GroupIC - panel));
        }

        /// <summary>The block's part of a chunk's products; after the last block the chunk's part of dw.</summary>
        public void Multiply(int chunk, int worker)
        {
            (int ocChunk, int icChunk) = Math.DivRem(chunk, tiling.ICChunks);
            int oc = ocChunk * tiling.OCs, ic = icChunk * tiling.ICs, ocs = Math.Min(tiling.OCs, OCs - oc), ics = Math.Min(tiling.ICs, s.GroupIC - ic);
            float* dy = DY + oc, x = X + ((nint)ic * Count), c = C(chunk, worker);
            for (int f = 0; f < WinogradPoints.Products; f++, dy += tiling.DYStride, x += tiling.XStride, c += tiling.CStride)
                kernels.Gemm.Multiply(ocs, ics, Count, dy, 1, tiling.DYRow, x, c, tiling.CRow, add: block > 0);
            if (block < tiling.Blocks - 1) return;
            float* dw = buffers.W + ((((nint)group * s.GroupOC) + firstOC + oc) * s.PatchLength) + ((nint)ic * s.KH * s.KW);
            kernels.FilterGradient(ocs, ics, C(chunk, worker), tiling.CStride, tiling.CRow, dw, s.PatchLength);
        }
    }
}
