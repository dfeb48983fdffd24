using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Winograd's minimal filtering F(m, r): m outputs of a filter with r taps from m + r − 1 inputs, by as many multiplications instead of m·r,
/// <code>
/// y = Aᵀ·[(G·g) ⊙ (Bᵀ·d)]          in two dimensions   Y = Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A
/// </code>
/// (S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
/// Networks", 2015). It is the transpose of multiplying two polynomials by their values at m + r − 1 points p = 0, ±a, ±b …, ∞ (0 only where
/// they are even in number).
/// With M(x) = Π (x − p) over the finite points and N(p) = Π (p − q) over the other finite points q:
/// <code>
/// row p of Bᵀ: the coefficients of M(x)/(x − p)    row p of G: (1, p … pʳ⁻¹)/N(p)    column p of Aᵀ: (1, p … pᵐ⁻¹)
/// row ∞ of Bᵀ: the coefficients of M(x)            row ∞ of G: (0 … 0, 1)            column ∞ of Aᵀ: (0 … 0, 1)
/// </code>
/// A row of Bᵀ and that of G may change their signs together; a row of G may leave factors to the column of Aᵀ, as those of 3 and 5 taps do, whose kernels are
/// transformed most often where tiles are few. Tiles have 4×4 outputs, <see cref="WinogradF4K3{S, V}"/> for 3 taps,
/// <see cref="WinogradF4K4{S, V}"/> for 4, <see cref="WinogradF4K5{S, V}"/> for 5; or 6×6, <see cref="WinogradF6K3{S, V}"/>.
/// A tile at an image's edge that has fewer outputs needs fewer points. Where they are a part of the others' its kernels are transformed already, but for
/// what N(p) has of the points q left out: row p of Bᵀ gets the factor Π (p − q), and row ∞ none (<see cref="WinogradEdgeF2K3{S, V, P}"/>,
/// <see cref="WinogradEdgeF4K3{S, V}"/>).
/// The gradient of the weights is the transposed map, F(r, m) with the same points: dw = Gᵀ·[(A·dy) ⊙ (Bᵀ·d)], summed over all tiles before Gᵀ; its G has all
/// factors, once after the sum.
/// The points keep powers near 1 and are exact in float32, as is every entry of Bᵀ and of Aᵀ without factors. ±p share their even and odd halves.
/// </summary>
internal static class WinogradPoints
{
    /// <summary>Neighbouring pixels that are loaded and stored at once.</summary>
    public const int Quad = 4;
}

/// <summary>What schemes of three pairs of points have in common.</summary>
internal static class WinogradPoints<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>(x² − p)·(x² − q) for the three neighbouring powers of x² that d0, d1, d2 stand for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Quartic(float p, float q, V d0, V d1, V d2) => S.MultiplyAdd(S.Create(p * q), d0, S.MultiplyAdd(S.Create(-(p + q)), d1, d2));
}
