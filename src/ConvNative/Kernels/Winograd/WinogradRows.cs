using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The products of <see cref="WinogradF4K3{S, V}"/> from kernels of which only the columns are transformed: G·g, three numbers for a row of products instead of the
/// six of U = (G·g)·Gᵀ. Each row makes these in registers, by one multiply-add and six additions beside the 24 multiply-adds of four tiles, so that no U is
/// written and read again. Of many tiles, that U is made once pays for it.
/// </summary>
/// <param name="filter">G·g.</param>
/// <param name="whole">Tiles that have all products of a row.</param>
/// <param name="edge">Those at the right.</param>
internal readonly unsafe struct WinogradRows(
    delegate*<float*, in FilterOrder, int, int, float*, nint, void> filter, WinogradRowTiles whole, WinogradRowTiles edge)
{
    /// <summary>Columns of G·g.</summary>
    public const int Taps = 3;

    /// <inheritdoc cref="WinogradFilter{S, V, F}.TransformColumns"/>
    public delegate*<float*, in FilterOrder, int, int, float*, nint, void> Filter { get; } = filter;

    /// <summary>Floats of a row of G·g for a vector of output channels and so many input channels.</summary>
    public static nint LengthOf(int width, int K) => (nint)K * Taps * width;

    /// <summary>A row of products of all tiles of a convolution for a vector of output channels, as <see cref="WinogradRowTile{S, V, E, N}.Run"/> computes it.</summary>
    public void Multiply(
        in WinogradKernels kernels, int row, nint K, float* columns, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        (int first, int count) = kernels.TilesWithRow(row, ofRight: false);
        (int edgeFirst, int all) = kernels.TilesWithRow(row, ofRight: true);
        int end = first + count;
        edge.Run(first - edgeFirst, K, columns, v + (edgeFirst * vRow), vStride, vRow, m + (edgeFirst * mRow), mStride, mRow, add);
        whole.Run(count, K, columns, v + (first * vRow), vStride, vRow, m + (first * mRow), mStride, mRow, add);
        edge.Run(edgeFirst + all - end, K, columns, v + (end * vRow), vStride, vRow, m + (end * mRow), mStride, mRow, add);
    }

    /// <summary>For tiles at the right with the points of <typeparamref name="E"/>.</summary>
    public static WinogradRows Of<S, V, E>()
        where S : struct, ISimd<V>
        where V : struct
        where E : struct, IWinogradTile<V> =>
        new(&WinogradFilter<S, V, WinogradF4K3<S, V>>.TransformColumns, WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>>(), WinogradRowTiles.Of<S, V, E>());
}

/// <summary>The micro-kernels of 1 to 4 tiles.</summary>
/// <param name="one">Of one.</param>
/// <param name="two">Of two.</param>
/// <param name="three">Of three.</param>
/// <param name="four">Of four.</param>
internal readonly unsafe struct WinogradRowTiles(
    delegate*<nint, float*, float*, nint, nint, float*, nint, nint, bool, void> one,
    delegate*<nint, float*, float*, nint, nint, float*, nint, nint, bool, void> two,
    delegate*<nint, float*, float*, nint, nint, float*, nint, nint, bool, void> three,
    delegate*<nint, float*, float*, nint, nint, float*, nint, nint, bool, void> four)
{
    /// <summary>Tiles that are multiplied at once.</summary>
    public const int Most = 4;

    /// <summary>Any number of tiles, in parts as equal as can be.</summary>
    public void Run(int tiles, nint K, float* columns, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        while (tiles > 0)
        {
            int count = BlockSizes.CeilDiv(tiles, BlockSizes.CeilDiv(tiles, Most));
            var kernel = count switch { 1 => one, 2 => two, 3 => three, _ => four };
            kernel(K, columns, v, vStride, vRow, m, mStride, mRow, add);
            v += count * vRow;
            m += count * mRow;
            tiles -= count;
        }
    }

    public static WinogradRowTiles Of<S, V, E>()
        where S : struct, ISimd<V>
        where V : struct
        where E : struct, IWinogradTile<V> => new(
            &WinogradRowTile<S, V, E, One>.Run, &WinogradRowTile<S, V, E, Two>.Run, &WinogradRowTile<S, V, E, Three>.Run, &WinogradRowTile<S, V, E, Four>.Run);
}
