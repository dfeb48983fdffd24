using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>The steps of a run of <see cref="WinogradPass"/>, and where their data are.</summary>
internal readonly unsafe struct WinogradWork(
    ConvSizes s, WinogradTiling tiling, WinogradKernels kernels, float* x, float* y, WinogradWeights weights, float* packed, TileStore epilogue,
    float* workspace)
{
    public readonly ConvSizes S = s;
    public readonly WinogradTiling Tiling = tiling;

    /// <summary>Vectors of input channels.</summary>
    public int Vectors => BlockSizes.CeilDiv(S.GroupIC, kernels.Width);

    /// <summary>V of the block that all workers share.</summary>
    public float* SharedV => workspace;

    public float* PrivateV(int worker) => M(worker) + Tiling.MLength;

    /// <summary>V[f][tile][ic] of a block, for one vector of input channels.</summary>
    public void TransformInput(long group, long block, int vector, float* v, int worker)
    {
        int ic = vector * kernels.Width;
        float* plane = x + (((group * S.GroupIC) + ic) * S.InputPixels);
        kernels.Input(
            S, First(block), Count(block), plane, Math.Min(kernels.Width, S.GroupIC - ic), Worker(worker), v + ic, Tiling.VStride, Tiling.VRow);
    }

    /// <summary>M[f][tile][oc] = V·U for a chunk of output channels.</summary>
    public void Multiply(long group, long block, int ocChunk, float* v, int worker)
    {
        int OCs = OCsOf(ocChunk);
        for (int icChunk = 0; icChunk < Tiling.ICChunks; icChunk++)
        {
            float* u = packed == null ? MakeU(group, ocChunk, icChunk, worker) : packed + weights.Offset(group, ocChunk, icChunk), m = M(worker);
            float* from = v + (icChunk * Tiling.ICs);
            for (int f = 0; f < WinogradPoints.Products; f++, u += Tiling.UStride, from += Tiling.VStride, m += Tiling.MStride)
                kernels.Gemm.Multiply(Count(block), OCs, weights.ICs(icChunk), from, Tiling.VRow, 1, u, m, Tiling.MRow, add: icChunk > 0);
        }
    }

    /// <summary>y of the chunk of output channels that <see cref="Multiply"/> left.</summary>
    public void TransformOutput(long group, long block, int ocChunk, int worker)
    {
        int OCs = OCsOf(ocChunk);
        long channel = (group * S.GroupOC) + ((long)ocChunk * Tiling.OCs);
        for (int oc = 0; oc < OCs; oc += kernels.Width)
        {
            kernels.Output(
                S, First(block), Count(block), M(worker) + oc, Tiling.MStride, Tiling.MRow, Math.Min(kernels.Width, OCs - oc),
                y + ((channel + oc) * S.OutputPixels), EpilogueOf(channel + oc));
        }
    }

    private float* MakeU(long group, int ocChunk, int icChunk, int worker)
    {
        float* u = M(worker) + Tiling.MLength;
        for (int vector = 0; vector * kernels.Width < OCsOf(ocChunk); vector++) weights.Transform(group, ocChunk, icChunk, vector, u);
        return u;
    }

    private int OCsOf(int ocChunk) => Math.Min(Tiling.OCs, S.GroupOC - (ocChunk * Tiling.OCs));

    private long First(long block) => block * Tiling.Tiles;

    private int Count(long block) => (int)Math.Min(Tiling.Tiles, ((long)S.N * WinogradStrip.InImage(S)) - First(block));

    private float* M(int worker) => Worker(worker) + Tiling.BufferLength;

    private float* Worker(int worker) => workspace + (Tiling.Shared ? Tiling.VLength : 0) + (worker * Tiling.WorkerLength);

    private TileStore EpilogueOf(long channel)
    {
        TileStore store = epilogue;
        if (store.Bias != null) store.Bias += channel;
        if (store.Addend != null) store.Addend += channel * S.OutputPixels;
        return store;
    }
}
