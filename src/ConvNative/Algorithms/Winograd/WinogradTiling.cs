using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="Winograd"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Reach">Points of a tile in each dimension.</param>
/// <param name="Tiles">The most tiles of a block.</param>
/// <param name="TileRows">Tiles of a block that V and M have memory for: products compute up to three more than there are.</param>
/// <param name="Blocks">Blocks of one group.</param>
/// <param name="OCs">Output channels that are multiplied and transformed back at once.</param>
/// <param name="OCChunks">How often that is all.</param>
/// <param name="ICs">Input channels of which the transformed weights are used at once.</param>
/// <param name="ICChunks">How often that is all.</param>
/// <param name="Packed">The weights were transformed before.</param>
/// <param name="OneBlock">A group's tiles are one block, and an item is a chunk of its output channels; else an item is a block.</param>
/// <param name="VectorsByRows">Of one block: products are computed a row of points at a time, of so many vectors from G·g (<see cref="WinogradRows"/>); 0: they are not.</param>
/// <param name="Alone">Each worker makes for itself what all of them read: V of the one block, U of the blocks, if it was not before.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="Width">Channels of a vector.</param>
/// <param name="Taps">Of a kernel in each dimension.</param>
/// <param name="VRow">Floats between two tiles of a block's transformed input.</param>
/// <param name="MRow">Floats between two tiles of a block's results.</param>
/// <param name="BufferLength">Buffer of the input transform.</param>
internal readonly record struct WinogradTiling(
    int Reach, int Tiles, int TileRows, int Blocks, int OCs, int OCChunks, int ICs, int ICChunks, bool Packed, bool OneBlock,
    int VectorsByRows, bool Alone, int Workers, int Width, int Taps, int VRow, int MRow, int BufferLength)
{
    /// <summary>The most threads of which each may transform for itself.</summary>
    public const int MostAlone = 3;

    // More of them read V less often, fewer leave room for more tiles, which read U less often.
    private const int MostOCs = 64;

    // Of one block; beyond a width they take longer (measured on Zen 4), but two chunks may be shared out better than three.
    private const int MostOCsOfOneBlock = 112, WideOCs = 96;
    private const double WideCost = 1.04;

    private const int FewestTiles = 8, ICUnit = 32;

    // In the time of a tile's product for a pair of channels (measured on Zen 5): transforming a kernel, for each of its points in a dimension, or a
    // tile of the input, reading a tile's V for a chunk, writing a kernel's U to where a block reads it from, in L2 or beyond.
    private const double PointCost = 1.4, InputCost = 20, ChunkCost = 8, NearUCost = 6, FarUCost = 16;

    /// <summary>Whether there is G·g instead of U.</summary>
    public bool ByRows => VectorsByRows > 0;

    /// <summary>Of a tile.</summary>
    public int Products => Reach * Reach;

    /// <summary>Floats between products of the transformed input.</summary>
    public nint VStride => (TileRows * (nint)VRow) + CacheSizes.Skew;

    /// <summary>Floats between products of the results.</summary>
    public nint MStride => (TileRows * (nint)MRow) + CacheSizes.Skew;

    /// <summary>Floats between products of a chunk's weights.</summary>
    public nint UStride => ((nint)ICs * MRow) + CacheSizes.Skew;

    public long VLength => Products * VStride;

    public long MLength => Products * MStride;

    /// <summary>A chunk's transformed weights.</summary>
    public long ULength => ByRows ? MRow / Width * (long)ColumnsLength : Products * UStride;

    /// <summary>Floats between two rows of a vector's G·g.</summary>
    public nint ColumnsRow => ((nint)ICs * Taps * Width) + CacheSizes.Skew;

    /// <summary>G·g of a vector of output channels, and the input channels of a chunk.</summary>
    public nint ColumnsLength => Reach * ColumnsRow;

    /// <summary>What all workers share.</summary>
    public long SharedLength => OneBlock && !Alone ? VLength : 0;

    /// <summary>Weights that a worker transforms, if they were not before: of a vector or two, a chunk, or all of a group.</summary>
    public long OwnULength => Packed ? 0 : ByRows ? VectorsByRows * (long)ColumnsLength : OneBlock ? ULength : Alone ? OCChunks * ICChunks * ULength : 0;

    /// <summary>What each worker holds for itself.</summary>
    public long WorkerLength => BufferLength + MLength + OwnULength + (VLength - SharedLength);

    public long WorkspaceBytes => ((Workers * WorkerLength) + SharedLength) * sizeof(float);

    public long SmallestBytes => (WorkerLength + SharedLength) * sizeof(float);

    /// <summary>
    /// One block of all tiles, for which the weights of a chunk are transformed where they are used, while there are no more tiles than
    /// input channels: then U is larger than M, and writing and rereading it costs more than M beyond L2 (measured on Zen 5). Else, and
    /// where output channels are too few to be shared out, a block's M takes half of L2, with large tiles all of it (measured on Zen 4: 6 % faster, with others 2 %
    /// slower), and each worker gets as many blocks as the others.
    /// </summary>
    public static WinogradTiling For(PlanContext context, in ConvSizes s, in WinogradKernels kernels, bool packed = false)
    {
        long all = kernels.Grid.Tiles;
        int OCs = Math.Min(s.GroupOC, MostOCs), bytes = kernels.Grid.Tile == WinogradChoice.Tile ? CacheSizes.Machine.L2 / 2 : CacheSizes.Machine.L2;
        int most = Math.Max(FewestTiles, bytes / (kernels.Grid.Products * sizeof(float) * OCs));
        if (all <= Math.Max(most, s.GroupIC))
        {
            (int share, double cost) = Chunk(s, kernels, (int)all, context.Threads);
            bool byRows = all <= MostTilesOfRows(s, kernels, packed);
            WinogradTiling one = byRows
                ? AsRows(context, s, kernels, packed, share)
                : AsOneBlock(context, s, kernels, packed, share, 2L * CacheSizes.Machine.L2);
            if (!byRows && !Fits(context, one)) one = AsOneBlock(context, s, kernels, packed, share, CacheSizes.Machine.L2);
            if (Fits(context, one) && cost <= CostOfBlocks(s, kernels, all, context.Threads)) return one;
        }

        long blocks = BlockSizes.CeilDiv(BlockSizes.CeilDiv(all, most), context.Threads) * context.Threads;
        WinogradTiling even = AloneIfFaster(
            context, Of(s, kernels, packed, (int)BlockSizes.CeilDiv(all, blocks), OCs, s.GroupIC, oneBlock: false) with { Workers = context.Threads });
        return even.Alone ? even : Smaller(context, s, kernels, even);
    }

    /// <summary>
    /// All tiles, with chunks of weights of so many bytes. These are written and read once, in order, but M with each chunk, so that they are twice L2 where there is
    /// room (measured on Zen 4: up to 14 % faster than once, and in the mean 2 %; half of L2 is 2 to 10 % slower than once).
    /// </summary>
    private static WinogradTiling AsOneBlock(PlanContext context, in ConvSizes s, in WinogradKernels kernels, bool packed, int OCs, long chunkBytes)
    {
        int most = BlockSizes.RoundUp((int)(chunkBytes / (kernels.Grid.Products * sizeof(float) * OCs)), ICUnit);
        int ICs = BlockSizes.Balance(s.GroupIC, Math.Max(ICUnit, most), ICUnit);
        return AloneIfFaster(context, Of(s, kernels, packed, (int)kernels.Grid.Tiles, OCs, ICs, oneBlock: true) with { Workers = context.Threads });
    }

    /// <summary>
    /// So many tiles are multiplied row by row. Measured with one vector of output channels at once on Zen 4, three taps: 4 tiles 1.28 to 1.39 times as fast, 8 1.16, 16 1.05
    /// to 1.2, 25 1.04 to 1.06, 32 1.01 to 1.05; with packed weights 4 1.0 to 1.5, 8 0.99, 16 0.91 to 0.96; five taps: 4 tiles 1.2 to 1.3, 8 1.07 to 1.14, 9 1.0 to 1.06, 12
    /// 0.97 to 1.02, packed 4 0.65 to 0.99. With two on Zen 5, 25 tiles 0.98, 32 0.96 to 1.0, packed 8 0.93 to 1.0; tiles of 6×6: 4 to 9 1.2 to 1.4, 16 1.03, 18 1.06,
    /// 25 0.93 to 0.95. Packed, these depend on how far U is away: with 8 MB of it 9 tiles 0.89, with 13 MB 1.27, 17 MB 1.03.
    /// </summary>
    private static int MostTilesOfRows(in ConvSizes s, in WinogradKernels kernels, bool packed) => kernels switch
    {
        { Rows: null } => 0,
        { Grid: { Taps: 3, Tile: WinogradChoice.Tile } } => packed ? 4 : 32,
        { Grid.Taps: 3 } => packed && UBytes(s, kernels) <= CacheSizes.Machine.L3 / 3 ? 0 : WinogradChoice.MostLargeTilesOfRows,
        _ => packed ? 0 : 9,
    };

    /// <summary>All of U.</summary>
    private static long UBytes(in ConvSizes s, in WinogradKernels kernels) => (long)s.GroupIC * s.GroupOC * s.G * kernels.Grid.Products * sizeof(float);

    /// <summary>
    /// All tiles. G·g of a row and V of the points that are multiplied at once are about as much as L1 (measured on Zen 5: 14² with 512 channels 1.08 to 1.12 times as fast as with all rows in L2,
    /// with 256 1.03); packed, where each row comes from beyond it anyway, all rows in L2 (7² 1.08 to 1.1 times as fast as with chunks of 64).
    /// </summary>
    private static WinogradTiling AsRows(PlanContext context, in ConvSizes s, in WinogradKernels kernels, bool packed, int OCs)
    {
        int vectors = kernels.Rows!.Value.Vectors;
        long ofV = kernels.Grid.Tiles * (packed ? kernels.Grid.Products : WinogradRows.PointsAtOnce);
        long ofColumns = (packed ? kernels.Grid.Reach : 1) * kernels.Grid.Taps * kernels.Width * (long)vectors;
        int most = BlockSizes.RoundUp((int)((packed ? CacheSizes.Machine.L2 : CacheSizes.Machine.L1) / ((ofV + ofColumns) * sizeof(float))), ICUnit);
        int ICs = BlockSizes.Balance(s.GroupIC, Math.Max(ICUnit, most), ICUnit);
        WinogradTiling one = Of(s, kernels, packed, (int)kernels.Grid.Tiles, OCs, ICs, oneBlock: true);
        return AloneIfFaster(context, one with { VectorsByRows = vectors, Workers = context.Threads });
    }

    /// <summary>The size of chunks of output channels with which the worker that has most to do is ready first, and what that costs it.</summary>
    private static (int OCs, double Cost) Chunk(in ConvSizes s, in WinogradKernels kernels, int tiles, int threads)
    {
        (int OCs, double Cost) best = (0, double.PositiveInfinity);
        int widest = Math.Min(MostOCsOfOneBlock, BlockSizes.RoundUp(s.GroupOC, kernels.Width));
        for (int width = kernels.Width; width <= widest; width += kernels.Width)
        {
            int OCs = Math.Min(width, s.GroupOC);
            double cost = BlockSizes.CeilDiv(BlockSizes.CeilDiv(s.GroupOC, OCs), threads) * Cost(s, kernels, OCs, tiles) * (OCs > WideOCs ? WideCost : 1);
            if (cost <= best.Cost) best = (OCs, cost);
        }

        return (best.OCs, best.Cost + (InputCost * (double)tiles));
    }

    /// <summary>What a worker does where each takes as many blocks as the others.</summary>
    private static double CostOfBlocks(in ConvSizes s, in WinogradKernels kernels, long tiles, int threads)
    {
        long share = BlockSizes.CeilDiv(tiles, threads), uBytes = (long)s.GroupIC * s.GroupOC * kernels.Grid.Products * sizeof(float);
        return Cost(s, kernels, s.GroupOC, share) + (InputCost * share) + ((uBytes > 2 * CacheSizes.Machine.L2 ? FarUCost : NearUCost) * s.GroupOC);
    }

    /// <summary>
    /// Of transforming and multiplying the weights of so many output channels, for an input channel, in products of a tile; also where they are multiplied row by row or
    /// packed, which costs less.
    /// </summary>
    private static double Cost(in ConvSizes s, in WinogradKernels kernels, int OCs, long tiles) =>
        (PointCost * kernels.Grid.Reach * OCs) + ((double)tiles * (kernels.Gemm.TimeOf(OCs) + ChunkCost));

    /// <summary>
    /// Few threads that have no cache in common transform what all of them read each for itself: that is faster than to write lines that the other cores have read (measured
    /// on Zen 5: 8 GB/s, a third of what a transform writes). Where they have one, what is made once is up to 14 % faster (measured on Zen 5, quiet; on Zen 4, beside other
    /// load, V or U of up to 1 MB were 1 to 10 % slower so, of more 3 to 20 % faster).
    /// </summary>
    private static WinogradTiling AloneIfFaster(PlanContext context, in WinogradTiling tiling)
    {
        bool isFaster = context.Threads == 1 || !CacheSizes.Machine.HaveL3InCommon(context.Threads);
        return isFaster ? AloneIfPossible(context, tiling) : tiling;
    }

    /// <summary>The same for threads that are found to have none in common, with the same bits; or what was given, where nothing is shared, they are too many or the workspace too small.</summary>
    public static WinogradTiling AloneIfPossible(PlanContext context, in WinogradTiling tiling)
    {
        bool sharesNothing = tiling.Packed && !tiling.OneBlock;
        WinogradTiling alone = tiling with { Alone = true };
        return !sharesNothing && context.Threads <= MostAlone && Fits(context, alone) ? alone : tiling;
    }

    private static bool Fits(PlanContext context, in WinogradTiling tiling) => tiling.WorkspaceBytes <= context.MaxWorkspaceBytes;

    /// <summary>As many workers as fit; where not even one does, of smaller blocks.</summary>
    private static WinogradTiling Smaller(PlanContext context, in ConvSizes s, in WinogradKernels kernels, WinogradTiling tiling)
    {
        while (true)
        {
            tiling = tiling with { Workers = (int)Math.Min(context.Threads, context.MaxWorkspaceBytes / sizeof(float) / tiling.WorkerLength) };
            if (tiling.Workers > 0 || tiling.Tiles == 1) return tiling;
            tiling = Of(s, kernels, tiling.Packed, tiling.Tiles / 2, tiling.OCs, s.GroupIC, oneBlock: false);
        }
    }

    private static WinogradTiling Of(in ConvSizes s, in WinogradKernels kernels, bool packed, int tiles, int OCs, int ICs, bool oneBlock)
    {
        int chunks = BlockSizes.CeilDiv(s.GroupOC, OCs), VRow = BlockSizes.RoundUp(s.GroupIC, kernels.Width), MRow = kernels.Gemm.ColumnsOf(OCs);
        int rows = kernels.Grid.IsEven ? RowGemm.RowsOf(tiles) : RowGemm.RowsOfParts(tiles), blocks = (int)BlockSizes.CeilDiv(kernels.Grid.Tiles, tiles);
        return new(
            kernels.Grid.Reach, tiles, rows, blocks, OCs, chunks, ICs, BlockSizes.CeilDiv(s.GroupIC, ICs), packed, oneBlock, 0, false, 0, kernels.Width, kernels.Grid.Taps, VRow,
            MRow, kernels.BufferLength);
    }
}
