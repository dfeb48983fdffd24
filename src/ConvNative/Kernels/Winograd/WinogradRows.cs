using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Products from kernels of which only the columns are transformed: G·g, three or five numbers for a row of products instead of the six or eight of U = (G·g)·Gᵀ. Each row
/// makes these in registers, in <see cref="WinogradF4K3{S, V}"/> by one multiply-add and six additions beside the 24 multiply-adds of four tiles, so that no U is
/// written and read again. Of many tiles, that U is made once pays for it.
/// </summary>
/// <param name="filter">G·g.</param>
/// <param name="whole">Tiles that have all products of a row, or half of them.</param>
/// <param name="others">Their other half; null: there is none.</param>
/// <param name="edge">Tiles at the right; null: all are whole.</param>
internal readonly unsafe struct WinogradRows(
    delegate*<float*, in FilterOrder, int, int, float*, nint, void> filter, WinogradRowTiles whole, WinogradRowTiles? others, WinogradRowTiles? edge)
{
    /// <inheritdoc cref="WinogradFilter{S, V, F}.TransformColumns"/>
    public delegate*<float*, in FilterOrder, int, int, float*, nint, void> Filter { get; } = filter;

    /// <summary>A row of products of all tiles of a convolution for a vector of output channels, as <see cref="WinogradRowTile{S, V, F, P, N}.Run"/> computes it.</summary>
    public void Multiply(
        in WinogradKernels kernels, int row, nint K, float* columns, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        (int first, int count) = kernels.TilesWithRow(row, ofRight: false);
        (int edgeFirst, int all) = kernels.TilesWithRow(row, ofRight: true);
        int end = first + count;
        edge?.Run(first - edgeFirst, K, columns, v + (edgeFirst * vRow), vStride, vRow, m + (edgeFirst * mRow), mStride, mRow, add);
        whole.Run(count, K, columns, v + (first * vRow), vStride, vRow, m + (first * mRow), mStride, mRow, add);
        others?.Run(count, K, columns, v + (first * vRow), vStride, vRow, m + (first * mRow), mStride, mRow, add);
        edge?.Run(edgeFirst + all - end, K, columns, v + (end * vRow), vStride, vRow, m + (end * mRow), mStride, mRow, add);
    }

    /// <summary>Of <see cref="WinogradF4K3{S, V}"/>, for tiles at the right with the points of <typeparamref name="E"/>.</summary>
    public static WinogradRows Of<S, V, E>()
        where S : struct, ISimd<V>
        where V : struct
        where E : struct, IWinogradTile<V> => new(
            &WinogradFilter<S, V, WinogradF4K3<S, V>>.TransformColumns, WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, WinogradF4K3<S, V>>(), null,
            WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, E>());

    /// <summary>Of <see cref="WinogradF4K5{S, V}"/>, whose tiles are all whole.</summary>
    public static WinogradRows OfFiveTaps<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            &WinogradFilter<S, V, WinogradF4K5<S, V>>.TransformColumns, WinogradRowTiles.Of<S, V, WinogradF4K5<S, V>, WinogradUnitPoints>(),
            WinogradRowTiles.Of<S, V, WinogradF4K5<S, V>, WinogradOtherPoints>(), null);
}

/// <summary>0, ±1 and ∞ of eight points, which need no multiplication in Gᵀ: all eight of four tiles have no registers.</summary>
internal readonly struct WinogradUnitPoints : IWinogradPoints
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point is 0 or 3 or 4 or 7;
}

/// <summary>The other half.</summary>
internal readonly struct WinogradOtherPoints : IWinogradPoints
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => !WinogradUnitPoints.Has(point);
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

    public static WinogradRowTiles Of<S, V, F, P>()
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where P : struct, IWinogradPoints => new(
            &WinogradRowTile<S, V, F, P, One>.Run, &WinogradRowTile<S, V, F, P, Two>.Run, &WinogradRowTile<S, V, F, P, Three>.Run, &WinogradRowTile<S, V, F, P, Four>.Run);
}
