using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// dw of a gradient by <see cref="WinogradF4K3{S, V}"/> whose products are sums of few terms. Those of a row of points and some pairs of channels go through G in
/// registers, so that three numbers are written where the products of many pairs would be six, written to L2 and read again in the time of their sums.
/// </summary>
/// <param name="width">Floats of a vector.</param>
/// <param name="one">A row of points, for one vector of columns.</param>
/// <param name="two">For two.</param>
/// <param name="finish">What is left of the transform.</param>
internal readonly unsafe struct WinogradRowSums(
    int width,
    delegate*<int, in WinogradRowOfTiles, float*, nint, float*, float*, void> one,
    delegate*<int, in WinogradRowOfTiles, float*, nint, float*, float*, void> two,
    delegate*<int, int, float*, float*, nint, nint, void> finish)
{
    /// <summary>Points of a row, and rows.</summary>
    public const int Points = 6;

    /// <summary>Vectors of a panel of columns.</summary>
    public const int Vectors = 2;

    /// <summary>Rows of a panel, but for the last one (measured on Zen 5 with 4 to 16 tiles: 16, 32, 48 and 128 have 0.94 to 1.00 of the speed).</summary>
    public const int Rows = 64;

    private const int Taps = 3;

    /// <summary>Floats of m·G, of so many rows in whole vectors.</summary>
    public int LengthOf(int rows) => rows * Vectors * Points * Taps * width;

    /// <summary>
    /// <code>
    /// m[i, j] = Σₜ a[(36·t + 6·i + j)·aRow + row]·b[(36·t + 6·i + j)·bRow + column]     t: the tiles that have this product
    /// dw[row·dwRow + column·dwColumn + 3·u + v] = (Gᵀ·m·G)[u, v]                        row &lt; rows, column &lt; columns
    /// </code>
    /// </summary>
    /// <param name="kernels">Of these tiles.</param>
    /// <param name="rows">At most <see cref="Rows"/>.</param>
    /// <param name="columns">At most <see cref="Vectors"/> vectors.</param>
    /// <param name="a">A panel of rows.</param>
    /// <param name="aRow">Its rows, in whole vectors.</param>
    /// <param name="b">A panel of columns; bRow are these in whole vectors.</param>
    /// <param name="half"><see cref="LengthOf"/> floats for m·G.</param>
    /// <param name="dw">The first pair's taps.</param>
    /// <param name="dwRow">Floats between rows of dw.</param>
    /// <param name="dwColumn">Floats between columns.</param>
    public void Multiply(
        in WinogradKernels kernels, int rows, int columns, float* a, nint aRow, float* b, float* half, float* dw, nint dwRow, nint dwColumn)
    {
        int vectors = BlockSizes.CeilDiv(columns, width);
        for (int i = 0; i < Points; i++)
        {
            WinogradRowOfTiles tiles = kernels.TilesWithRow(i);
            (vectors == 1 ? one : two)(rows, tiles, a + (i * Points * aRow), aRow, b + (i * Points * vectors * width), half + (i * Taps * width));
        }

        finish(rows, columns, half, dw, dwRow, dwColumn);
    }

    public static WinogradRowSums For<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            S.Width,
            &WinogradRowSumsTile<S, V, Eight, One>.Run, &WinogradRowSumsTile<S, V, Four, Two>.Run, &WinogradFilterGradient<S, V, WinogradF4K3<S, V>>.FinishRows);
}
