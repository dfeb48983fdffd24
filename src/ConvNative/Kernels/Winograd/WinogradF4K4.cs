using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(4, 4): 49 multiplications for 4×4 outputs instead of 256. The points are ±3/8, ±7/8, ±7/4 and ∞: of those tried the ones with the least error, a fifth
/// of that of ±1/2, ±1, ±2 and ∞ at worst.
/// </summary>
internal readonly unsafe struct WinogradF4K4<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    // The points, their squares, and the coefficients of M(x) = x⁶ − E1·x⁴ + E2·x² − E3.
    private const float A = 0.375f, B = 0.875f, C = 1.75f, A2 = A * A, B2 = B * B, C2 = C * C;
    private const float E1 = A2 + B2 + C2, E2 = (A2 * B2) + (A2 * C2) + (B2 * C2), E3 = A2 * B2 * C2;

    // 1/N(p) for p = A, B, C; N(−p) = −N(p).
    private const float NA = (float)(1.0 / (2.0 * A * (A2 - B2) * (A2 - C2)));
    private const float NB = (float)(1.0 / (2.0 * B * (B2 - A2) * (B2 - C2)));
    private const float NC = (float)(1.0 / (2.0 * C * (C2 - A2) * (C2 - B2)));

    public static int Taps => 4;

    public static int Outputs => 4;

    public static int Inputs => 7;

    public static int Reach => 7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point < 7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V evenA = WinogradPoints<S, V>.Quartic(B2, C2, d0, d2, d4), oddA = WinogradPoints<S, V>.Quartic(B2, C2, d1, d3, d5);
        V evenB = WinogradPoints<S, V>.Quartic(A2, C2, d0, d2, d4), oddB = WinogradPoints<S, V>.Quartic(A2, C2, d1, d3, d5);
        V evenC = WinogradPoints<S, V>.Quartic(A2, B2, d0, d2, d4), oddC = WinogradPoints<S, V>.Quartic(A2, B2, d1, d3, d5);
        v0 = S.MultiplyAdd(S.Create(A), evenA, oddA);
        v1 = S.MultiplyAdd(S.Create(-A), evenA, oddA);
        v2 = S.MultiplyAdd(S.Create(B), evenB, oddB);
        v3 = S.MultiplyAdd(S.Create(-B), evenB, oddB);
        v4 = S.MultiplyAdd(S.Create(C), evenC, oddC);
        v5 = S.MultiplyAdd(S.Create(-C), evenC, oddC);
        v6 = S.MultiplyAdd(S.Create(-E3), d0, S.MultiplyAdd(S.Create(E2), d2, S.MultiplyAdd(S.Create(-E1), d4, d6)));
        v7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tap(V g, int power) => g;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7)
    {
        V evenA = S.Multiply(S.Create(NA), S.MultiplyAdd(S.Create(A2), g2, g0)), oddA = S.Multiply(S.Create(A * NA), S.MultiplyAdd(S.Create(A2), g3, g1));
        V evenB = S.Multiply(S.Create(NB), S.MultiplyAdd(S.Create(B2), g2, g0)), oddB = S.Multiply(S.Create(B * NB), S.MultiplyAdd(S.Create(B2), g3, g1));
        V evenC = S.Multiply(S.Create(NC), S.MultiplyAdd(S.Create(C2), g2, g0)), oddC = S.Multiply(S.Create(C * NC), S.MultiplyAdd(S.Create(C2), g3, g1));
        (u0, u1) = (S.Add(oddA, evenA), S.Subtract(oddA, evenA));
        (u2, u3) = (S.Add(oddB, evenB), S.Subtract(oddB, evenB));
        (u4, u5) = (S.Add(oddC, evenC), S.Subtract(oddC, evenC));
        u6 = g3;
        u7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        y4 = y5 = S.Zero;
        Pairs(m, stride, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m6);
        y0 = S.Add(sumA, S.Add(sumB, sumC));
        y1 = S.MultiplyAdd(S.Create(C), oddC, S.MultiplyAdd(S.Create(B), oddB, S.Multiply(S.Create(A), oddA)));
        y2 = S.MultiplyAdd(S.Create(C2), sumC, S.MultiplyAdd(S.Create(B2), sumB, S.Multiply(S.Create(A2), sumA)));
        y3 = S.MultiplyAdd(S.Create(C2 * C), oddC, S.MultiplyAdd(S.Create(B2 * B), oddB, S.MultiplyAdd(S.Create(A2 * A), oddA, m6)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1), evenB = S.MultiplyAdd(S.Create(B2), y2, y0);
        V oddB = S.MultiplyAdd(S.Create(B2), y3, y1), evenC = S.MultiplyAdd(S.Create(C2), y2, y0), oddC = S.MultiplyAdd(S.Create(C2), y3, y1);
        m0 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m1 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        m3 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        m4 = S.MultiplyAdd(S.Create(C), oddC, evenC);
        m5 = S.MultiplyAdd(S.Create(-C), oddC, evenC);
        m6 = y3;
        m7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        Pairs(u, stride, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V u6);
        (oddA, sumA) = (S.Multiply(S.Create(NA), oddA), S.Multiply(S.Create(A * NA), sumA));
        (oddB, sumB) = (S.Multiply(S.Create(NB), oddB), S.Multiply(S.Create(B * NB), sumB));
        (oddC, sumC) = (S.Multiply(S.Create(NC), oddC), S.Multiply(S.Create(C * NC), sumC));
        g0 = S.Add(oddB, S.Add(oddA, oddC));
        g1 = S.Add(sumB, S.Add(sumA, sumC));
        g2 = S.MultiplyAdd(S.Create(C2), oddC, S.MultiplyAdd(S.Create(B2), oddB, S.Multiply(S.Create(A2), oddA)));
        g3 = S.MultiplyAdd(S.Create(C2), sumC, S.MultiplyAdd(S.Create(B2), sumB, S.MultiplyAdd(S.Create(A2), sumA, u6)));
        g4 = S.Zero;
    }

    /// <summary>The values at p and −p added up, and subtracted; that at ∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(float* m, nint stride, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m6)
    {
        V m0 = S.Load(m), m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m3 = S.Load(m + (3 * stride));
        V m4 = S.Load(m + (4 * stride)), m5 = S.Load(m + (5 * stride));
        m6 = S.Load(m + (6 * stride));
        (sumA, oddA) = (S.Add(m0, m1), S.Subtract(m0, m1));
        (sumB, oddB) = (S.Add(m2, m3), S.Subtract(m2, m3));
        (sumC, oddC) = (S.Add(m4, m5), S.Subtract(m4, m5));
    }
}
