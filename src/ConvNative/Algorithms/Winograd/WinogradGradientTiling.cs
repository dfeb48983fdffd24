using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="WinogradGradientPass"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Products">Of a tile.</param>
/// <param name="Slice">Output channels of an item.</param>
/// <param name="Slices">Slices of all groups' output channels.</param>
/// <param name="Parts">Parts of the tiles, whose sums are added up.</param>
/// <param name="SharesParts">Whether a part is an item of its own, and its sums are added to the others' at the end; else an item has all parts.</param>
/// <param name="Blocks">Blocks of all parts, as equal as can be.</param>
/// <param name="Tiles">The most tiles of a block.</param>
/// <param name="SharesX">Whether x is transformed once, for all slices, of which each has a worker; else by each of them.</param>
/// <param name="Turned">Whether input channels are the rows of the products and output channels the columns.</param>
/// <param name="Rows">Rows of a chunk of products.</param>
/// <param name="Columns">Columns of a chunk of products.</param>
/// <param name="Chunks">Chunks of an item's products.</param>
/// <param name="HoldsProducts">Whether blocks add to the products of all chunks, and not to sums.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="ARow">Floats of a tile's transformed rows: of the channels that are rows.</param>
/// <param name="BRow">Floats of a tile's transformed columns.</param>
/// <param name="CRow">Floats between two rows of a chunk of products.</param>
/// <param name="SumRows">Rows of an item's sums.</param>
/// <param name="SumsRow">Floats of a row of sums.</param>
/// <param name="BufferLength">Buffer of the input transform.</param>
/// <param name="FewTilesLength">Where tiles are few, all products of a few pairs of channels, and there are no chunks; else 0.</param>
/// <param name="HalfLength">Where a row of products is transformed while it is in registers, what that makes of a chunk; else 0.</param>
internal readonly record struct WinogradGradientTiling(
    int Products, int Slice, long Slices, int Parts, bool SharesParts, int Blocks, int Tiles, bool SharesX, bool Turned, int Rows, int Columns, int Chunks,
    bool HoldsProducts, int Workers,
    int ARow, int BRow, int CRow, int SumRows, int SumsRow, int BufferLength, int FewTilesLength, int HalfLength)
{
    /// <summary>Rows whose sums are made and stored at once, in L1.</summary>
    public const int RowsAtOnce = 4;

    // Columns of a chunk of products, whole panels; of the only block all, where they are few: then rows of dw are written in one go (measured on Zen 5: 28² 1.02 to
    // 1.03 times as fast; of several blocks 0.97; chunks of 128 of more columns 0.96 to 1.03).
    private const int MostColumns = 64, MostColumnsOfOneBlock = 128;

    // Of a block (measured on Zen 5): more of them leave L2, fewer make sums too often.
    private const int MostTiles = 128;

    private const int MostParts = 2;

    // The most tiles of all images that are few (measured on Zen 4 with 36 products: 4 tiles up to 9 % faster, on two threads 28 %, 9 tiles 3 %, 16 no faster).
    private const int MostFewTiles = 9;

    // The most whose products are transformed in registers (measured on Zen 5: 4 tiles 1.1 times as fast, 9 and 16 1.07 to 1.17, 32 1.02 to 1.05).
    private const int MostTilesByRows = 32;

    /// <summary>Floats between products of the transformed rows.</summary>
    public nint AStride => ((nint)Tiles * ARow) + CacheSizes.Skew;

    /// <summary>Floats between products of the transformed columns.</summary>
    public nint BStride => ((nint)Tiles * BRow) + CacheSizes.Skew;

    /// <summary>Floats between products of a chunk.</summary>
    public nint CStride => ((nint)RowGemm.RowsOf(Rows) * CRow) + CacheSizes.Skew;

    public long ALength => Products * AStride;

    public long BLength => Products * BStride;

    /// <summary>x of a block, transformed.</summary>
    public long XLength => Turned ? ALength : BLength;

    /// <summary>What of a block a worker transforms for itself.</summary>
    public long OwnLength => ALength + BLength - (SharesX ? XLength : 0);

    public long CLength => ByRows ? HalfLength : HasFewTiles ? FewTilesLength : Products * CStride;

    /// <summary>Sums of an item, where they do not go straight to dw.</summary>
    public long SumsLength => Parts > 1 || (Blocks > 1 && !HoldsProducts) ? SumRows * (long)SumsRow : 0;

    /// <summary>Whether sums are so short that products are not worth writing to L2.</summary>
    public bool HasFewTiles => FewTilesLength > 0;

    /// <summary>The same with kernels that <see cref="WinogradRowSums"/> has, also for more tiles: there are no few tiles then, and a tile's products follow each other.</summary>
    public bool ByRows => HalfLength > 0;

    /// <summary>What is shared out.</summary>
    public long Items => SharesParts ? Slices * Parts : Slices;

    public int HeldChunks => HoldsProducts ? Chunks : 1;

    /// <summary>The sums of all parts, or x.</summary>
    public long SharedLength => SharesParts ? Items * SumsLength : SharesX ? XLength : 0;

    /// <summary>What each worker holds for itself.</summary>
    public long WorkerLength => BufferLength + OwnLength + (HeldChunks * CLength) + (SharesParts ? 0 : SumsLength);

    /// <summary>Where that begins for a worker, or a slice that has a worker's.</summary>
    public long StartOf(long worker) => SharedLength + (worker * WorkerLength);

    public long WorkspaceBytes => (SharedLength + (Workers * WorkerLength)) * sizeof(float);

    public long SmallestBytes => (SharedLength + WorkerLength) * sizeof(float);

    /// <summary>
    /// Parts and blocks follow from the shape and the workspace's limit, so that sums have the same order whatever the threads: blocks are as large as one
    /// worker with the smallest slice has room for. Where there are fewer parts than threads, slices of output channels; where the workspace is too small
    /// for all workers, smaller slices, then parts that are not shared out, then fewer workers. Products are held from block to block where they stay
    /// near; else each block's are added to the sums, which are fewer.
    /// </summary>
    public static WinogradGradientTiling For(PlanContext context)
    {
        ConvSizes s = context.Sizes;
        WinogradKernels kernels = WinogradChoice.GradientKernels(context.Isa, s);
        long all = kernels.Grid.Tiles;
        bool holds = (long)s.GroupIC * s.GroupOC * kernels.Grid.Products * sizeof(float) <= CacheSizes.Machine.L2 / 2 * 5L;
        int parts = holds ? PartsOf(context) : 1;
        WinogradGradientTiling best = Smallest(context, kernels, all, parts, holds);
        if (WorkersIn(context, best) == 0) return best;
        foreach (bool shares in parts > 1 && context.Threads > 1 ? (bool[])[true, false] : [false])
        {
            for (int slice = Share(context, kernels, shares ? parts : 1); ; slice = Half(slice, kernels))
            {
                WinogradGradientTiling tiling = Of(context, kernels, slice, parts, shares, best.Blocks, holds);
                int wanted = (int)Math.Min(context.Threads, tiling.Items);
                if (tiling.SharesX && WorkersIn(context, tiling) < tiling.Slices) tiling = tiling with { SharesX = false };
                tiling = tiling with { Workers = (int)Math.Min(wanted, WorkersIn(context, tiling)) };
                if (tiling.Workers == wanted) return tiling;
                if (tiling.Workers > best.Workers) best = tiling;
                if (slice <= kernels.Width) break;
            }
        }

        return best;
    }

    /// <summary>Of the smallest slices, with blocks of as many tiles as leave room for a worker, or of one.</summary>
    private static WinogradGradientTiling Smallest(PlanContext context, in WinogradKernels kernels, long tiles, int parts, bool holds)
    {
        ConvSizes s = context.Sizes;
        long tileBytes = kernels.Grid.Products * sizeof(float) * (long)(s.GroupIC + s.GroupOC);
        long most = Math.Clamp(context.MaxWorkspaceBytes / 8 * 5 / tileBytes, 1, MostTiles);
        for (; ; most = BlockSizes.CeilDiv(most, 2L))
        {
            int blocks = (int)(parts * BlockSizes.CeilDiv(tiles, parts * most));
            WinogradGradientTiling tiling = Of(context, kernels, Math.Min(s.GroupOC, kernels.Width), parts, sharesParts: false, blocks, holds);
            if (most == 1 || WorkersIn(context, tiling) > 0) return tiling;
        }
    }

    /// <summary>Each slice with x of its own, which changes no bit; or what is given, where that does not fit, or nothing is shared.</summary>
    public WinogradGradientTiling Apart(PlanContext context)
    {
        WinogradGradientTiling apart = this with { SharesX = false };
        return context.Threads <= WinogradTiling.MostAlone && apart.WorkspaceBytes <= context.MaxWorkspaceBytes ? apart : this;
    }

    /// <summary>Workers that the workspace has room for.</summary>
    private static long WorkersIn(PlanContext context, in WinogradGradientTiling tiling) =>
        Math.Max(0, (context.MaxWorkspaceBytes / sizeof(float)) - tiling.SharedLength) / tiling.WorkerLength;

    /// <summary>Half a slice, in whole vectors.</summary>
    private static int Half(int slice, in WinogradKernels kernels) => BlockSizes.RoundUp(BlockSizes.CeilDiv(slice, 2), kernels.Width);

    /// <summary>The time of a tile's product for the pairs of channels of a group, in that of a pair in a whole panel.</summary>
    public static double TimeOf(RowGemm gemm, in ConvSizes s) => Math.Min(TimeOf(gemm, s.GroupIC, s.GroupOC), TimeOf(gemm, s.GroupOC, s.GroupIC));

    private static double TimeOf(RowGemm gemm, int rows, int columns) => RowGemm.RowsOf(rows) * gemm.TimeOf(columns);

    /// <summary>
    /// Two where pixels are many beside the output channels: then making and adding up the sums costs less than it saves, that no thread transforms
    /// what another one does (measured on Zen 5).
    /// </summary>
    private static int PartsOf(PlanContext context)
    {
        ConvSizes s = context.Sizes;
        long outputs = (long)s.N * s.OutputPixels, sums = (long)(s.GroupIC + Prefetch.Line) * (s.OC + Prefetch.Line) * s.KH * s.KW * sizeof(float);
        return s.G == 1 && outputs >= Math.Max(48L * s.GroupOC, 512) && MostParts * sums <= context.MaxWorkspaceBytes / 2 ? MostParts : 1;
    }

    /// <summary>Output channels for each of the threads that share a part of a group.</summary>
    private static int Share(PlanContext context, in WinogradKernels kernels, int parts)
    {
        int channels = context.Sizes.GroupOC, slices = BlockSizes.CeilDiv(context.Threads, context.Sizes.G * parts);
        return Math.Min(channels, BlockSizes.RoundUp(BlockSizes.CeilDiv(channels, slices), kernels.Width));
    }

    private static WinogradGradientTiling Of(PlanContext context, in WinogradKernels kernels, int slice, int parts, bool sharesParts, int blocks, bool holds)
    {
        ConvSizes s = context.Sizes;
        RowGemm gemm = kernels.Gemm;
        // Threads without a cache in common transform for themselves sooner than they fetch what another one did (measured on Zen 5).
        int slices = BlockSizes.CeilDiv(s.GroupOC, slice);
        bool sharesX = s.G == 1 && parts == 1 && slices > 1 && slices <= context.Threads && CacheSizes.Machine.HaveL3InCommon(context.Threads);
        bool turned = TimeOf(gemm, s.GroupIC, slice) < TimeOf(gemm, slice, s.GroupIC);
        (int rows, int columns) = turned ? (s.GroupIC, slice) : (slice, s.GroupIC);
        bool byRows = kernels.RowSums != null && blocks == 1 && kernels.Grid.Tiles <= MostTilesByRows;
        int chunkColumns = byRows ? WinogradRowSums.Vectors * kernels.Width
            : blocks == 1 && AllColumnsPay(context, kernels, columns) ? columns : Math.Min(columns, MostColumns);
        int CRow = gemm.ColumnsOf(chunkColumns), mostRows = byRows ? WinogradRowSums.Rows : MostRows(kernels, CRow);
        int chunkRows = BlockSizes.RoundUp(BlockSizes.Balance(rows, Math.Max(1, mostRows / kernels.Width) * kernels.Width, kernels.Width), kernels.Width);
        return new(
            kernels.Grid.Products, slice, (long)s.G * slices, parts, sharesParts,
            blocks, (int)BlockSizes.CeilDiv(kernels.Grid.Tiles, blocks), sharesX, turned,
            chunkRows, chunkColumns, BlockSizes.CeilDiv(rows, chunkRows) * BlockSizes.CeilDiv(columns, chunkColumns), holds && blocks > parts, 0,
            BlockSizes.RoundUp(rows, kernels.Width), gemm.ColumnsOf(columns), CRow,
            rows, BlockSizes.RoundUp(columns, kernels.Width) * s.KH * s.KW, kernels.BufferLength,
            blocks == 1 && !byRows ? LengthOfFewTiles(kernels) : 0, byRows ? kernels.RowSums!.Value.LengthOf(chunkRows) : 0);
    }

    /// <summary>Rows of a chunk whose products leave room in L2 for what they are made of.</summary>
    private static int MostRows(in WinogradKernels kernels, int CRow) => CacheSizes.Machine.L2 / 8 * 5 / (kernels.Grid.Products * sizeof(float) * CRow);

    /// <summary>Whether a chunk of the only block has all columns: not where that leaves too few rows, or a small workspace less room.</summary>
    private static bool AllColumnsPay(PlanContext context, in WinogradKernels kernels, int columns) =>
        columns <= MostColumnsOfOneBlock && MostRows(kernels, kernels.Gemm.ColumnsOf(columns)) >= kernels.Width
        && context.MaxWorkspaceBytes >= 8L * CacheSizes.Machine.L2;

    /// <summary>For few tiles, and products that leave a quarter of L1 for what they are made of.</summary>
    private static int LengthOfFewTiles(in WinogradKernels kernels)
    {
        int length = kernels.Products.LengthOf(kernels.Grid.Products);
        return kernels.Grid.Tiles <= MostFewTiles && length * sizeof(float) <= CacheSizes.Machine.L1 / 4 * 3 ? length : 0;
    }
}
