using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>How <see cref="Winograd"/> cuts its work, and the memory that it takes. Lengths are in floats.</summary>
/// <param name="Kernel">Micro-kernel of the 36 products.</param>
/// <param name="Buffer">Memory of one block's transforms; its Tiles are the most of a block.</param>
/// <param name="Blocks">Blocks of one group.</param>
/// <param name="OCs">Output channels that are multiplied and transformed back at once; a multiple of MR.</param>
/// <param name="BlocksAtOnce">Blocks whose transformed input is shared by all workers; 0: each worker has whole blocks of its own.</param>
/// <param name="Workers">Threads; 0: the workspace is too small.</param>
/// <param name="VStride">Floats between two products of a block's transformed input.</param>
/// <param name="MStride">Floats between two products of a block's results.</param>
internal readonly record struct WinogradTiling(
    GemmKernel Kernel, WinogradBuffer Buffer, int Blocks, int OCs, int BlocksAtOnce, int Workers, nint VStride, nint MStride)
{
    // A line more than a power of two: 36 streams that lie a multiple of 4 KiB apart evict each other from L1.
    private const int Skew = 16;

    // V and M of a block each may take so much of L2. Measured: more tiles read the weights less often, fewer keep both nearer.
    private static long L2Share => CacheSizes.Machine.L2 * 5L / 8;

    public long VLength => WinogradF4K3.Products * VStride;

    public long MLength => WinogradF4K3.Products * MStride;

    /// <summary>What each worker holds for itself.</summary>
    public long WorkerLength => Buffer.Length + MLength + (BlocksAtOnce == 0 ? VLength : 0);

    public long WorkspaceBytes => ((Workers * WorkerLength) + (BlocksAtOnce * VLength)) * sizeof(float);

    public long SmallestBytes => (WorkerLength + (BlocksAtOnce * VLength)) * sizeof(float);

    /// <summary>The convolution that is computed: the problem's own, or the one from dy to dx.</summary>
    public static ConvSizes Sizes(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        return direction == Direction.Forward
            ? s
            : s with { IC = s.OC, IH = s.OH, IW = s.OW, OC = s.IC, OH = s.IH, OW = s.IW, pt = s.KH - 1 - s.pt, pl = s.KW - 1 - s.pl };
    }

    public static WinogradTiling For(PlanContext context, in ConvSizes s)
    {
        GemmKernel kernel = GemmKernel.For(context.Isa);
        long panels = L2Share / ((long)WinogradF4K3.Products * sizeof(float) * s.GroupIC * kernel.NR);
        for (int tiles = (int)Math.Clamp(panels, 2, 8) * kernel.NR; ; tiles /= 2)
        {
            WinogradTiling tiling = Of(context, s, kernel, tiles);
            if (tiling.Workers > 0 || tiles == 1) return tiling;
        }
    }

    private static WinogradTiling Of(PlanContext context, in ConvSizes s, in GemmKernel kernel, int most)
    {
        long all = (long)s.N * WinogradTiles.Image(s);
        int width = WinogradKernels.For(context.Isa).Width;
        int tiles = BlockSizes.RoundUp((int)CeilDiv(all, CeilDiv(all, most)), width), panels = BlockSizes.CeilDiv(tiles, kernel.NR);
        int blocks = (int)CeilDiv(all, tiles);
        bool shared = context.Threads > 1 && (long)blocks * s.G < 4L * context.Threads;
        long OCs = Math.Min(L2Share, context.MaxWorkspaceBytes / 16) / ((long)WinogradF4K3.Products * sizeof(float) * panels * kernel.NR);
        if (shared) OCs = Math.Min(OCs, CeilDiv((long)s.GroupOC * blocks * s.G, 4L * context.Threads));
        OCs = BlockSizes.RoundUp((int)Math.Clamp(OCs, 1, s.GroupOC), kernel.MR);
        var tiling = new WinogradTiling(
            kernel, new WinogradBuffer(tiles, WinogradTiles.Across(s), width), blocks, (int)OCs, shared ? blocks * s.G : 0, context.Threads,
            ((nint)panels * s.GroupIC * kernel.NR) + Skew, (nint)(panels * OCs * kernel.NR) + Skew);
        return tiling.Fit(context.MaxWorkspaceBytes / sizeof(float));
    }

    /// <summary>Fewer blocks at once, then fewer workers, until the workspace is not more than the limit.</summary>
    private WinogradTiling Fit(long limit)
    {
        if (BlocksAtOnce > 0)
        {
            long fitting = (limit - (Workers * WorkerLength)) / VLength;
            if (fitting >= 1) return this with { BlocksAtOnce = (int)Math.Min(BlocksAtOnce, fitting) };
        }

        long room = limit - ((BlocksAtOnce > 0 ? 1 : 0) * VLength);
        return this with { BlocksAtOnce = Math.Min(BlocksAtOnce, 1), Workers = (int)Math.Min(Workers, Math.Max(0, room / WorkerLength)) };
    }

    private static long CeilDiv(long a, long b) => (a + b - 1) / b;
}
