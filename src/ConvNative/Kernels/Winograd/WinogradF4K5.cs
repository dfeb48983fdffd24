using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(4, 5): 64 multiplications for 4×4 outputs instead of 400. The points are 0, ±1/2, ±1, ±2 and ∞; row 0 of Bᵀ and of G have the other sign.
/// </summary>
internal readonly unsafe struct WinogradF4K5<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    // The squares of the points, and the coefficients of M(x)/x = x⁶ − E·x⁴ + E·x² − 1.
    private const float A = 0.5f, A2 = A * A, C = 2, C2 = C * C, E = A2 + 1 + C2;

    // 1/N(p) for p = ±A, ±1, ±C.
    private const float NA = (float)(1.0 / (2.0 * A2 * (A2 - 1.0) * (A2 - C2)));
    private const float NB = (float)(1.0 / (2.0 * (1.0 - A2) * (1.0 - C2)));
    private const float NC = (float)(1.0 / (2.0 * C2 * (C2 - A2) * (C2 - 1.0)));

    public static int Taps => 5;

    public static int Reach => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V evenA = WinogradPoints<S, V>.Quartic(1, C2, d2, d4, d6), oddA = WinogradPoints<S, V>.Quartic(1, C2, d1, d3, d5);
        V evenB = WinogradPoints<S, V>.Quartic(A2, C2, d2, d4, d6), oddB = WinogradPoints<S, V>.Quartic(A2, C2, d1, d3, d5);
        V evenC = WinogradPoints<S, V>.Quartic(A2, 1, d2, d4, d6), oddC = WinogradPoints<S, V>.Quartic(A2, 1, d1, d3, d5);
        v0 = S.MultiplyAdd(S.Create(E), S.Subtract(d4, d2), S.Subtract(d0, d6));
        v1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        v2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        v3 = S.Add(evenB, oddB);
        v4 = S.Subtract(evenB, oddB);
        v5 = S.MultiplyAdd(S.Create(C), oddC, evenC);
        v6 = S.MultiplyAdd(S.Create(-C), oddC, evenC);
        v7 = S.MultiplyAdd(S.Create(E), S.Subtract(d3, d5), S.Subtract(d7, d1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7)
    {
        V oddA = S.MultiplyAdd(S.Create(A2), g3, g1), oddB = S.Add(g1, g3), oddC = S.MultiplyAdd(S.Create(C2), g3, g1);
        V evenA = S.Multiply(S.Create(NA), S.MultiplyAdd(S.Create(A2), S.MultiplyAdd(S.Create(A2), g4, g2), g0));
        V evenB = S.Multiply(S.Create(NB), S.Add(g0, S.Add(g2, g4)));
        V evenC = S.Multiply(S.Create(NC), S.MultiplyAdd(S.Create(C2), S.MultiplyAdd(S.Create(C2), g4, g2), g0));
        u0 = g0;
        u1 = S.MultiplyAdd(S.Create(A * NA), oddA, evenA);
        u2 = S.MultiplyAdd(S.Create(-A * NA), oddA, evenA);
        u3 = S.MultiplyAdd(S.Create(NB), oddB, evenB);
        u4 = S.MultiplyAdd(S.Create(-NB), oddB, evenB);
        u5 = S.MultiplyAdd(S.Create(C * NC), oddC, evenC);
        u6 = S.MultiplyAdd(S.Create(-C * NC), oddC, evenC);
        u7 = g4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3)
    {
        Pairs(m, stride, out V m0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m7);
        y0 = S.Add(S.Add(m0, sumA), S.Add(sumB, sumC));
        y1 = S.MultiplyAdd(S.Create(C), oddC, S.MultiplyAdd(S.Create(A), oddA, oddB));
        y2 = S.MultiplyAdd(S.Create(C2), sumC, S.MultiplyAdd(S.Create(A2), sumA, sumB));
        y3 = S.MultiplyAdd(S.Create(C2 * C), oddC, S.MultiplyAdd(S.Create(A2 * A), oddA, S.Add(oddB, m7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1), evenB = S.Add(y0, y2), oddB = S.Add(y1, y3);
        V evenC = S.MultiplyAdd(S.Create(C2), y2, y0), oddC = S.MultiplyAdd(S.Create(C2), y3, y1);
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m3 = S.Add(evenB, oddB);
        m4 = S.Subtract(evenB, oddB);
        m5 = S.MultiplyAdd(S.Create(C), oddC, evenC);
        m6 = S.MultiplyAdd(S.Create(-C), oddC, evenC);
        m7 = y3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        Pairs(u, stride, out V u0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V u7);
        (sumA, oddA) = (S.Multiply(S.Create(NA), sumA), S.Multiply(S.Create(A * NA), oddA));
        (sumC, oddC) = (S.Multiply(S.Create(NC), sumC), S.Multiply(S.Create(C * NC), oddC));
        g0 = S.MultiplyAdd(S.Create(NB), sumB, S.Add(S.Add(u0, sumA), sumC));
        g1 = S.MultiplyAdd(S.Create(NB), oddB, S.Add(oddA, oddC));
        g2 = S.MultiplyAdd(S.Create(C2), sumC, S.MultiplyAdd(S.Create(A2), sumA, S.Multiply(S.Create(NB), sumB)));
        g3 = S.MultiplyAdd(S.Create(C2), oddC, S.MultiplyAdd(S.Create(A2), oddA, S.Multiply(S.Create(NB), oddB)));
        g4 = S.MultiplyAdd(S.Create(C2 * C2), sumC, S.MultiplyAdd(S.Create(A2 * A2), sumA, S.MultiplyAdd(S.Create(NB), sumB, u7)));
    }

    /// <summary>The values at 0 and ∞; those at p and −p added up, and subtracted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(float* m, nint stride, out V m0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m7)
    {
        V m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m3 = S.Load(m + (3 * stride)), m4 = S.Load(m + (4 * stride));
        V m5 = S.Load(m + (5 * stride)), m6 = S.Load(m + (6 * stride));
        m0 = S.Load(m);
        m7 = S.Load(m + (7 * stride));
        (sumA, oddA) = (S.Add(m1, m2), S.Subtract(m1, m2));
        (sumB, oddB) = (S.Add(m3, m4), S.Subtract(m3, m4));
        (sumC, oddC) = (S.Add(m5, m6), S.Subtract(m5, m6));
    }
}
