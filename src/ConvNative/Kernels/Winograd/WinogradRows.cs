using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Products from kernels of which only the columns are transformed: G·g, three or five numbers for a row of products instead of the six or eight of U = (G·g)·Gᵀ. Each row
/// makes these in registers, in <see cref="WinogradF4K3{S, V}"/> by one multiply-add and six additions, so that no U is written and read again. Of many tiles, that U is
/// made once pays for it.
/// </summary>
/// <param name="filter">G·g.</param>
/// <param name="one">Of one vector of output channels.</param>
/// <param name="two">Of two; default: there are none.</param>
internal readonly unsafe struct WinogradRows(
    delegate*<float*, in FilterOrder, int, int, float*, nint, void> filter, WinogradRowParts one, WinogradRowParts two)
{
    /// <summary>About so many points of a tile are multiplied at once.</summary>
    public const int PointsAtOnce = 4;

    // Fields: a property gives a copy.
    private readonly WinogradRowParts _one = one, _two = two;

    /// <inheritdoc cref="WinogradFilter{S, V, F}.TransformColumns"/>
    public delegate*<float*, in FilterOrder, int, int, float*, nint, void> Filter { get; } = filter;

    /// <summary>The most vectors of output channels at once.</summary>
    public int Vectors => _two.First.Most > 0 ? 2 : 1;

    /// <summary>
    /// A row of products of all tiles of a convolution for one vector of output channels, or as many as <see cref="Vectors"/>, as
    /// <see cref="WinogradRowTile{S, V, F, P, N, M}.Run"/> computes it.
    /// </summary>
    public void Multiply(
        in WinogradKernels kernels, int row, nint K, int vectors, float* columns, nint columnsStride, float* v, nint vStride, nint vRow,
        float* m, nint mStride, nint mRow, bool add)
    {
        (int first, int end, int edgeEnd) = kernels.TilesWithRow(row);
        int count = end - first;
        ref readonly WinogradRowParts parts = ref Parts(this, vectors);
        parts.Edge.Run(first, K, columns, columnsStride, v, vStride, vRow, m, mStride, mRow, add);
        float* wholeV = v + (first * vRow), wholeM = m + (first * mRow);
        parts.First.Run(count, K, columns, columnsStride, wholeV, vStride, vRow, wholeM, mStride, mRow, add);
        parts.Second.Run(count, K, columns, columnsStride, wholeV, vStride, vRow, wholeM, mStride, mRow, add);
        parts.Third.Run(count, K, columns, columnsStride, wholeV, vStride, vRow, wholeM, mStride, mRow, add);
        parts.Fourth.Run(count, K, columns, columnsStride, wholeV, vStride, vRow, wholeM, mStride, mRow, add);
        parts.Edge.Run(edgeEnd - end, K, columns, columnsStride, v + (end * vRow), vStride, vRow, m + (end * mRow), mStride, mRow, add);
    }

    /// <summary>Of <see cref="WinogradF4K3{S, V}"/>, for tiles at the right with the points of <typeparamref name="E"/>.</summary>
    public static WinogradRows Of<S, V, E>()
        where S : struct, ISimd<V>
        where V : struct
        where E : struct, IWinogradTile<V> => new(
            &WinogradFilter<S, V, WinogradF4K3<S, V>>.TransformColumns,
            new(
                WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, E, One>(),
                WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, WinogradF4K3<S, V>, One>()),
            new(
                WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, E, Two>(),
                WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, WinogradThreePoints<Zero>, Two>(),
                WinogradRowTiles.Of<S, V, WinogradF4K3<S, V>, WinogradThreePoints<Three>, Two>()));

    /// <summary>Of <see cref="WinogradF6K3{S, V}"/>, likewise.</summary>
    public static WinogradRows OfLargeTiles<S, V, E>()
        where S : struct, ISimd<V>
        where V : struct
        where E : struct, IWinogradTile<V> => new(
            &WinogradFilter<S, V, WinogradF6K3<S, V>>.TransformColumns,
            new(
                WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, E, One>(),
                WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, WinogradF6K3<S, V>, One>()),
            new(
                WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, E, Two>(),
                WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, WinogradEnds, Two>(), WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, WinogradPair<One>, Two>(),
                WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, WinogradPair<Three>, Two>(), WinogradRowTiles.Of<S, V, WinogradF6K3<S, V>, WinogradPair<Five>, Two>()));

    /// <summary>Of <see cref="WinogradF4K5{S, V}"/>, whose tiles are all whole.</summary>
    public static WinogradRows OfFiveTaps<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            &WinogradFilter<S, V, WinogradF4K5<S, V>>.TransformColumns,
            new(
                default,
                WinogradRowTiles.Of<S, V, WinogradF4K5<S, V>, WinogradUnitPoints, One>(), WinogradRowTiles.Of<S, V, WinogradF4K5<S, V>, WinogradOtherPoints, One>()),
            default);

    private static ref readonly WinogradRowParts Parts(in WinogradRows rows, int vectors) => ref vectors == 1 ? ref rows._one : ref rows._two;
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

/// <summary>Three points that follow each other: a pair ±p, and 0 before or ∞ behind it.</summary>
internal readonly struct WinogradThreePoints<First> : IWinogradPoints
    where First : struct, ICount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point >= First.Value && point < First.Value + 3;
}

/// <summary>A pair ±p.</summary>
internal readonly struct WinogradPair<First> : IWinogradPoints
    where First : struct, ICount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point == First.Value || point == First.Value + 1;
}

/// <summary>0 and ∞ of eight points.</summary>
internal readonly struct WinogradEnds : IWinogradPoints
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point is 0 or 7;
}

/// <summary>How a row is computed: tiles at the right at once, the points of whole tiles some at a time, as many as have registers.</summary>
/// <param name="edge">Tiles at the right; default: all are whole.</param>
/// <param name="first">Whole tiles.</param>
/// <param name="second">The same, other points; default: there are none.</param>
/// <param name="third">Likewise.</param>
/// <param name="fourth">Likewise.</param>
internal readonly struct WinogradRowParts(
    WinogradRowTiles edge, WinogradRowTiles first, WinogradRowTiles second = default, WinogradRowTiles third = default, WinogradRowTiles fourth = default)
{
    public readonly WinogradRowTiles Edge = edge, First = first, Second = second, Third = third, Fourth = fourth;
}

/// <summary>The micro-kernels of 1 to 6 tiles; by default none, which compute nothing.</summary>
/// <param name="most">Tiles that are multiplied at once.</param>
/// <param name="one">Of one.</param>
/// <param name="two">Of two.</param>
/// <param name="three">Of three.</param>
/// <param name="four">Of four.</param>
/// <param name="five">Of five.</param>
/// <param name="six">Of six.</param>
internal readonly unsafe struct WinogradRowTiles(
    int most,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> one,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> two,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> three,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> four,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> five,
    delegate*<nint, float*, nint, float*, nint, nint, float*, nint, nint, bool, void> six)
{
    // Of 32 registers; the others hold kernels and a number of V.
    private const int MostSums = 24;

    /// <summary>Tiles that are multiplied at once.</summary>
    public int Most { get; } = most;

    /// <summary>Any number of tiles, in parts as equal as can be.</summary>
    public void Run(
        int tiles, nint K, float* columns, nint columnsStride, float* v, nint vStride, nint vRow, float* m, nint mStride, nint mRow, bool add)
    {
        if (Most == 0) return;
        while (tiles > 0)
        {
            int count = BlockSizes.CeilDiv(tiles, BlockSizes.CeilDiv(tiles, Most));
            var kernel = count switch { 1 => one, 2 => two, 3 => three, 4 => four, 5 => five, _ => six };
            kernel(K, columns, columnsStride, v, vStride, vRow, m, mStride, mRow, add);
            v += count * vRow;
            m += count * mRow;
            tiles -= count;
        }
    }

    /// <summary>Those that have registers: what is known when this is compiled leaves the others out of a program that is compiled before it runs.</summary>
    public static WinogradRowTiles Of<S, V, F, P, M>()
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where P : struct, IWinogradPoints
        where M : struct, ICount => new(
            MostOf<V, F, P, M>(),
            &WinogradRowTile<S, V, F, P, One, M>.Run,
            MostOf<V, F, P, M>() >= 2 ? &WinogradRowTile<S, V, F, P, Two, M>.Run : null,
            MostOf<V, F, P, M>() >= 3 ? &WinogradRowTile<S, V, F, P, Three, M>.Run : null,
            MostOf<V, F, P, M>() >= 4 ? &WinogradRowTile<S, V, F, P, Four, M>.Run : null,
            MostOf<V, F, P, M>() >= 5 ? &WinogradRowTile<S, V, F, P, Five, M>.Run : null,
            MostOf<V, F, P, M>() >= 6 ? &WinogradRowTile<S, V, F, P, Six, M>.Run : null);

    /// <summary>Tiles whose sums have registers; five taps and what is made of them take more of these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int MostOf<V, F, P, M>()
        where V : struct
        where F : struct, IWinogradScheme<V>
        where P : struct, IWinogradPoints
        where M : struct, ICount => Math.Min(F.Taps > 3 ? 4 : 6, MostSums / (M.Value * PointsOf<P>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PointsOf<P>()
        where P : struct, IWinogradPoints =>
        Count(P.Has(0)) + Count(P.Has(1)) + Count(P.Has(2)) + Count(P.Has(3)) + Count(P.Has(4)) + Count(P.Has(5)) + Count(P.Has(6)) + Count(P.Has(7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Count(bool has) => has ? 1 : 0;
}
