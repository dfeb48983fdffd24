using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="WinogradGradientPass"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Tiles">The most tiles of a block.</param>
/// <param name="Blocks">Blocks of all images.</param>
/// <param name="Slice">Output channels of one group that are worked on at once.</param>
/// <param name="OCs">Output channels of a chunk of products.</param>
/// <param name="ICs">Input channels of a chunk of products.</param>
/// <param name="OCChunks">Chunks of a slice's output channels.</param>
/// <param name="ICChunks">Chunks of a group's input channels.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="XRow">Floats of a tile's transformed input, over all input channels.</param>
/// <param name="DYRow">Floats between two tiles of a slice's transformed dy.</param>
/// <param name="CRow">Floats between two output channels of a chunk of products.</param>
/// <param name="BufferLength">Buffer of the input transform.</param>
internal readonly record struct WinogradGradientTiling(
    int Tiles, int Blocks, int Slice, int OCs, int ICs, int OCChunks, int ICChunks, int Workers, int XRow, int DYRow, int CRow, int BufferLength)
{
    // A line more than a power of two: 36 streams that lie a multiple of 4 KiB apart evict each other from L1.
    private const int Skew = 16;

    private const int MostICs = 64;

    // Of the transformed tiles of a block, whatever the products cost.
    private const int BlockBytes = 2 << 20;

    /// <summary>Floats between products of the transformed input.</summary>
    public nint XStride => ((nint)Tiles * XRow) + Skew;

    /// <summary>Floats between products of the transformed dy.</summary>
    public nint DYStride => ((nint)Tiles * DYRow) + Skew;

    /// <summary>Floats between products of a chunk.</summary>
    public nint CStride => ((nint)RowGemm.RowsOf(OCs) * CRow) + Skew;

    public long XLength => WinogradPoints.Products * XStride;

    public long DYLength => WinogradPoints.Products * DYStride;

    public long CLength => WinogradPoints.Products * CStride;

    public long WorkspaceBytes => BytesFor(Workers);

    /// <summary>Chunks of products are each worker's own where one block completes them; else all of a slice's are held.</summary>
    public long BytesFor(int workers) =>
        (XLength + DYLength + (workers * (long)BufferLength) + ((Blocks > 1 ? (long)OCChunks * ICChunks : workers) * CLength)) * sizeof(float);

    /// <summary>
    /// One block where there are few tiles: its products need not be held. Else blocks that are large enough for the products, which each
    /// block reads and writes, to cost less than the tiles, in half of the workspace; and as many output channels at once, down to a
    /// vector, as the rest has products for. Where that is too much, smaller blocks.
    /// </summary>
    public static WinogradGradientTiling For(PlanContext context)
    {
        ConvSizes s = context.Sizes;
        WinogradKernels kernels = WinogradKernels.For(context.Isa, context.Sizes);
        long all = (long)s.N * WinogradStrip.InImage(s), limit = context.MaxWorkspaceBytes;
        long channels = kernels.Gemm.ColumnsOf(s.GroupIC) + s.GroupOC, tileBytes = WinogradPoints.Products * sizeof(float) * channels;
        long most = Math.Max(2L * s.GroupIC * s.GroupOC / channels, BlockBytes / tileBytes);
        int slice = s.GroupOC;
        if (all <= most && Of(context, kernels, (int)all, slice) is var one && one.BytesFor(context.Threads) <= limit) return one with { Workers = context.Threads };

        int tiles = (int)CeilDiv(all, CeilDiv(all, Math.Clamp(limit / 2 / tileBytes, 1, most)));
        while (true)
        {
            WinogradGradientTiling tiling = Of(context, kernels, tiles, slice);
            int workers = context.Threads;
            while (workers > 0 && tiling.BytesFor(workers) > limit) workers--;
            if (workers > 0 || (tiles == 1 && slice <= kernels.Width)) return tiling with { Workers = workers };
            if (slice > kernels.Width) slice = BlockSizes.RoundUp(BlockSizes.CeilDiv(slice, 2), kernels.Width);
            else tiles = BlockSizes.CeilDiv(tiles, 2);
        }
    }

    private static WinogradGradientTiling Of(PlanContext context, in WinogradKernels kernels, int tiles, int slice)
    {
        ConvSizes s = context.Sizes;
        int ICs = Math.Min(s.GroupIC, MostICs), ICChunks = BlockSizes.CeilDiv(s.GroupIC, ICs), CRow = kernels.Gemm.ColumnsOf(ICs);
        int most = Math.Max(kernels.Width, CacheSizes.Machine.L2 / 8 * 5 / (WinogradPoints.Products * sizeof(float) * CRow) / kernels.Width * kernels.Width);
        int share = BlockSizes.CeilDiv(slice, BlockSizes.CeilDiv(context.Threads, ICChunks));
        int OCs = BlockSizes.Balance(slice, Math.Min(most, BlockSizes.RoundUp(share, kernels.Width)), kernels.Width);
        return new(
            tiles, (int)CeilDiv((long)s.N * WinogradStrip.InImage(s), tiles), slice, OCs, ICs, BlockSizes.CeilDiv(slice, OCs), ICChunks, 0,
            kernels.Gemm.ColumnsOf(s.GroupIC), BlockSizes.RoundUp(slice, kernels.Width), CRow, kernels.BufferLength);
    }

    private static long CeilDiv(long a, long b) => (a + b - 1) / b;
}
