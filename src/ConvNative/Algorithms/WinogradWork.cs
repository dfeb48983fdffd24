using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>The steps of a run of <see cref="WinogradPass"/>, and where their data are.</summary>
internal readonly unsafe struct WinogradWork(
    ConvSizes s, WinogradTiling tiling, WinogradKernels kernels, float* x, float* y, float* weights, TileStore epilogue, float* workspace)
{
    public readonly ConvSizes S = s;
    public readonly WinogradTiling Tiling = tiling;

    /// <summary>Blocks of all groups.</summary>
    public long AllBlocks => (long)S.G * Tiling.Blocks;

    /// <summary>V of one of the blocks that all workers share.</summary>
    public float* SharedV(long index) => workspace + (index * Tiling.VLength);

    public float* PrivateV(int worker) => Worker(worker) + Tiling.Buffer.Length + Tiling.MLength;

    /// <summary>Finds the tiles of a block.</summary>
    public WinogradBlock Block(long index, int worker)
    {
        long first = index % Tiling.Blocks * Tiling.Buffer.Tiles;
        int count = (int)Math.Min(Tiling.Buffer.Tiles, ((long)S.N * WinogradTiles.Image(S)) - first);
        return WinogradBlock.At(Tiling.Buffer, S, Worker(worker), first, count);
    }

    /// <summary>V[f][panel][ic][NR] of input channels [ic, ic + count).</summary>
    public void TransformInput(long index, in WinogradBlock block, float* v, int ic, int count)
    {
        int NR = Tiling.Kernel.NR, end = Math.Min(ic + count, S.GroupIC);
        float* plane = x + ((((index / Tiling.Blocks) * S.GroupIC) + ic) * S.InputPixels);
        for (; ic < end; ic++, plane += S.InputPixels)
            kernels.Input(S, block, plane, v + ((nint)ic * NR), Tiling.VStride, (nint)S.GroupIC * NR, NR);
    }

    /// <summary>M[f][panel][oc][NR] = U·V for a chunk of output channels from oc on, and from it y.</summary>
    public void MultiplyAndTransform(long index, in WinogradBlock block, float* v, int oc, int worker)
    {
        GemmKernel kernel = Tiling.Kernel;
        long group = index / Tiling.Blocks;
        int OCs = Math.Min(Tiling.OCs, S.GroupOC - oc), rows = BlockSizes.RoundUp(OCs, kernel.MR);
        nint K = S.GroupIC, uStride = WinogradWeights.ProductStride(S, kernel.MR), mPanel = (nint)Tiling.OCs * kernel.NR;
        float* u = weights + (group * WinogradWeights.GroupLength(S, kernel.MR)) + (oc * K), m = Worker(worker) + Tiling.Buffer.Length;
        for (int f = 0; f < WinogradF4K3.Products; f++)
            for (int lane = 0, panel = 0; lane < block.Lanes; lane += kernel.NR, panel++)
                GemmBlock.MultiplyPanel(
                    kernel, rows, Math.Min(kernel.NR, block.Lanes - lane), (int)K, u + (f * uStride), v + (f * Tiling.VStride) + (panel * K * kernel.NR),
                    kernel.NR, m + (f * Tiling.MStride) + (panel * mPanel), kernel.NR, default);

        long channel = (group * S.GroupOC) + oc;
        for (int i = 0; i < OCs; i++, m += kernel.NR)
            kernels.Output(S, block, m, Tiling.MStride, mPanel, kernel.NR, y + ((channel + i) * S.OutputPixels), EpilogueOf(channel + i));
    }

    private float* Worker(int worker) => workspace + (Tiling.BlocksAtOnce * Tiling.VLength) + (worker * Tiling.WorkerLength);

    private TileStore EpilogueOf(long channel)
    {
        TileStore store = epilogue;
        if (store.Bias != null) store.Bias += channel;
        if (store.Addend != null) store.Addend += channel * S.OutputPixels;
        return store;
    }
}
