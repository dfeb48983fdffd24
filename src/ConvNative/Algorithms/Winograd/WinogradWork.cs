using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>The steps of a run of <see cref="WinogradPass"/>, and where their data are.</summary>
internal readonly unsafe struct WinogradWork(
    ConvSizes s, WinogradTiling tiling, WinogradKernels kernels, float* x, float* y, WinogradWeights weights, float* packed, TileStore epilogue,
    float* workspace, long* madeFor)
{
    /// <summary>In the list of what each worker has made for which group: nothing yet.</summary>
    public const long NoGroup = -1;

    public readonly ConvSizes S = s;
    public readonly WinogradTiling Tiling = tiling;

    /// <summary>Vectors of input channels.</summary>
    public int Vectors => BlockSizes.CeilDiv(S.GroupIC, kernels.Width);

    /// <summary>V of a block that one worker computes.</summary>
    public float* OwnV(int worker) => OwnU(worker) + Tiling.OwnULength;

    /// <summary>V of the one block of a group: the one that all workers made, or the worker's own.</summary>
    public float* V(long group, int worker)
    {
        if (!Tiling.Alone) return SharedV;
        float* v = OwnV(worker);
        if (IsFirst(group, worker)) TransformInput(group, 0, v, worker);
        return v;
    }

    public float* SharedV => workspace;

    /// <summary>V[f][tile][ic] of a block.</summary>
    public void TransformInput(long group, long block, float* v, int worker)
    {
        for (int vector = 0; vector < Vectors; vector++) TransformInput(group, block, vector, v, worker);
    }

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
        if (Tiling.ByRows)
        {
            MultiplyRows(group, ocChunk, v, worker);
            return;
        }

        int OCs = OCsOf(ocChunk);
        for (int icChunk = 0; icChunk < Tiling.ICChunks; icChunk++)
        {
            float* u = U(group, ocChunk, icChunk, worker), m = M(worker);
            float* from = v + (icChunk * Tiling.ICs);
            int ics = weights.ICs(icChunk);
            for (int f = 0; f < Tiling.Products; f++, u += Tiling.UStride, from += Tiling.VStride, m += Tiling.MStride)
            {
                (int first, int count) = kernels.TilesWith(f, First(block), Count(block));
                if (count == 0) continue;
                nint vAt = first * (nint)Tiling.VRow, mAt = first * (nint)Tiling.MRow;
                kernels.Gemm.Multiply(count, OCs, ics, from + vAt, Tiling.VRow, 1, new(u, ics), m + mAt, Tiling.MRow, add: icChunk > 0);
            }
        }
    }

    /// <summary>The same, row by row of the products.</summary>
    private void MultiplyRows(long group, int ocChunk, float* v, int worker)
    {
        WinogradRows rows = kernels.Rows!.Value;
        int all = BlockSizes.CeilDiv(OCsOf(ocChunk), kernels.Width);
        for (int icChunk = 0; icChunk < Tiling.ICChunks; icChunk++, v += Tiling.ICs)
        for (int vector = 0; vector < all; vector += rows.Vectors)
        {
            int vectors = Math.Min(rows.Vectors, all - vector);
            float* columns = Columns(group, ocChunk, icChunk, vector, vectors, worker), from = v, m = M(worker) + (vector * kernels.Width);
            for (int row = 0; row < Tiling.Reach; row++)
            {
                rows.Multiply(
                    kernels, row, weights.ICs(icChunk), vectors, columns, Tiling.ColumnsLength, from, Tiling.VStride, Tiling.VRow, m, Tiling.MStride, Tiling.MRow,
                    add: icChunk > 0);
                columns += Tiling.ColumnsRow;
                from += Tiling.Reach * Tiling.VStride;
                m += Tiling.Reach * Tiling.MStride;
            }
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

        if (epilogue.Streams) StreamingStores.Fence();
    }

    private float* U(long group, int ocChunk, int icChunk, int worker)
    {
        if (packed != null) return packed + weights.Offset(group, ocChunk, icChunk);
        float* own = OwnU(worker);
        if (Tiling.OneBlock)
        {
            TransformWeights(group, ocChunk, icChunk, own);   // used only here
            return own;
        }

        if (IsFirst(group, worker))
        {
            for (int oc = 0; oc < Tiling.OCChunks; oc++)
            for (int ic = 0; ic < Tiling.ICChunks; ic++) TransformWeights(group, oc, ic, own + weights.Offset(0, oc, ic));
        }

        return own + weights.Offset(0, ocChunk, icChunk);
    }

    /// <summary>G·g of some vectors of output channels.</summary>
    private float* Columns(long group, int ocChunk, int icChunk, int vector, int vectors, int worker)
    {
        if (packed != null) return packed + weights.Offset(group, ocChunk, icChunk) + (vector * Tiling.ColumnsLength);
        float* own = OwnU(worker);
        for (int i = 0; i < vectors; i++) weights.TransformColumns(group, ocChunk, icChunk, vector + i, own + (i * Tiling.ColumnsLength));
        return own;
    }

    private void TransformWeights(long group, int ocChunk, int icChunk, float* u)
    {
        for (int vector = 0; vector * kernels.Width < OCsOf(ocChunk); vector++) weights.Transform(group, ocChunk, icChunk, vector, u);
    }

    /// <summary>Whether the worker has yet to make what it keeps for a group.</summary>
    private bool IsFirst(long group, int worker)
    {
        bool first = madeFor[worker] != group;
        madeFor[worker] = group;
        return first;
    }

    private int OCsOf(int ocChunk) => Math.Min(Tiling.OCs, S.GroupOC - (ocChunk * Tiling.OCs));

    private long First(long block) => block * Tiling.Tiles;

    private int Count(long block) => (int)Math.Min(Tiling.Tiles, kernels.Grid.Tiles - First(block));

    /// <summary>Weights that one worker transforms.</summary>
    private float* OwnU(int worker) => M(worker) + Tiling.MLength;

    private float* M(int worker) => Worker(worker) + Tiling.BufferLength;

    private float* Worker(int worker) => workspace + Tiling.SharedLength + (worker * Tiling.WorkerLength);

    private TileStore EpilogueOf(long channel)
    {
        TileStore store = epilogue;
        if (store.Bias != null) store.Bias += channel;
        if (store.Addend != null) store.Addend += channel * S.OutputPixels;
        return store;
    }
}
