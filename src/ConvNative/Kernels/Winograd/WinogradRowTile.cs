using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A row of the products of N tiles, 1 to 4, from G·g: its kernels go through Gᵀ in registers, where the products are summed. F: the scheme; P: its points that are
/// computed. 24 sums, a vector for each, fit 32 registers beside what the transform needs.
/// </summary>
internal static unsafe class WinogradRowTile<S, V, F, P, N>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
    where P : struct, IWinogradPoints
    where N : struct, ICount
{
    // Steps of k in advance that packed columns, which are those of three taps, are asked for: they come from beyond L2 (measured on Zen 4: 512 channels 7² 1.00 without, 1.20 with, two threads 1.2 to 1.5).
    private const int Ahead = 24;

    /// <summary>
    /// <code>m[j·mStride + t·mRow + c] = Σₖ v[j·vStride + t·vRow + k]·u(j, k, c),   u(·, k, c) = (columns[(Taps·k + s)·Width + c], s &lt; Taps)·Gᵀ</code>
    /// or that added to m, for c &lt; Width, tiles t and the points j. Every element is summed over k = 0, 1, 2 … in one chain, as <see cref="RowGemm"/> sums.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(nint K, float* columns, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        float* v0 = v, v1 = v + vStride, v2 = v + (2 * vStride), v3 = v + (3 * vStride), v4 = v + (4 * vStride), v5 = v + (5 * vStride);
        float* v6 = v + (6 * vStride), v7 = v + (7 * vStride);
        Start(m, mRow, add && P.Has(0), out V m00, out V m01, out V m02, out V m03);
        Start(m + mStride, mRow, add && P.Has(1), out V m10, out V m11, out V m12, out V m13);
        Start(m + (2 * mStride), mRow, add && P.Has(2), out V m20, out V m21, out V m22, out V m23);
        Start(m + (3 * mStride), mRow, add && P.Has(3), out V m30, out V m31, out V m32, out V m33);
        Start(m + (4 * mStride), mRow, add && P.Has(4), out V m40, out V m41, out V m42, out V m43);
        Start(m + (5 * mStride), mRow, add && P.Has(5), out V m50, out V m51, out V m52, out V m53);
        Start(m + (6 * mStride), mRow, add && P.Has(6), out V m60, out V m61, out V m62, out V m63);
        Start(m + (7 * mStride), mRow, add && P.Has(7), out V m70, out V m71, out V m72, out V m73);
        for (nint k = 0; k < K; k++, columns += F.Taps * S.Width)
        {
            if (F.Taps == 3)
            {
                float* ahead = columns + (Ahead * F.Taps * S.Width);
                Prefetch.ToL1(ahead);
                Prefetch.ToL1(ahead + S.Width);
                Prefetch.ToL1(ahead + (2 * S.Width));
            }

            F.Filter(
                S.Load(columns), S.Load(columns + S.Width), S.Load(columns + (2 * S.Width)),
                F.Taps > 3 ? S.Load(columns + (3 * S.Width)) : S.Zero, F.Taps > 4 ? S.Load(columns + (4 * S.Width)) : S.Zero,
                out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7);
            if (P.Has(0)) MultiplyAdd(u0, v0 + k, vRow, ref m00, ref m01, ref m02, ref m03);
            if (P.Has(1)) MultiplyAdd(u1, v1 + k, vRow, ref m10, ref m11, ref m12, ref m13);
            if (P.Has(2)) MultiplyAdd(u2, v2 + k, vRow, ref m20, ref m21, ref m22, ref m23);
            if (P.Has(3)) MultiplyAdd(u3, v3 + k, vRow, ref m30, ref m31, ref m32, ref m33);
            if (P.Has(4)) MultiplyAdd(u4, v4 + k, vRow, ref m40, ref m41, ref m42, ref m43);
            if (P.Has(5)) MultiplyAdd(u5, v5 + k, vRow, ref m50, ref m51, ref m52, ref m53);
            if (P.Has(6)) MultiplyAdd(u6, v6 + k, vRow, ref m60, ref m61, ref m62, ref m63);
            if (P.Has(7)) MultiplyAdd(u7, v7 + k, vRow, ref m70, ref m71, ref m72, ref m73);
        }

        if (P.Has(0)) Store(m, mRow, m00, m01, m02, m03);
        if (P.Has(1)) Store(m + mStride, mRow, m10, m11, m12, m13);
        if (P.Has(2)) Store(m + (2 * mStride), mRow, m20, m21, m22, m23);
        if (P.Has(3)) Store(m + (3 * mStride), mRow, m30, m31, m32, m33);
        if (P.Has(4)) Store(m + (4 * mStride), mRow, m40, m41, m42, m43);
        if (P.Has(5)) Store(m + (5 * mStride), mRow, m50, m51, m52, m53);
        if (P.Has(6)) Store(m + (6 * mStride), mRow, m60, m61, m62, m63);
        if (P.Has(7)) Store(m + (7 * mStride), mRow, m70, m71, m72, m73);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(float* m, nint row, bool add, out V m0, out V m1, out V m2, out V m3)
    {
        m0 = m1 = m2 = m3 = S.Zero;
        if (!add) return;
        m0 = S.Load(m);
        if (N.Value > 1) m1 = S.Load(m + row);
        if (N.Value > 2) m2 = S.Load(m + (2 * row));
        if (N.Value > 3) m3 = S.Load(m + (3 * row));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(V u, float* v, nint row, ref V m0, ref V m1, ref V m2, ref V m3)
    {
        m0 = S.MultiplyAdd(S.Broadcast(v), u, m0);
        if (N.Value > 1) m1 = S.MultiplyAdd(S.Broadcast(v + row), u, m1);
        if (N.Value > 2) m2 = S.MultiplyAdd(S.Broadcast(v + (2 * row)), u, m2);
        if (N.Value > 3) m3 = S.MultiplyAdd(S.Broadcast(v + (3 * row)), u, m3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* m, nint row, V m0, V m1, V m2, V m3)
    {
        S.Store(m, m0);
        if (N.Value > 1) S.Store(m + row, m1);
        if (N.Value > 2) S.Store(m + (2 * row), m2);
        if (N.Value > 3) S.Store(m + (3 * row), m3);
    }
}
