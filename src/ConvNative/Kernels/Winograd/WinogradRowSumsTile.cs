using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// M rows × N vectors, 4 × 2 or 8 × 1, and three of six points at a time: 24 sums fit 32 registers beside what is multiplied, and with two vectors six numbers are read for eight
/// multiply-adds. All six points of half as many pairs would take a third more loads (measured on Zen 5: 0.95 of the speed with 16 tiles, with 4 tiles 1.05).
/// </summary>
internal static unsafe class WinogradRowSumsTile<S, V, M, N>
    where S : struct, ISimd<V>
    where V : struct
    where M : struct, ICount
    where N : struct, ICount
{
    private const int Points = WinogradRowSums.Points, Pairs = 8;

    /// <summary>Floats of m·G of a vector of pairs.</summary>
    private static nint Half
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 3 * Points * S.Width;
    }

    /// <summary>Floats of a point's columns.</summary>
    private static nint BRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => N.Value * S.Width;
    }

    /// <summary>
    /// (m·G)[i, v], v = 0, 1, 2, of one i, for each vector of pairs, row by row; rows are rounded up to M. a and b begin with its first point. The contract stands at
    /// <see cref="WinogradRowSums.Multiply"/>.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int rows, in WinogradRowOfTiles tiles, float* a, nint aRow, float* b, float* half)
    {
        float* part = stackalloc float[(3 * Pairs * S.Width) + StackBuffer.Slack];
        part = StackBuffer.Align(part);
        int before = tiles.FirstWhole, whole = tiles.EndOfWhole - before, behind = tiles.End - tiles.EndOfWhole;
        for (; rows > 0; rows -= M.Value, a += M.Value, half += Pairs * Half)
        {
            First(tiles.End, a, aRow, b, part);
            Rest(before, whole, behind, a + (3 * aRow), aRow, b + (3 * BRow), part, half);
        }
    }

    /// <summary>The points 0 and ±3/4, which tiles at the right have too.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void First(int tiles, float* a, nint aRow, float* b, float* part)
    {
        nint aTile = Points * Points * aRow, bTile = Points * Points * BRow;
        V p0 = S.Zero, p1 = S.Zero, p2 = S.Zero, p3 = S.Zero, p4 = S.Zero, p5 = S.Zero, p6 = S.Zero, p7 = S.Zero;
        V q0 = S.Zero, q1 = S.Zero, q2 = S.Zero, q3 = S.Zero, q4 = S.Zero, q5 = S.Zero, q6 = S.Zero, q7 = S.Zero;
        V r0 = S.Zero, r1 = S.Zero, r2 = S.Zero, r3 = S.Zero, r4 = S.Zero, r5 = S.Zero, r6 = S.Zero, r7 = S.Zero;
        for (; tiles > 0; tiles--, a += aTile, b += bTile)
        {
            MultiplyAdd(a, b, ref p0, ref p1, ref p2, ref p3, ref p4, ref p5, ref p6, ref p7);
            MultiplyAdd(a + aRow, b + BRow, ref q0, ref q1, ref q2, ref q3, ref q4, ref q5, ref q6, ref q7);
            MultiplyAdd(a + (2 * aRow), b + (2 * BRow), ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
        }

        Start(part, p0, q0, r0);
        Start(part + (3 * S.Width), p1, q1, r1);
        Start(part + (6 * S.Width), p2, q2, r2);
        Start(part + (9 * S.Width), p3, q3, r3);
        Start(part + (12 * S.Width), p4, q4, r4);
        Start(part + (15 * S.Width), p5, q5, r5);
        Start(part + (18 * S.Width), p6, q6, r6);
        Start(part + (21 * S.Width), p7, q7, r7);
    }

    /// <summary>±3/2, and ∞, of which tiles at the right have the last; with what the others gave, to half.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Rest(int before, int whole, int behind, float* a, nint aRow, float* b, float* part, float* half)
    {
        nint aTile = Points * Points * aRow, bTile = Points * Points * BRow;
        V p0 = S.Zero, p1 = S.Zero, p2 = S.Zero, p3 = S.Zero, p4 = S.Zero, p5 = S.Zero, p6 = S.Zero, p7 = S.Zero;
        V q0 = S.Zero, q1 = S.Zero, q2 = S.Zero, q3 = S.Zero, q4 = S.Zero, q5 = S.Zero, q6 = S.Zero, q7 = S.Zero;
        V r0 = S.Zero, r1 = S.Zero, r2 = S.Zero, r3 = S.Zero, r4 = S.Zero, r5 = S.Zero, r6 = S.Zero, r7 = S.Zero;
        float* row = a + (before * aTile), column = b + (before * bTile);
        for (; whole > 0; whole--, row += aTile, column += bTile)
        {
            MultiplyAdd(row, column, ref p0, ref p1, ref p2, ref p3, ref p4, ref p5, ref p6, ref p7);
            MultiplyAdd(row + aRow, column + BRow, ref q0, ref q1, ref q2, ref q3, ref q4, ref q5, ref q6, ref q7);
            MultiplyAdd(row + (2 * aRow), column + (2 * BRow), ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
        }

        // One body for both sides: with two the compiler has more than it keeps in registers.
        int left = behind;
        for (int side = 0; side < 2; side++, row = a, column = b, left = before)
        {
            for (; left > 0; left--, row += aTile, column += bTile)
                MultiplyAdd(row + (2 * aRow), column + (2 * BRow), ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
        }

        Finish(part, half, p0, q0, r0);
        Finish(part + (3 * S.Width), half + Half, p1, q1, r1);
        Finish(part + (6 * S.Width), half + (2 * Half), p2, q2, r2);
        Finish(part + (9 * S.Width), half + (3 * Half), p3, q3, r3);
        Finish(part + (12 * S.Width), half + (4 * Half), p4, q4, r4);
        Finish(part + (15 * S.Width), half + (5 * Half), p5, q5, r5);
        Finish(part + (18 * S.Width), half + (6 * Half), p6, q6, r6);
        Finish(part + (21 * S.Width), half + (7 * Half), p7, q7, r7);
    }

    /// <summary>One point of one tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(float* a, float* b, ref V c0, ref V c1, ref V c2, ref V c3, ref V c4, ref V c5, ref V c6, ref V c7)
    {
        V b0 = S.Load(b), b1 = N.Value > 1 ? S.Load(b + S.Width) : b0;
        V a0 = S.Broadcast(a);
        c0 = S.MultiplyAdd(a0, b0, c0);
        c1 = S.MultiplyAdd(N.Value > 1 ? a0 : S.Broadcast(a + 1), b1, c1);
        V a1 = S.Broadcast(N.Value > 1 ? a + 1 : a + 2);
        c2 = S.MultiplyAdd(a1, b0, c2);
        c3 = S.MultiplyAdd(N.Value > 1 ? a1 : S.Broadcast(a + 3), b1, c3);
        V a2 = S.Broadcast(N.Value > 1 ? a + 2 : a + 4);
        c4 = S.MultiplyAdd(a2, b0, c4);
        c5 = S.MultiplyAdd(N.Value > 1 ? a2 : S.Broadcast(a + 5), b1, c5);
        V a3 = S.Broadcast(N.Value > 1 ? a + 3 : a + 6);
        c6 = S.MultiplyAdd(a3, b0, c6);
        c7 = S.MultiplyAdd(N.Value > 1 ? a3 : S.Broadcast(a + 7), b1, c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(float* part, V m0, V m1, V m2)
    {
        WinogradF4K3<S, V>.FirstOfFilterTransposed(m0, m1, m2, out V g0, out V g1, out V even);
        Store(part, g0, g1, even);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* part, float* half, V m3, V m4, V m5)
    {
        V g0 = S.Load(part), g1 = S.Load(part + S.Width), even = S.Load(part + (2 * S.Width));
        WinogradF4K3<S, V>.RestOfFilterTransposed(m3, m4, m5, even, ref g0, ref g1, out V g2);
        Store(half, g0, g1, g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, V g0, V g1, V g2)
    {
        S.Store(to, g0);
        S.Store(to + S.Width, g1);
        S.Store(to + (2 * S.Width), g2);
    }
}
