using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The points 0, ±1/2, ±1, ±2 and ∞, which F(4, 5) and F(6, 3) share, and with them Bᵀ; row 0 of Bᵀ and of G have the other sign, so that u₀ = g₀.
/// Of those tried they have the least error for F(6, 3).
/// </summary>
internal static unsafe class WinogradEightPoints<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The points beside 0, ±1 and ∞, and their squares.</summary>
    public const float A = 0.5f, A2 = A * A, C = 2, C2 = C * C;

    /// <summary>1/N(p) for p = ±A, ±1, ±C; N(0) = −1.</summary>
    public const float NA = (float)(1.0 / (2.0 * A2 * (A2 - 1.0) * (A2 - C2)));
    public const float NB = (float)(1.0 / (2.0 * (1.0 - A2) * (1.0 - C2)));
    public const float NC = (float)(1.0 / (2.0 * C2 * (C2 - A2) * (C2 - 1.0)));

    // M(x)/x = x⁶ − E·x⁴ + E·x² − 1.
    private const float E = A2 + 1 + C2;

    /// <summary>v = Bᵀ·d</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V evenA = WinogradPoints<S, V>.Quartic(1, C2, d2, d4, d6), oddA = WinogradPoints<S, V>.Quartic(1, C2, d1, d3, d5);
        V evenB = WinogradPoints<S, V>.Quartic(A2, C2, d2, d4, d6), oddB = WinogradPoints<S, V>.Quartic(A2, C2, d1, d3, d5);
        V evenC = WinogradPoints<S, V>.Quartic(A2, 1, d2, d4, d6), oddC = WinogradPoints<S, V>.Quartic(A2, 1, d1, d3, d5);
        v0 = S.MultiplyAdd(S.Create(E), S.Subtract(d4, d2), S.Subtract(d0, d6));
        AtPairs(evenA, oddA, evenB, oddB, evenC, oddC, out v1, out v2, out v3, out v4, out v5, out v6);
        v7 = S.MultiplyAdd(S.Create(E), S.Subtract(d3, d5), S.Subtract(d7, d1));
    }

    /// <summary>even + p·odd for p = ±A, ±1, ±C</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AtPairs(V evenA, V oddA, V evenB, V oddB, V evenC, V oddC, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6)
    {
        v1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        v2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        v3 = S.Add(evenB, oddB);
        v4 = S.Subtract(evenB, oddB);
        v5 = S.MultiplyAdd(S.Create(C), oddC, evenC);
        v6 = S.MultiplyAdd(S.Create(-C), oddC, evenC);
    }

    /// <summary>The values at 0 and ∞; those at p and −p added up, and subtracted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pairs(float* m, nint stride, out V m0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m7)
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
