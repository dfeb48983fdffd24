using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(4, 5): 64 multiplications for 4×4 outputs instead of 400. The points are <see cref="WinogradEightPoints{S, V}"/>. G has no factors, its rows are (1, p, p², p³, p⁴)
/// and (0, 0, 0, 0, 1); what they lack of 1/N(p), Aᵀ has.
/// </summary>
internal readonly unsafe struct WinogradF4K5<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradEightPoints<S, V>.A, A2 = WinogradEightPoints<S, V>.A2, C = WinogradEightPoints<S, V>.C, C2 = WinogradEightPoints<S, V>.C2;
    private const float NA = WinogradEightPoints<S, V>.NA, NB = WinogradEightPoints<S, V>.NB, NC = WinogradEightPoints<S, V>.NC;

    public static int Taps => 5;

    public static int Outputs => 4;

    public static int Inputs => 8;

    public static int Reach => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point < 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7) =>
        WinogradEightPoints<S, V>.Input(d0, d1, d2, d3, d4, d5, d6, d7, out v0, out v1, out v2, out v3, out v4, out v5, out v6, out v7);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tap(V g, int power) => g;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), S.MultiplyAdd(S.Create(A2), g4, g2), g0), oddA = S.MultiplyAdd(S.Create(A2 * A), g3, S.Multiply(S.Create(A), g1));
        V evenB = S.Add(g0, S.Add(g2, g4)), oddB = S.Add(g1, g3);
        V evenC = S.MultiplyAdd(S.Create(C2), S.MultiplyAdd(S.Create(C2), g4, g2), g0), oddC = S.MultiplyAdd(S.Create(C2 * C), g3, S.Multiply(S.Create(C), g1));
        u0 = g0;
        (u1, u2) = (S.Add(evenA, oddA), S.Subtract(evenA, oddA));
        (u3, u4) = (S.Add(evenB, oddB), S.Subtract(evenB, oddB));
        (u5, u6) = (S.Add(evenC, oddC), S.Subtract(evenC, oddC));
        u7 = g4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        y4 = y5 = S.Zero;
        WinogradEightPoints<S, V>.Pairs(m, stride, out V m0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m7);
        (sumB, oddB) = (S.Multiply(S.Create(NB), sumB), S.Multiply(S.Create(NB), oddB));
        y0 = S.MultiplyAdd(S.Create(NC), sumC, S.MultiplyAdd(S.Create(NA), sumA, S.Add(m0, sumB)));
        y1 = S.MultiplyAdd(S.Create(C * NC), oddC, S.MultiplyAdd(S.Create(A * NA), oddA, oddB));
        y2 = S.MultiplyAdd(S.Create(C2 * NC), sumC, S.MultiplyAdd(S.Create(A2 * NA), sumA, sumB));
        y3 = S.MultiplyAdd(S.Create(C2 * C * NC), oddC, S.MultiplyAdd(S.Create(A2 * A * NA), oddA, S.Add(oddB, m7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1), evenB = S.Add(y0, y2), oddB = S.Add(y1, y3);
        V evenC = S.MultiplyAdd(S.Create(C2), y2, y0), oddC = S.MultiplyAdd(S.Create(C2), y3, y1);
        m0 = y0;
        WinogradEightPoints<S, V>.AtPairs(evenA, oddA, evenB, oddB, evenC, oddC, out m1, out m2, out m3, out m4, out m5, out m6);
        m7 = y3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        WinogradEightPoints<S, V>.Pairs(u, stride, out V u0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V u7);
        (sumA, oddA) = (S.Multiply(S.Create(NA), sumA), S.Multiply(S.Create(A * NA), oddA));
        (sumC, oddC) = (S.Multiply(S.Create(NC), sumC), S.Multiply(S.Create(C * NC), oddC));
        g0 = S.MultiplyAdd(S.Create(NB), sumB, S.Add(S.Add(u0, sumA), sumC));
        g1 = S.MultiplyAdd(S.Create(NB), oddB, S.Add(oddA, oddC));
        g2 = S.MultiplyAdd(S.Create(C2), sumC, S.MultiplyAdd(S.Create(A2), sumA, S.Multiply(S.Create(NB), sumB)));
        g3 = S.MultiplyAdd(S.Create(C2), oddC, S.MultiplyAdd(S.Create(A2), oddA, S.Multiply(S.Create(NB), oddB)));
        g4 = S.MultiplyAdd(S.Create(C2 * C2), sumC, S.MultiplyAdd(S.Create(A2 * A2), sumA, S.MultiplyAdd(S.Create(NB), sumB, u7)));
    }
}
