using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="WinogradGradientPass"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Slice">Output channels of an item.</param>
/// <param name="Slices">Items of one group.</param>
/// <param name="Tiles">The most tiles of a block.</param>
/// <param name="Blocks">Blocks of all images.</param>
/// <param name="OCs">Output channels of a chunk of products.</param>
/// <param name="OCChunks">Chunks of a slice's output channels.</param>
/// <param name="ICs">Input channels of a chunk of products.</param>
/// <param name="ICChunks">Chunks of a group's input channels.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="Turned">Whether input channels are the rows of the products and output channels the columns.</param>
/// <param name="XRow">Floats of a tile's transformed input, over all input channels.</param>
/// <param name="DYRow">Floats of a tile's transformed dy, over a slice's output channels.</param>
/// <param name="CRow">Floats between two rows of a chunk of products.</param>
/// <param name="BufferLength">Buffer of the input transform.</param>
internal readonly record struct WinogradGradientTiling(
    int Slice, int Slices, int Tiles, int Blocks, int OCs, int OCChunks, int ICs, int ICChunks, int Workers,
    bool Turned, int XRow, int DYRow, int CRow, int BufferLength)
{
    // A line more than a power of two: 36 streams that lie a multiple of 4 KiB apart evict each other from L1.
    private const int Skew = 16;

    // Columns of a chunk of products, whole panels.
    private const int MostColumns = 64;

    // Of the transformed tiles of a block, whatever the products cost.
    private const int BlockBytes = 2 << 20;

    /// <summary>Floats between products of the transformed input.</summary>
    public nint XStride => ((nint)Tiles * XRow) + Skew;

    /// <summary>Floats between products of the transformed dy.</summary>
    public nint DYStride => ((nint)Tiles * DYRow) + Skew;

    /// <summary>Floats between products of a chunk.</summary>
    public nint CStride => ((nint)RowGemm.RowsOf(Turned ? ICs : OCs) * CRow) + Skew;

    public long XLength => WinogradPoints.Products * XStride;

    public long DYLength => WinogradPoints.Products * DYStride;

    public long CLength => WinogradPoints.Products * CStride;

    /// <summary>What each worker holds for itself; the products of all chunks only where several blocks add to them.</summary>
    public long WorkerLength => BufferLength + XLength + DYLength + ((Blocks > 1 ? (long)OCChunks * ICChunks : 1) * CLength);

    public long WorkspaceBytes => Workers * WorkerBytes;

    public long WorkerBytes => WorkerLength * sizeof(float);

    /// <summary>
    /// A slice for each thread, and one block where there are few tiles: its products need not be held. Else blocks that are large enough
    /// for the products, which each block reads and writes, to cost less than the tiles. Where the products leave too little of the
    /// workspace for that, smaller slices; where that does not help, smaller blocks and fewer workers.
    /// </summary>
    public static WinogradGradientTiling For(PlanContext context)
    {
        ConvSizes s = context.Sizes;
        WinogradKernels kernels = WinogradKernels.For(context.Isa, context.Sizes);
        long all = (long)s.N * WinogradStrip.InImage(s), share = context.MaxWorkspaceBytes / context.Threads;
        int slice = Math.Min(s.GroupOC, BlockSizes.RoundUp(BlockSizes.CeilDiv(s.GroupOC, BlockSizes.CeilDiv(context.Threads, s.G)), kernels.Width));
        while (true)
        {
            WinogradGradientTiling least = Of(s, kernels, slice, 1);
            long channels = least.XRow + least.DYRow, tileBytes = WinogradPoints.Products * sizeof(float) * channels;
            long most = Math.Max(2L * s.GroupIC * slice / channels, BlockBytes / tileBytes), rest = share - least.WorkerBytes;
            if (all <= most && Of(s, kernels, slice, (int)all) is var one && one.WorkerBytes <= share) return one with { Workers = context.Threads };
            long tiles = BlockSizes.CeilDiv(all, BlockSizes.CeilDiv(all, Math.Clamp(rest / tileBytes, 1, most)));
            if (rest >= share / 4) return Of(s, kernels, slice, (int)tiles) with { Workers = context.Threads };
            if (slice <= kernels.Width) return Smallest(context, kernels, slice, (int)tiles);
            slice = BlockSizes.RoundUp(BlockSizes.CeilDiv(slice, 2), kernels.Width);
        }
    }

    private static WinogradGradientTiling Smallest(PlanContext context, in WinogradKernels kernels, int slice, int tiles)
    {
        for (; ; tiles = BlockSizes.CeilDiv(tiles, 2))
        {
            WinogradGradientTiling tiling = Of(context.Sizes, kernels, slice, tiles);
            int workers = (int)Math.Min(context.Threads, context.MaxWorkspaceBytes / tiling.WorkerBytes);
            if (workers > 0 || tiles == 1) return tiling with { Workers = workers };
        }
    }

    private static WinogradGradientTiling Of(in ConvSizes s, in WinogradKernels kernels, int slice, int tiles)
    {
        RowGemm gemm = kernels.Gemm;
        bool turned = (long)RowGemm.RowsOf(s.GroupIC) * gemm.CoveredColumns(slice) < (long)RowGemm.RowsOf(slice) * gemm.CoveredColumns(s.GroupIC);
        int columns = Math.Min(turned ? slice : s.GroupIC, MostColumns), CRow = gemm.ColumnsOf(columns);
        int most = Math.Max(1, CacheSizes.Machine.L2 / 8 * 5 / (WinogradPoints.Products * sizeof(float) * CRow) / kernels.Width) * kernels.Width;
        int rows = BlockSizes.Balance(turned ? s.GroupIC : slice, most, kernels.Width);
        (int OCs, int ICs) = turned ? (columns, rows) : (rows, columns);
        int rowUnit = kernels.Width, XRow = turned ? BlockSizes.RoundUp(s.GroupIC, rowUnit) : gemm.ColumnsOf(s.GroupIC);
        int DYRow = turned ? gemm.ColumnsOf(slice) : BlockSizes.RoundUp(slice, rowUnit);
        return new(
            slice, BlockSizes.CeilDiv(s.GroupOC, slice), tiles, (int)BlockSizes.CeilDiv((long)s.N * WinogradStrip.InImage(s), tiles),
            OCs, BlockSizes.CeilDiv(slice, OCs), ICs, BlockSizes.CeilDiv(s.GroupIC, ICs), 0, turned, XRow, DYRow, CRow, kernels.BufferLength);
    }
}
