using System.Runtime.CompilerServices;
using ConvNative.Simd;
using S = ConvNative.Simd.Simd512;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace ConvNative.Kernels;

/// <summary>
/// The gradients of a 3×3 depthwise convolution's weights and bias with stride 1, on planes of seven columns, a zero around them: channels are
/// in the lanes, so that taps meet what they read and nothing else, and no lanes are added up. Planes are turned, image by image and group of
/// channels by group, while the ones before them are multiplied: shuffles and products are done by different parts of a processor.
/// </summary>
internal static unsafe class GradientLanes
{
    /// <summary>Channels that are computed together.</summary>
    public static int Group => S.Width;

    private const int MostRows = 32;             // of which turned planes are in L1 and L2
    private const int Columns = 7, Block = 8;    // a block of pixels is turned at once
    private const int Gap = 2048;                // the hardware fetches beyond what is read, which must not be what another thread writes

    /// <summary>Whether planes are of the kind that it is for.</summary>
    public static bool CanDo(Isa isa, in ConvSizes s) =>
        isa == Isa.Avx512 && s is { KH: 3, KW: 3, sh: 1, sw: 1, pt: 1, pl: 1, IW: Columns, OW: Columns, GroupOC: 1 }
        && s.IH == s.OH && s.IH is > 1 and <= MostRows && s.IC >= Group;

    /// <summary>Floats of scratch memory: x and dy of a group of channels, those of the next one, the sums, and the gap.</summary>
    public static long ScratchLength(int rows) => (((4L * rows * Columns) + GradientSums.Count) * S.Width) + Gap;

    /// <summary>Computes dw and db of some groups of channels.</summary>
    /// <param name="rows">Rows of a plane, at least two.</param>
    /// <param name="images">N.</param>
    /// <param name="image">Floats between images, of x and of dy.</param>
    /// <param name="run">x as the source, dy as the result, of the first image; dw as the weights, db or null as the bias; their groups.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats, aligned to a cache line.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Groups(int rows, int images, nint image, in DepthwiseRun run, float* scratch)
    {
        nint pixels = rows * Columns, group = S.Width * pixels, at = 0;
        float* x = run.Source, dy = run.Result, db = run.Bias;
        float* sums = scratch, near = sums + (GradientSums.Count * S.Width), far = near + (2 * group);
        for (int i = 0; i < rows; i++) Turn(x, dy, pixels, i, near);
        for (int g = 0; g < run.Count; g++)
        {
            for (int n = 0; n < images; n++)
            {
                // The planes that are turned meanwhile; after the last ones, these once more.
                bool isLast = n + 1 == images;
                nint next = !isLast ? at + image : g + 1 < run.Count ? (g + 1) * group : at;
                nint ahead = isLast || n + 2 < images ? next + image : (g + 1) * group;
                Image(rows, near, far, x + next, dy + next, images == 1 ? 0 : ahead - next, sums, isFirst: n == 0);
                float* turned = far;
                far = near;
                near = turned;
                at = next;
            }

            Put(sums, run.Weights + ((nint)g * S.Width * 9));
            if (db != null) S.Store(db + (g * S.Width), S.Load(sums + (9 * S.Width)));
        }
    }

    /// <summary>Turns a block of pixels of x and one of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* x, float* dy, nint pixels, nint i, float* to)
    {
        nint first = Math.Min(i * Block, pixels - Block);
        to += first * S.Width;
        Turn(x + first, pixels, to);
        Turn(dy + first, pixels, to + (pixels * S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* planes, nint pixels, float* to)
    {
        S.LoadOcts(planes, pixels, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
        S.Store(to, c0);
        S.Store(to + S.Width, c1);
        S.Store(to + (2 * S.Width), c2);
        S.Store(to + (3 * S.Width), c3);
        S.Store(to + (4 * S.Width), c4);
        S.Store(to + (5 * S.Width), c5);
        S.Store(to + (6 * S.Width), c6);
        S.Store(to + (7 * S.Width), c7);
    }

    /// <summary>sums += those of one image, or = them if it is the first; turns the next planes, and asks for those after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Image(int rows, float* near, float* far, float* nextX, float* nextDy, nint ahead, float* sums, bool isFirst)
    {
        nint pixels = rows * Columns, row = Columns * S.Width, end = rows - 1;
        V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
        float* x = near, dy = near + (pixels * S.Width), askX = nextX + ahead, askDy = nextDy + ahead;
        for (nint i = 0; i < rows; i++, x += row, dy += row, askX += row, askDy += row)
        {
            Turn(nextX, nextDy, pixels, i, far);
            if (ahead != 0)
            {
                Ask(askX);
                Ask(askDy);
            }

            V d0 = S.Load(dy), d1 = S.Load(dy + S.Width), d2 = S.Load(dy + (2 * S.Width)), d3 = S.Load(dy + (3 * S.Width));
            V d4 = S.Load(dy + (4 * S.Width)), d5 = S.Load(dy + (5 * S.Width)), d6 = S.Load(dy + (6 * S.Width));
            bias = S.Add(bias, S.Add(S.Add(S.Add(d0, d1), S.Add(d2, d3)), S.Add(S.Add(d4, d5), d6)));
            if (i == 0) Row(false, true, x, d0, d1, d2, d3, d4, d5, d6, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            else if (i < end) Row(true, true, x, d0, d1, d2, d3, d4, d5, d6, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            else Row(true, false, x, d0, d1, d2, d3, d4, d5, d6, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        }

        GradientSums.Keep<S, V>(a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
    }

    /// <summary>Asks for a line for each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(float* p)
    {
        Prefetch.ToL1(p);
        Prefetch.ToL1(p + Prefetch.Line);
        Prefetch.ToL1(p + (2 * Prefetch.Line));
        Prefetch.ToL1(p + (3 * Prefetch.Line));
        Prefetch.ToL1(p + (4 * Prefetch.Line));
        Prefetch.ToL1(p + (5 * Prefetch.Line));
        Prefetch.ToL1(p + (6 * Prefetch.Line));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(
        bool above, bool below, float* x, V d0, V d1, V d2, V d3, V d4, V d5, V d6,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8)
    {
        Column(above, below, x, false, true, d0, d0, d1, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + S.Width, true, true, d0, d1, d2, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + (2 * S.Width), true, true, d1, d2, d3, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + (3 * S.Width), true, true, d2, d3, d4, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + (4 * S.Width), true, true, d3, d4, d5, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + (5 * S.Width), true, true, d4, d5, d6, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Column(above, below, x + (6 * S.Width), true, false, d5, d6, d6, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
    }

    /// <summary>What a column of x, of up to three rows around one of dy, adds to the sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(
        bool above, bool below, float* x, bool hasBefore, bool hasAfter, V before, V here, V after,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8)
    {
        nint row = Columns * S.Width;
        if (above) Meet(S.Load(x - row), hasBefore, hasAfter, before, here, after, ref a0, ref a1, ref a2);
        Meet(S.Load(x), hasBefore, hasAfter, before, here, after, ref a3, ref a4, ref a5);
        if (below) Meet(S.Load(x + row), hasBefore, hasAfter, before, here, after, ref a6, ref a7, ref a8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Meet(V x, bool hasBefore, bool hasAfter, V before, V here, V after, ref V a0, ref V a1, ref V a2)
    {
        if (hasAfter) a0 = S.MultiplyAdd(x, after, a0);
        a1 = S.MultiplyAdd(x, here, a1);
        if (hasBefore) a2 = S.MultiplyAdd(x, before, a2);
    }

    /// <summary>dw = the sums of the taps, turned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* sums, float* dw) => S.StoreNines(
        dw, S.Load(sums), S.Load(sums + S.Width), S.Load(sums + (2 * S.Width)), S.Load(sums + (3 * S.Width)), S.Load(sums + (4 * S.Width)),
        S.Load(sums + (5 * S.Width)), S.Load(sums + (6 * S.Width)), S.Load(sums + (7 * S.Width)), S.Load(sums + (8 * S.Width)));
}
