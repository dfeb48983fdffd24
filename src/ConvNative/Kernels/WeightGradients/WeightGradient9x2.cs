using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 9 rows × 2 vectors, for the taps of 3×3 kernels over few channels: 27 rows are 3 tiles, where 8 at a time would be 4 with 5 rows for nothing.
/// The contract stands at <see cref="WeightGradientKernel"/>.
/// </summary>
internal static unsafe class WeightGradient9x2<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>2 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run2(in PointRows rows, nint* offsets, float* panel, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero, c20 = S.Zero, c21 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c70 = S.Zero, c71 = S.Zero, c80 = S.Zero, c81 = S.Zero;
        if (accumulate) PrefetchTile(c, ldc);
        float* first = panel;
        float* line = ahead.Line;
        nint left = ahead.Left, length = rows.Length;
        for (int i = 0; i < rows.Count; i++)
        {
            float* run = rows.Source + rows.Runs[i];
            if (rows.Points != null) panel = first + (rows.Points[i] * (2 * S.Width));
            float* a0 = run + offsets[0], a1 = run + offsets[1], a2 = run + offsets[2];
            float* a3 = run + offsets[3], a4 = run + offsets[4], a5 = run + offsets[5];
            float* a6 = run + offsets[6], a7 = run + offsets[7], a8 = run + offsets[8];
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
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a8 + p), b0, b1, ref c80, ref c81);
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
        TileRow<S, V>.Store(c + (8 * ldc), c80, c81, accumulate);
    }

    /// <summary>1 vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run1(in PointRows rows, nint* offsets, float* panel, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        V c00 = S.Zero, c10 = S.Zero, c20 = S.Zero;
        V c30 = S.Zero, c40 = S.Zero, c50 = S.Zero;
        V c60 = S.Zero, c70 = S.Zero, c80 = S.Zero;
        if (accumulate) PrefetchTile(c, ldc);
        float* first = panel;
        float* line = ahead.Line;
        nint left = ahead.Left, length = rows.Length;
        for (int i = 0; i < rows.Count; i++)
        {
            float* run = rows.Source + rows.Runs[i];
            if (rows.Points != null) panel = first + (rows.Points[i] * S.Width);
            float* a0 = run + offsets[0], a1 = run + offsets[1], a2 = run + offsets[2];
            float* a3 = run + offsets[3], a4 = run + offsets[4], a5 = run + offsets[5];
            float* a6 = run + offsets[6], a7 = run + offsets[7], a8 = run + offsets[8];
            for (nint p = 0; p < length; p++, panel += S.Width)
            {
                V b0 = S.Load(panel);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + p), b0, ref c00);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + p), b0, ref c10);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + p), b0, ref c20);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + p), b0, ref c30);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + p), b0, ref c40);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + p), b0, ref c50);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a6 + p), b0, ref c60);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a7 + p), b0, ref c70);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a8 + p), b0, ref c80);
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
        TileRow<S, V>.Store(c, c00, accumulate);
        TileRow<S, V>.Store(c + ldc, c10, accumulate);
        TileRow<S, V>.Store(c + (2 * ldc), c20, accumulate);
        TileRow<S, V>.Store(c + (3 * ldc), c30, accumulate);
        TileRow<S, V>.Store(c + (4 * ldc), c40, accumulate);
        TileRow<S, V>.Store(c + (5 * ldc), c50, accumulate);
        TileRow<S, V>.Store(c + (6 * ldc), c60, accumulate);
        TileRow<S, V>.Store(c + (7 * ldc), c70, accumulate);
        TileRow<S, V>.Store(c + (8 * ldc), c80, accumulate);
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
        PrefetchRow(c + (8 * ldc));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRow(float* c)
    {
        Prefetch.ToL1(c);
        Prefetch.ToL1(c + S.Width);
    }
}
