using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(4, 3): 36 multiplications for 4×4 outputs instead of 144. The points are 0, ±3/4, ±3/2 and ∞ instead of the usual 0, ±1, ±2 and ∞: the largest error
/// is a third, and fused multiply-adds make all choices equally fast. With a = 3/4 and taps (g₀/a², g₁/a, g₂) the rows of G are (1, 0, 0), (1, ±1, 1), (1, ±2, 4)
/// and (0, 0, 1); what they lack of 1/N(p), Aᵀ has.
/// </summary>
internal readonly unsafe struct WinogradF4K3<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = 0.75f, A2 = A * A, B = 1.5f, B2 = B * B;

    // Of Aᵀ, for p = 0, ±A, ±B: A²/N(p), rounded with the powers that they multiply.
    private const double F0 = 1.0 / B2, FA = 1.0 / (2.0 * (A2 - B2)), FB = A2 / (2.0 * B2 * (B2 - A2));

    // Of the gradient: 1/N(p).
    private const float N0 = (float)(1.0 / (A * A * B * B));
    private const float NA = (float)(1.0 / (2.0 * A * A * ((A * A) - (B * B))));
    private const float NB = (float)(1.0 / (2.0 * B * B * ((B * B) - (A * A))));

    public static int Taps => 3;

    public static int Outputs => 4;

    public static int Inputs => 6;

    public static int Reach => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point < 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V evenA = S.MultiplyAdd(S.Create(-B2), d2, d4), oddA = S.MultiplyAdd(S.Create(-B2), d1, d3);
        V evenB = S.MultiplyAdd(S.Create(-A2), d2, d4), oddB = S.MultiplyAdd(S.Create(-A2), d1, d3);
        v0 = S.MultiplyAdd(S.Create(A2 * B2), d0, S.MultiplyAdd(S.Create(-(A2 + B2)), d2, d4));
        v1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        v2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        v3 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        v4 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        v5 = S.MultiplyAdd(S.Create(A2 * B2), d1, S.MultiplyAdd(S.Create(-(A2 + B2)), d3, d5));
        v6 = v7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tap(V g, int power) => power switch
    {
        0 => S.Multiply(S.Create(1 / (A2 * A2)), g),
        1 => S.Multiply(S.Create(1 / (A2 * A)), g),
        2 => S.Multiply(S.Create(1 / A2), g),
        3 => S.Multiply(S.Create(1 / A), g),
        _ => g,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7)
    {
        V evenA = S.Add(g0, g2), evenB = S.MultiplyAdd(S.Create(4), g2, g0), oddB = S.Add(g1, g1);
        u0 = g0;
        (u1, u2) = (S.Add(evenA, g1), S.Subtract(evenA, g1));
        (u3, u4) = (S.Add(evenB, oddB), S.Subtract(evenB, oddB));
        u5 = g2;
        u6 = u7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        y4 = y5 = S.Zero;
        V m0 = S.Load(m), m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m3 = S.Load(m + (3 * stride)), m4 = S.Load(m + (4 * stride));
        V m5 = S.Load(m + (5 * stride));
        V evenA = S.Add(m1, m2), oddA = S.Subtract(m1, m2), evenB = S.Add(m3, m4), oddB = S.Subtract(m3, m4);
        y0 = S.MultiplyAdd(S.Create((float)FB), evenB, S.MultiplyAdd(S.Create((float)FA), evenA, S.Multiply(S.Create((float)F0), m0)));
        y1 = S.MultiplyAdd(S.Create((float)(B * FB)), oddB, S.Multiply(S.Create((float)(A * FA)), oddA));
        y2 = S.MultiplyAdd(S.Create((float)(B2 * FB)), evenB, S.Multiply(S.Create((float)(A2 * FA)), evenA));
        y3 = S.MultiplyAdd(S.Create((float)(B2 * B * FB)), oddB, S.MultiplyAdd(S.Create((float)(A2 * A * FA)), oddA, m5));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1);
        V evenB = S.MultiplyAdd(S.Create(B2), y2, y0), oddB = S.MultiplyAdd(S.Create(B2), y3, y1);
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m3 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        m4 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        m5 = y3;
        m6 = m7 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        FilterTransposed(
            S.Load(u), S.Load(u + stride), S.Load(u + (2 * stride)), S.Load(u + (3 * stride)), S.Load(u + (4 * stride)), S.Load(u + (5 * stride)),
            out g0, out g1, out g2);
        g3 = g4 = S.Zero;
    }

    /// <summary>g = Gᵀ·u of what is in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(V u0, V u1, V u2, V u3, V u4, V u5, out V g0, out V g1, out V g2)
    {
        FirstOfFilterTransposed(u0, u1, u2, out g0, out g1, out V evenA);
        RestOfFilterTransposed(u3, u4, u5, evenA, ref g0, ref g1, out g2);
    }

    /// <summary>What the points 0 and ±3/4 give to g₀ and g₁, and of what g₂ has a multiple.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FirstOfFilterTransposed(V u0, V u1, V u2, out V g0, out V g1, out V evenA)
    {
        V oddA = S.Subtract(u1, u2);
        evenA = S.Add(u1, u2);
        g0 = S.MultiplyAdd(S.Create(NA), evenA, S.Multiply(S.Create(N0), u0));
        g1 = S.Multiply(S.Create(A * NA), oddA);
    }

    /// <summary>With what ±3/2 and ∞ give.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RestOfFilterTransposed(V u3, V u4, V u5, V evenA, ref V g0, ref V g1, out V g2)
    {
        V evenB = S.Add(u3, u4), oddB = S.Subtract(u3, u4);
        g0 = S.MultiplyAdd(S.Create(NB), evenB, g0);
        g1 = S.MultiplyAdd(S.Create(B * NB), oddB, g1);
        g2 = S.MultiplyAdd(S.Create(B2 * NB), evenB, S.MultiplyAdd(S.Create(A2 * NA), evenA, u5));
    }
}

/// <summary>0, ±3/4 and ∞: of its pairs the one with less error.</summary>
internal readonly struct WinogradEdgeOfF4K3 : IWinogradEdgePoints
{
    public static int Reach
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    public static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static float P
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 0.75f;
    }

    public static float RestAtZero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => -(1.5f * 1.5f);
    }

    public static float RestAtP
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (P * P) - (1.5f * 1.5f);
    }

    public static float FactorAtZero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1 / (1.5f * 1.5f);   // p²/N(0)
    }

    public static float FactorAtP
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1 / (2 * RestAtP);   // p²/N(p)
    }

    public static float FactorAtInfinity
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }
}
