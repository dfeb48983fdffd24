using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 8 rows × 3 vectors: 24 accumulators, 3 vectors of the panel and a scalar fit 32 registers. The contract stands at
/// <see cref="WeightGradientKernel"/>.
/// </summary>
internal static unsafe class WeightGradient8x3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>3 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run3(in PointRows rows, nint* offsets, float* panel, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero, c70 = S.Zero, c71 = S.Zero, c72 = S.Zero;
        if (accumulate) PrefetchTile(c, ldc);
        float* first = panel;
        float* line = ahead.Line;
        nint left = ahead.Left, length = rows.Length;
        for (int i = 0; i < rows.Count; i++)
        {
            float* run = rows.Source + rows.Runs[i];
            if (rows.Points != null) panel = first + (rows.Points[i] * (3 * S.Width));
            float* a0 = run + offsets[0], a1 = run + offsets[1], a2 = run + offsets[2], a3 = run + offsets[3];
            float* a4 = run + offsets[4], a5 = run + offsets[5], a6 = run + offsets[6], a7 = run + offsets[7];
            for (nint p = 0; p < length; p++, panel += 3 * S.Width)
            {
                V b0 = S.Load(panel), b1 = S.Load(panel + S.Width), b2 = S.Load(panel + (2 * S.Width));
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + p), b0, b1, b2, ref c00, ref c01, ref c02);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + p), b0, b1, b2, ref c10, ref c11, ref c12);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + p), b0, b1, b2, ref c20, ref c21, ref c22);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + p), b0, b1, b2, ref c30, ref c31, ref c32);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + p), b0, b1, b2, ref c40, ref c41, ref c42);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + p), b0, b1, b2, ref c50, ref c51, ref c52);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a6 + p), b0, b1, b2, ref c60, ref c61, ref c62);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a7 + p), b0, b1, b2, ref c70, ref c71, ref c72);
                Prefetch.ToL2(line);
                line += Prefetch.Line;
                if (--left == 0)
                {
                    line = ahead.Next();
                    left = ahead.Left;
                }
            }
        }

        ahead.Line = line;
        ahead.Left = left;
        TileRow<S, V>.Store(c, c00, c01, c02, accumulate);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12, accumulate);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21, c22, accumulate);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31, c32, accumulate);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41, c42, accumulate);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51, c52, accumulate);
        TileRow<S, V>.Store(c + (6 * ldc), c60, c61, c62, accumulate);
        TileRow<S, V>.Store(c + (7 * ldc), c70, c71, c72, accumulate);
    }

    /// <summary>2 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run2(in PointRows rows, nint* offsets, float* panel, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c70 = S.Zero, c71 = S.Zero;
        if (accumulate) PrefetchTile(c, ldc);
        float* first = panel;
        float* line = ahead.Line;
        nint left = ahead.Left, length = rows.Length;
        for (int i = 0; i < rows.Count; i++)
        {
            float* run = rows.Source + rows.Runs[i];
            if (rows.Points != null) panel = first + (rows.Points[i] * (2 * S.Width));
            float* a0 = run + offsets[0], a1 = run + offsets[1], a2 = run + offsets[2], a3 = run + offsets[3];
            float* a4 = run + offsets[4], a5 = run + offsets[5], a6 = run + offsets[6], a7 = run + offsets[7];
            for (nint p = 0; p < length; p++, panel += 2 * S.Width)
            {
                V b0 = S.Load(panel), b1 = S.Load(panel + S.Width);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + p), b0, b1, ref c00, ref c01);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + p), b0, b1, ref c10, ref c11);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + p), b0, b1, ref c20, ref c21);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + p), b0, b1, ref c30, ref c31);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + p), b0, b1, ref c40, ref c41);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + p), b0, b1, ref c50, ref c51);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a6 + p), b0, b1, ref c60, ref c61);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a7 + p), b0, b1, ref c70, ref c71);
                Prefetch.ToL2(line);
                line += Prefetch.Line;
                if (--left == 0)
                {
                    line = ahead.Next();
                    left = ahead.Left;
                }
            }
        }

        ahead.Line = line;
        ahead.Left = left;
        TileRow<S, V>.Store(c, c00, c01, accumulate);
        TileRow<S, V>.Store(c + ldc, c10, c11, accumulate);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21, accumulate);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31, accumulate);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41, accumulate);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51, accumulate);
        TileRow<S, V>.Store(c + (6 * ldc), c60, c61, accumulate);
        TileRow<S, V>.Store(c + (7 * ldc), c70, c71, accumulate);
    }

    /// <summary>1 vector: so few multiply-adds a point that a place is asked for with every four points only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run1(in PointRows rows, nint* offsets, float* panel, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        V c00 = S.Zero, c10 = S.Zero, c20 = S.Zero, c30 = S.Zero;
        V c40 = S.Zero, c50 = S.Zero, c60 = S.Zero, c70 = S.Zero;
        if (accumulate) PrefetchTile(c, ldc);
        float* first = panel;
        float* line = ahead.Line;
        nint left = ahead.Left, length = rows.Length;
        for (int i = 0; i < rows.Count; i++)
        {
            float* run = rows.Source + rows.Runs[i];
            if (rows.Points != null) panel = first + (rows.Points[i] * S.Width);
            float* a0 = run + offsets[0], a1 = run + offsets[1], a2 = run + offsets[2], a3 = run + offsets[3];
            float* a4 = run + offsets[4], a5 = run + offsets[5], a6 = run + offsets[6], a7 = run + offsets[7];
            nint p = 0;
            for (; p <= length - 4; p += 4, panel += 4 * S.Width)
            {
                Point(
                    a0, a1, a2, a3, a4, a5, a6, a7, p, S.Load(panel),
                    ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                Point(
                    a0, a1, a2, a3, a4, a5, a6, a7, p + 1, S.Load(panel + S.Width),
                    ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                Point(
                    a0, a1, a2, a3, a4, a5, a6, a7, p + 2, S.Load(panel + (2 * S.Width)),
                    ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                Point(
                    a0, a1, a2, a3, a4, a5, a6, a7, p + 3, S.Load(panel + (3 * S.Width)),
                    ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                Prefetch.ToL2(line);
                line += Prefetch.Line;
                if (--left == 0)
                {
                    line = ahead.Next();
                    left = ahead.Left;
                }
            }

            for (; p < length; p++, panel += S.Width)
            {
                Point(
                    a0, a1, a2, a3, a4, a5, a6, a7, p, S.Load(panel),
                    ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
            }
        }

        ahead.Line = line;
        ahead.Left = left;
        TileRow<S, V>.Store(c, c00, accumulate);
        TileRow<S, V>.Store(c + ldc, c10, accumulate);
        TileRow<S, V>.Store(c + (2 * ldc), c20, accumulate);
        TileRow<S, V>.Store(c + (3 * ldc), c30, accumulate);
        TileRow<S, V>.Store(c + (4 * ldc), c40, accumulate);
        TileRow<S, V>.Store(c + (5 * ldc), c50, accumulate);
        TileRow<S, V>.Store(c + (6 * ldc), c60, accumulate);
        TileRow<S, V>.Store(c + (7 * ldc), c70, accumulate);
    }

    /// <summary>
    /// C may be far away when its tile is added. Not where it is only stored: nothing waits for stores, and 24 lines at once delay the rows.
    /// No loop, as in <see cref="WinogradFilter{S, V, F}"/>: the steps would go on into what another thread writes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchTile(float* c, nint ldc)
    {
        PrefetchRow(c);
        PrefetchRow(c + ldc);
        PrefetchRow(c + (2 * ldc));
        PrefetchRow(c + (3 * ldc));
        PrefetchRow(c + (4 * ldc));
        PrefetchRow(c + (5 * ldc));
        PrefetchRow(c + (6 * ldc));
        PrefetchRow(c + (7 * ldc));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRow(float* c)
    {
        Prefetch.ToL1(c);
        Prefetch.ToL1(c + S.Width);
        Prefetch.ToL1(c + (2 * S.Width));
    }

    /// <summary>One point of all rows by one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Point(
        float* a0, float* a1, float* a2, float* a3, float* a4, float* a5, float* a6, float* a7, nint p, V b,
        ref V c0, ref V c1, ref V c2, ref V c3, ref V c4, ref V c5, ref V c6, ref V c7)
    {
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + p), b, ref c0);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + p), b, ref c1);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + p), b, ref c2);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + p), b, ref c3);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + p), b, ref c4);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + p), b, ref c5);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a6 + p), b, ref c6);
        TileRow<S, V>.MultiplyAdd(S.Broadcast(a7 + p), b, ref c7);
    }
}
