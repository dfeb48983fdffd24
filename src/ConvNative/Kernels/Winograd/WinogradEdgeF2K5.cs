using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>F(2, 5) at an image's edge, over all points of <see cref="WinogradF4K5{S, V}"/> but ±1.</summary>
internal readonly unsafe struct WinogradEdgeF2K5<S, V> : IWinogradTile<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradEightPoints<S, V>.A, C = WinogradEightPoints<S, V>.C;

    public static int Outputs => 2;

    public static int Inputs => 6;

    public static int Reach => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point is not (3 or 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        v3 = v4 = S.Zero;
        WinogradEightPoints<S, V>.InputOfSix(d0, d1, d2, d3, d4, d5, out v0, out v1, out v2, out v5, out v6, out v7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        V m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m5 = S.Load(m + (5 * stride)), m6 = S.Load(m + (6 * stride));
        y0 = S.Add(S.Load(m), S.Add(S.Add(m1, m2), S.Add(m5, m6)));
        y1 = S.MultiplyAdd(S.Create(C), S.Subtract(m5, m6), S.MultiplyAdd(S.Create(A), S.Subtract(m1, m2), S.Load(m + (7 * stride))));
        y2 = y3 = y4 = y5 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), y1, y0);
        m2 = S.MultiplyAdd(S.Create(-A), y1, y0);
        m3 = m4 = S.Zero;
        m5 = S.MultiplyAdd(S.Create(C), y1, y0);
        m6 = S.MultiplyAdd(S.Create(-C), y1, y0);
        m7 = y1;
    }
}
