using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Winograd's minimal filtering F(m, r): m outputs of a filter with r taps from m + r − 1 inputs, by as many multiplications instead of m·r,
/// <code>
/// y = Aᵀ·[(G·g) ⊙ (Bᵀ·d)]          in two dimensions   Y = Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A
/// </code>
/// (S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
/// Networks", 2015). It is the transpose of multiplying two polynomials by their values at 6 points p = 0, a, −a, b, −b, ∞.
/// With M(x) = Π (x − p) over the finite points and N(p) = Π (p − q) over the other finite points q:
/// <code>
/// row p of Bᵀ: the coefficients of M(x)/(x − p)    row p of G: (1, p … pʳ⁻¹)/N(p)    column p of Aᵀ: (1, p … pᵐ⁻¹)
/// row ∞ of Bᵀ: the coefficients of M(x)            row ∞ of G: (0 … 0, 1)            column ∞ of Aᵀ: (0 … 0, 1)
/// </code>
/// Bᵀ is the same for every m + r − 1 = 6: <see cref="WinogradF4K3{S, V}"/> for 3 taps, <see cref="WinogradF2K5{S, V}"/> for 5.
/// The gradient of the weights is the transposed map, F(r, m) with the same points: dw = Gᵀ·[(A·dy) ⊙ (Bᵀ·d)], summed over all tiles before Gᵀ.
/// a = 3/4, b = 3/2 instead of the usual 1, 2: the largest error of F(4, 3) is a third (powers stay near 1), every entry of Bᵀ
/// and Aᵀ is exact in float32, and fused multiply-adds make all choices equally fast. ±p share their even and odd halves.
/// </summary>
internal static class WinogradPoints<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradPoints.A, A2 = A * A, B = WinogradPoints.B, B2 = B * B;

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
}

/// <summary>The points, and the sizes that follow from there being 6.</summary>
internal static class WinogradPoints
{
    /// <summary>Inputs of a tile in each dimension.</summary>
    public const int Reach = 6;

    /// <summary>Multiplications of a tile for each pair of channels: the products that are summed over the input channels.</summary>
    public const int Products = Reach * Reach;

    /// <summary>Neighbouring pixels that are loaded and stored at once.</summary>
    public const int Quad = 4;

    /// <summary>The first pair of points.</summary>
    public const float A = 0.75f;

    /// <summary>The second pair of points.</summary>
    public const float B = 1.5f;

    // 1/N(p) for p = 0 and p = ±A, ±B.
    public const float N0 = (float)(1.0 / (A * A * B * B));
    public const float NA = (float)(1.0 / (2.0 * A * A * ((A * A) - (B * B))));
    public const float NB = (float)(1.0 / (2.0 * B * B * ((B * B) - (A * A))));

    /// <summary>Outputs of a tile in each dimension, m, for kernels of so many taps.</summary>
    public static int Tile(int taps) => Reach + 1 - taps;
}
