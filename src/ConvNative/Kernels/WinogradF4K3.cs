using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Winograd's minimal filtering F(4, 3): 4 outputs of a 3-tap filter from 6 inputs by 6 multiplications instead of 12,
/// <code>
/// y = Aᵀ·[(G·g) ⊙ (Bᵀ·d)]          in two dimensions   Y = Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A
/// </code>
/// (S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
/// Networks", 2015). It is the transpose of multiplying two polynomials by their values at 6 points p = 0, a, −a, b, −b, ∞.
/// With M(x) = Π (x − p) over the finite points and N(p) = Π (p − q) over the other finite points q:
/// <code>
/// row p of Bᵀ: the coefficients of M(x)/(x − p)     row p of G: (1, p, p²)/N(p)     column p of Aᵀ: (1, p, p², p³)
/// row ∞ of Bᵀ: the coefficients of M(x)             row ∞ of G: (0, 0, 1)           column ∞ of Aᵀ: (0, 0, 0, 1)
/// </code>
/// The weight gradient is the transposed map, F(3, 4) with the same points: dw = Gᵀ·[(A·dy) ⊙ (Bᵀ·d)], summed over all tiles before Gᵀ.
/// a = 3/4, b = 3/2 instead of the usual 1, 2: the largest error is a third (powers up to p³ stay near 1), every entry of Bᵀ
/// and Aᵀ is exact in float32, and fused multiply-adds make all choices equally fast. ±p share their even and odd halves.
/// </summary>
internal static class WinogradF4K3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradF4K3.A, A2 = A * A, B = WinogradF4K3.B, B2 = B * B;

    // 1/N(p) for p = 0 and p = ±a, ±b.
    private const float N0 = (float)(1.0 / (A2 * B2));
    private const float NA = (float)(1.0 / (2.0 * A2 * (A2 - B2)));
    private const float NB = (float)(1.0 / (2.0 * B2 * (B2 - A2)));

    /// <summary>v = Bᵀ·d</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(V d0, V d1, V d2, V d3, V d4, V d5, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5)
    {
        V evenA = S.MultiplyAdd(S.Create(-B2), d2, d4), oddA = S.MultiplyAdd(S.Create(-B2), d1, d3);
        V evenB = S.MultiplyAdd(S.Create(-A2), d2, d4), oddB = S.MultiplyAdd(S.Create(-A2), d1, d3);
        v0 = S.MultiplyAdd(S.Create(A2 * B2), d0, S.MultiplyAdd(S.Create(-(A2 + B2)), d2, d4));
        v1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        v2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        v3 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        v4 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        v5 = S.MultiplyAdd(S.Create(A2 * B2), d1, S.MultiplyAdd(S.Create(-(A2 + B2)), d3, d5));
    }

    /// <summary>u = G·g</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5)
    {
        V evenA = S.Multiply(S.Create(NA), S.MultiplyAdd(S.Create(A2), g2, g0));
        V evenB = S.Multiply(S.Create(NB), S.MultiplyAdd(S.Create(B2), g2, g0));
        u0 = S.Multiply(S.Create(N0), g0);
        u1 = S.MultiplyAdd(S.Create(A * NA), g1, evenA);
        u2 = S.MultiplyAdd(S.Create(-A * NA), g1, evenA);
        u3 = S.MultiplyAdd(S.Create(B * NB), g1, evenB);
        u4 = S.MultiplyAdd(S.Create(-B * NB), g1, evenB);
        u5 = g2;
    }

    /// <summary>y = Aᵀ·m</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(V m0, V m1, V m2, V m3, V m4, V m5, out V y0, out V y1, out V y2, out V y3)
    {
        V evenA = S.Add(m1, m2), oddA = S.Subtract(m1, m2), evenB = S.Add(m3, m4), oddB = S.Subtract(m3, m4);
        y0 = S.Add(m0, S.Add(evenA, evenB));
        y1 = S.MultiplyAdd(S.Create(B), oddB, S.Multiply(S.Create(A), oddA));
        y2 = S.MultiplyAdd(S.Create(B2), evenB, S.Multiply(S.Create(A2), evenA));
        y3 = S.MultiplyAdd(S.Create(B2 * B), oddB, S.MultiplyAdd(S.Create(A2 * A), oddA, m5));
    }

    /// <summary>m = A·y</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1);
        V evenB = S.MultiplyAdd(S.Create(B2), y2, y0), oddB = S.MultiplyAdd(S.Create(B2), y3, y1);
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m3 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        m4 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        m5 = y3;
    }

    /// <summary>g = Gᵀ·u</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(V u0, V u1, V u2, V u3, V u4, V u5, out V g0, out V g1, out V g2)
    {
        V evenA = S.Add(u1, u2), oddA = S.Subtract(u1, u2), evenB = S.Add(u3, u4), oddB = S.Subtract(u3, u4);
        g0 = S.MultiplyAdd(S.Create(NB), evenB, S.MultiplyAdd(S.Create(NA), evenA, S.Multiply(S.Create(N0), u0)));
        g1 = S.MultiplyAdd(S.Create(B * NB), oddB, S.Multiply(S.Create(A * NA), oddA));
        g2 = S.MultiplyAdd(S.Create(B2 * NB), evenB, S.MultiplyAdd(S.Create(A2 * NA), evenA, u5));
    }
}

/// <summary>Sizes and points of F(4×4, 3×3).</summary>
internal static class WinogradF4K3
{
    /// <summary>Outputs of a tile in each dimension.</summary>
    public const int Tile = 4;

    /// <summary>Neighbouring pixels that are loaded and stored at once.</summary>
    public const int Quad = 4;

    /// <summary>Inputs of a tile in each dimension.</summary>
    public const int Reach = 6;

    /// <summary>Multiplications of a tile for each pair of channels: the products that are summed over the input channels.</summary>
    public const int Products = Reach * Reach;

    /// <summary>The first pair of points.</summary>
    public const float A = 0.75f;

    /// <summary>The second pair of points.</summary>
    public const float B = 1.5f;
}
