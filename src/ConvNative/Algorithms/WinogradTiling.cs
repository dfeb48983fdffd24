using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="Winograd"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Tiles">The most tiles of a block.</param>
/// <param name="Blocks">Blocks of one group.</param>
/// <param name="OCs">Output channels that are multiplied and transformed back at once.</param>
/// <param name="OCChunks">How often that is all.</param>
/// <param name="ICs">Input channels of which the transformed weights are used at once.</param>
/// <param name="ICChunks">How often that is all.</param>
/// <param name="Shared">All workers share the one block of a group; else each has blocks of its own.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="VRow">Floats between two tiles of a block's transformed input.</param>
/// <param name="MRow">Floats between two tiles of a block's results.</param>
/// <param name="BufferLength">Buffer of the input transform.</param>
internal readonly record struct WinogradTiling(
    int Tiles, int Blocks, int OCs, int OCChunks, int ICs, int ICChunks, bool Shared, int Workers, int VRow, int MRow, int BufferLength)
{
    // A line more than a power of two: 36 streams that lie a multiple of 4 KiB apart evict each other from L1.
    private const int Skew = 16;

    // More of them read V less often, fewer leave room for more tiles, which read U less often.
    private const int MostOCs = 64;

    private const int FewestTiles = 8, ICUnit = 32;

    /// <summary>Floats between products of the transformed input.</summary>
    public nint VStride => ((nint)RowGemm.RowsOf(Tiles) * VRow) + Skew;

    /// <summary>Floats between products of the results.</summary>
    public nint MStride => ((nint)RowGemm.RowsOf(Tiles) * MRow) + Skew;

    /// <summary>Floats between products of a chunk's weights.</summary>
    public nint UStride => ((nint)ICs * MRow) + Skew;

    public long VLength => WinogradPoints.Products * VStride;

    public long MLength => WinogradPoints.Products * MStride;

    public long ULength => WinogradPoints.Products * UStride;

    /// <summary>What each worker holds for itself.</summary>
    public long WorkerLength => BufferLength + MLength + (Shared ? ULength : VLength);

    public long WorkspaceBytes => ((Workers * WorkerLength) + (Shared ? VLength : 0)) * sizeof(float);

    public long SmallestBytes => (WorkerLength + (Shared ? VLength : 0)) * sizeof(float);

    /// <summary>The convolution that is computed: the problem's own, or the one from dy to dx.</summary>
    public static ConvSizes Sizes(PlanContext context, Direction direction) =>
        direction == Direction.BackwardData ? context.Sizes.FromOutput : context.Sizes;

    /// <summary>
    /// One block of all tiles that the workers share, for which the weights of a chunk are transformed where they are used, while there are
    /// no more tiles than input channels: then U is larger than M, and writing and rereading it costs more than M beyond L2 (measured on
    /// Zen 5). Else a block's M takes half of L2, and each worker gets as many blocks as the others.
    /// </summary>
    public static WinogradTiling For(PlanContext context, in ConvSizes s)
    {
        WinogradKernels kernels = WinogradKernels.For(context.Isa, s);
        long all = (long)s.N * WinogradStrip.InImage(s), limit = context.MaxWorkspaceBytes;
        int OCs = Math.Min(s.GroupOC, MostOCs), most = Math.Max(FewestTiles, CacheSizes.Machine.L2 / 2 / (WinogradPoints.Products * sizeof(float) * OCs));
        if (all <= Math.Max(most, s.GroupIC))
        {
            int share = kernels.Gemm.ColumnsOf(BlockSizes.CeilDiv(s.GroupOC, context.Threads));
            int ICs = BlockSizes.Balance(s.GroupIC, MostICs(OCs), ICUnit);
            WinogradTiling shared = Of(s, kernels, (int)all, Math.Min(OCs, share), ICs, shared: true) with { Workers = context.Threads };
            if (shared.WorkspaceBytes <= limit) return shared;
        }

        long blocks = BlockSizes.CeilDiv(BlockSizes.CeilDiv(all, most), context.Threads) * context.Threads;
        for (int tiles = (int)BlockSizes.CeilDiv(all, blocks); ; tiles /= 2)
        {
            WinogradTiling tiling = Of(s, kernels, tiles, OCs, s.GroupIC, shared: false);
            tiling = tiling with { Workers = (int)Math.Min(context.Threads, limit / sizeof(float) / tiling.WorkerLength) };
            if (tiling.Workers > 0 || tiles == 1) return tiling;
        }
    }

    /// <summary>Input channels of a chunk of weights that fills L2; it is written and read once, in order.</summary>
    private static int MostICs(int OCs) =>
        Math.Max(ICUnit, BlockSizes.RoundUp(CacheSizes.Machine.L2 / (WinogradPoints.Products * sizeof(float) * OCs), ICUnit));

    private static WinogradTiling Of(in ConvSizes s, in WinogradKernels kernels, int tiles, int OCs, int ICs, bool shared)
    {
        int chunks = BlockSizes.CeilDiv(s.GroupOC, OCs), MRow = kernels.Gemm.ColumnsOf(OCs);
        return new(
            tiles, (int)BlockSizes.CeilDiv((long)s.N * WinogradStrip.InImage(s), tiles), OCs, chunks, ICs, BlockSizes.CeilDiv(s.GroupIC, ICs), shared, 0,
            BlockSizes.RoundUp(s.GroupIC, kernels.Width), MRow, kernels.BufferLength);
    }
}
