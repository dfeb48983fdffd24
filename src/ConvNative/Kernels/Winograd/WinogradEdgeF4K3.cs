using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(4, 3) at an image's edge, over all points of <see cref="WinogradF6K3{S, V}"/> but ±1, the pair without which the error is least; the rows of Bᵀ have the
/// factor p² − 1 (<see cref="WinogradPoints"/>), the columns of Aᵀ those of the scheme's.
/// </summary>
internal readonly unsafe struct WinogradEdgeF4K3<S, V> : IWinogradTile<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradEightPoints<S, V>.A, A2 = WinogradEightPoints<S, V>.A2, C = WinogradEightPoints<S, V>.C, C2 = WinogradEightPoints<S, V>.C2;
    private const double F0 = WinogradF6K3<S, V>.F0, FA = WinogradF6K3<S, V>.FA, FC = WinogradF6K3<S, V>.FC, F7 = WinogradF6K3<S, V>.F7;

    public static int Outputs => 4;

    public static int Inputs => 6;

    public static int Reach => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point is not (3 or 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V evenA = Product(A2 - 1, C2, d2, d4), oddA = Product(A * (A2 - 1), C2, d1, d3);
        V evenC = Product(C2 - 1, A2, d2, d4), oddC = Product(C * (C2 - 1), A2, d1, d3);
        v0 = WinogradPoints<S, V>.Quartic(A2, C2, d0, d2, d4);
        (v1, v2) = (S.Add(evenA, oddA), S.Subtract(evenA, oddA));
        v3 = v4 = S.Zero;
        (v5, v6) = (S.Add(evenC, oddC), S.Subtract(evenC, oddC));
        v7 = WinogradPoints<S, V>.Quartic(A2, C2, d1, d3, d5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        V m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m5 = S.Load(m + (5 * stride)), m6 = S.Load(m + (6 * stride));
        V sumA = S.Add(m1, m2), oddA = S.Subtract(m1, m2), sumC = S.Add(m5, m6), oddC = S.Subtract(m5, m6);
        V m0 = S.Multiply(S.Create((float)F0), S.Load(m)), m7 = S.Multiply(S.Create((float)F7), S.Load(m + (7 * stride)));
        y0 = S.MultiplyAdd(S.Create((float)FC), sumC, S.MultiplyAdd(S.Create((float)FA), sumA, m0));
        y1 = S.MultiplyAdd(S.Create((float)(C * FC)), oddC, S.Multiply(S.Create((float)(A * FA)), oddA));
        y2 = S.MultiplyAdd(S.Create((float)(C2 * FC)), sumC, S.Multiply(S.Create((float)(A2 * FA)), sumA));
        y3 = S.MultiplyAdd(S.Create((float)(C2 * C * FC)), oddC, S.MultiplyAdd(S.Create((float)(A2 * A * FA)), oddA, m7));
        y4 = y5 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1);
        V evenC = S.MultiplyAdd(S.Create(C2), y2, y0), oddC = S.MultiplyAdd(S.Create(C2), y3, y1);
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m3 = m4 = S.Zero;
        m5 = S.MultiplyAdd(S.Create(C), oddC, evenC);
        m6 = S.MultiplyAdd(S.Create(-C), oddC, evenC);
        m7 = y3;
    }

    /// <summary>scale·(x² − square) for the two neighbouring powers of x² that d0 and d1 stand for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Product(float scale, float square, V d0, V d1) => S.MultiplyAdd(S.Create(-scale * square), d0, S.Multiply(S.Create(scale), d1));
}
