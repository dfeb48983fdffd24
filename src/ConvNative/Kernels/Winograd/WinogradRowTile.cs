using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A row of the products of N tiles, 1 to 6, and M vectors of output channels, 1 or 2, from G·g: its kernels go through Gᵀ in registers, where the products are summed.
/// F: the scheme; P: its points that are computed. 24 sums, a vector for each, fit 32 registers beside what the transform needs. With two vectors each number of V is
/// read once for two multiply-adds; with one, reading takes longer than multiplying.
/// </summary>
internal static unsafe class WinogradRowTile<S, V, F, P, N, M>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
    where P : struct, IWinogradPoints
    where N : struct, ICount
    where M : struct, ICount
{
    /// <summary>
    /// <code>m[j·mStride + t·mRow + c] = Σₖ v[j·vStride + t·vRow + k]·u(j, k, c),   u(·, k, c) = (columns[(Taps·k + s)·Width + c], s &lt; Taps)·Gᵀ</code>
    /// or that added to m, for c &lt; Width, tiles t and the points j; likewise for a second vector, whose columns stand columnsStride further and sums a vector. Every
    /// element is summed over k = 0, 1, 2 … in one chain, as <see cref="RowGemm"/> sums.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(nint K, float* columns, nint columnsStride, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        float* v0 = v, v1 = v + vStride, v2 = v + (2 * vStride), v3 = v + (3 * vStride), v4 = v + (4 * vStride), v5 = v + (5 * vStride);
        float* v6 = v + (6 * vStride), v7 = v + (7 * vStride);
        Start(
            m, mRow, add && P.Has(0),
            out V m00, out V m01, out V m02, out V m03, out V m04, out V m05,
            out V n00, out V n01, out V n02, out V n03, out V n04, out V n05);
        Start(
            m + mStride, mRow, add && P.Has(1),
            out V m10, out V m11, out V m12, out V m13, out V m14, out V m15,
            out V n10, out V n11, out V n12, out V n13, out V n14, out V n15);
        Start(
            m + (2 * mStride), mRow, add && P.Has(2),
            out V m20, out V m21, out V m22, out V m23, out V m24, out V m25,
            out V n20, out V n21, out V n22, out V n23, out V n24, out V n25);
        Start(
            m + (3 * mStride), mRow, add && P.Has(3),
            out V m30, out V m31, out V m32, out V m33, out V m34, out V m35,
            out V n30, out V n31, out V n32, out V n33, out V n34, out V n35);
        Start(
            m + (4 * mStride), mRow, add && P.Has(4),
            out V m40, out V m41, out V m42, out V m43, out V m44, out V m45,
            out V n40, out V n41, out V n42, out V n43, out V n44, out V n45);
        Start(
            m + (5 * mStride), mRow, add && P.Has(5),
            out V m50, out V m51, out V m52, out V m53, out V m54, out V m55,
            out V n50, out V n51, out V n52, out V n53, out V n54, out V n55);
        Start(
            m + (6 * mStride), mRow, add && P.Has(6),
            out V m60, out V m61, out V m62, out V m63, out V m64, out V m65,
            out V n60, out V n61, out V n62, out V n63, out V n64, out V n65);
        Start(
            m + (7 * mStride), mRow, add && P.Has(7),
            out V m70, out V m71, out V m72, out V m73, out V m74, out V m75,
            out V n70, out V n71, out V n72, out V n73, out V n74, out V n75);
        for (nint k = 0; k < K; k++, columns += F.Taps * S.Width)
        {
            Filter(columns, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7);
            V w0 = S.Zero, w1 = S.Zero, w2 = S.Zero, w3 = S.Zero, w4 = S.Zero, w5 = S.Zero, w6 = S.Zero, w7 = S.Zero;
            if (M.Value > 1) Filter(columns + columnsStride, out w0, out w1, out w2, out w3, out w4, out w5, out w6, out w7);
            if (P.Has(0)) MultiplyAdd(u0, w0, v0 + k, vRow, ref m00, ref m01, ref m02, ref m03, ref m04, ref m05, ref n00, ref n01, ref n02, ref n03, ref n04, ref n05);
            if (P.Has(1)) MultiplyAdd(u1, w1, v1 + k, vRow, ref m10, ref m11, ref m12, ref m13, ref m14, ref m15, ref n10, ref n11, ref n12, ref n13, ref n14, ref n15);
            if (P.Has(2)) MultiplyAdd(u2, w2, v2 + k, vRow, ref m20, ref m21, ref m22, ref m23, ref m24, ref m25, ref n20, ref n21, ref n22, ref n23, ref n24, ref n25);
            if (P.Has(3)) MultiplyAdd(u3, w3, v3 + k, vRow, ref m30, ref m31, ref m32, ref m33, ref m34, ref m35, ref n30, ref n31, ref n32, ref n33, ref n34, ref n35);
            if (P.Has(4)) MultiplyAdd(u4, w4, v4 + k, vRow, ref m40, ref m41, ref m42, ref m43, ref m44, ref m45, ref n40, ref n41, ref n42, ref n43, ref n44, ref n45);
            if (P.Has(5)) MultiplyAdd(u5, w5, v5 + k, vRow, ref m50, ref m51, ref m52, ref m53, ref m54, ref m55, ref n50, ref n51, ref n52, ref n53, ref n54, ref n55);
            if (P.Has(6)) MultiplyAdd(u6, w6, v6 + k, vRow, ref m60, ref m61, ref m62, ref m63, ref m64, ref m65, ref n60, ref n61, ref n62, ref n63, ref n64, ref n65);
            if (P.Has(7)) MultiplyAdd(u7, w7, v7 + k, vRow, ref m70, ref m71, ref m72, ref m73, ref m74, ref m75, ref n70, ref n71, ref n72, ref n73, ref n74, ref n75);
        }

        if (P.Has(0)) Store(m, mRow, m00, m01, m02, m03, m04, m05, n00, n01, n02, n03, n04, n05);
        if (P.Has(1)) Store(m + mStride, mRow, m10, m11, m12, m13, m14, m15, n10, n11, n12, n13, n14, n15);
        if (P.Has(2)) Store(m + (2 * mStride), mRow, m20, m21, m22, m23, m24, m25, n20, n21, n22, n23, n24, n25);
        if (P.Has(3)) Store(m + (3 * mStride), mRow, m30, m31, m32, m33, m34, m35, n30, n31, n32, n33, n34, n35);
        if (P.Has(4)) Store(m + (4 * mStride), mRow, m40, m41, m42, m43, m44, m45, n40, n41, n42, n43, n44, n45);
        if (P.Has(5)) Store(m + (5 * mStride), mRow, m50, m51, m52, m53, m54, m55, n50, n51, n52, n53, n54, n55);
        if (P.Has(6)) Store(m + (6 * mStride), mRow, m60, m61, m62, m63, m64, m65, n60, n61, n62, n63, n64, n65);
        if (P.Has(7)) Store(m + (7 * mStride), mRow, m70, m71, m72, m73, m74, m75, n70, n71, n72, n73, n74, n75);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Filter(float* columns, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7) => F.Filter(
        S.Load(columns), S.Load(columns + S.Width), S.Load(columns + (2 * S.Width)),
        F.Taps > 3 ? S.Load(columns + (3 * S.Width)) : S.Zero, F.Taps > 4 ? S.Load(columns + (4 * S.Width)) : S.Zero,
        out u0, out u1, out u2, out u3, out u4, out u5, out u6, out u7);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(
        float* m, nint row, bool add,
        out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        m0 = m1 = m2 = m3 = m4 = m5 = n0 = n1 = n2 = n3 = n4 = n5 = S.Zero;
        if (!add) return;
        Load(m, ref m0, ref n0);
        if (N.Value > 1) Load(m + row, ref m1, ref n1);
        if (N.Value > 2) Load(m + (2 * row), ref m2, ref n2);
        if (N.Value > 3) Load(m + (3 * row), ref m3, ref n3);
        if (N.Value > 4) Load(m + (4 * row), ref m4, ref n4);
        if (N.Value > 5) Load(m + (5 * row), ref m5, ref n5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* m, ref V m0, ref V n0)
    {
        m0 = S.Load(m);
        if (M.Value > 1) n0 = S.Load(m + S.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(
        V u, V w, float* v, nint row,
        ref V m0, ref V m1, ref V m2, ref V m3, ref V m4, ref V m5, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        MultiplyAdd(u, w, S.Broadcast(v), ref m0, ref n0);
        if (N.Value > 1) MultiplyAdd(u, w, S.Broadcast(v + row), ref m1, ref n1);
        if (N.Value > 2) MultiplyAdd(u, w, S.Broadcast(v + (2 * row)), ref m2, ref n2);
        if (N.Value > 3) MultiplyAdd(u, w, S.Broadcast(v + (3 * row)), ref m3, ref n3);
        if (N.Value > 4) MultiplyAdd(u, w, S.Broadcast(v + (4 * row)), ref m4, ref n4);
        if (N.Value > 5) MultiplyAdd(u, w, S.Broadcast(v + (5 * row)), ref m5, ref n5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(V u, V w, V v, ref V m, ref V n)
    {
        m = S.MultiplyAdd(v, u, m);
        if (M.Value > 1) n = S.MultiplyAdd(v, w, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        float* m, nint row,
        V m0, V m1, V m2, V m3, V m4, V m5, V n0, V n1, V n2, V n3, V n4, V n5)
    {
        Store(m, m0, n0);
        if (N.Value > 1) Store(m + row, m1, n1);
        if (N.Value > 2) Store(m + (2 * row), m2, n2);
        if (N.Value > 3) Store(m + (3 * row), m3, n3);
        if (N.Value > 4) Store(m + (4 * row), m4, n4);
        if (N.Value > 5) Store(m + (5 * row), m5, n5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* m, V m0, V n0)
    {
        S.Store(m, m0);
        if (M.Value > 1) S.Store(m + S.Width, n0);
    }
}
