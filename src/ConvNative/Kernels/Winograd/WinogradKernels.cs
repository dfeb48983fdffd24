using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The transforms and products of one instruction set, for the tiles of a convolution.</summary>
internal readonly unsafe struct WinogradKernels(
    WinogradGrid grid,
    int width,
    int bufferLength,
    bool holdsHalf,
    RowGemm gemm,
    WinogradProducts products,
    WinogradRows? rows,
    WinogradRowSums? rowSums,
    delegate*<float*, in FilterOrder, int, int, float*, nint, nint, void> filter,
    delegate*<int, int, float*, nint, nint, float*, nint, bool, void> filterGradient,
    delegate*<int, int, float*, nint, nint, float*, nint, float*, nint, nint, void> finishGradient,
    delegate*<int, int, float*, nint, float*, nint, nint, void> storeGradient,
    delegate*<float*, float*, nint, void> add,
    WinogradTileKernels whole,
    WinogradTileKernels right,
    WinogradTileKernels bottom,
    WinogradTileKernels corner)
{
    // Fields, where they are used often: a property gives a copy.
    private readonly WinogradTileKernels _whole = whole, _right = right, _bottom = bottom, _corner = corner;

    /// <summary>The tiles.</summary>
    public readonly WinogradGrid Grid = grid;

    /// <summary>The micro-kernels of the products.</summary>
    public readonly RowGemm Gemm = gemm;

    /// <summary>The products of a gradient of few tiles.</summary>
    public readonly WinogradProducts Products = products;

    /// <summary>The products of kernels that are not transformed entirely; null where the registers do not allow them, or the scheme has none.</summary>
    public readonly WinogradRows? Rows = rows;

    /// <summary>The products of a gradient whose sums are short; null where the registers do not allow them, or the scheme has none.</summary>
    public readonly WinogradRowSums? RowSums = rowSums;

    /// <summary>Floats of a vector: channels that are transformed at once.</summary>
    public int Width { get; } = width;

    /// <summary>Floats of the input transform's buffer.</summary>
    public int BufferLength { get; } = bufferLength;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.HoldsHalf"/>
    public bool HoldsHalf { get; } = holdsHalf;

    /// <inheritdoc cref="WinogradFilter{S, V, F}.Transform"/>
    public delegate*<float*, in FilterOrder, int, int, float*, nint, nint, void> Filter { get; } = filter;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Transform"/>
    public delegate*<int, int, float*, nint, nint, float*, nint, bool, void> FilterGradient { get; } = filterGradient;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Finish"/>
    public delegate*<int, int, float*, nint, nint, float*, nint, float*, nint, nint, void> FinishGradient { get; } = finishGradient;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Store"/>
    public delegate*<int, int, float*, nint, float*, nint, nint, void> StoreGradient { get; } = storeGradient;

    /// <inheritdoc cref="PointSums{S, V}.Add"/>
    public delegate*<float*, float*, nint, void> Add { get; } = add;

    /// <summary>Tiles first … first + count, as <see cref="WinogradInput{S, V, FH, FW}.Transform"/> transforms each strip of them.</summary>
    public void Input(in ConvSizes s, long first, int count, float* x, int lanes, float* buffer, float* v, nint productStride, nint tileStride)
    {
        for (long end = first + count; first < end;)
        {
            WinogradStrip strip = Grid.At(first, (int)(end - first));
            Of(strip).Input(s, strip, x, lanes, buffer, v, productStride, tileStride);
            v += strip.Tiles * tileStride;
            first += strip.Tiles;
        }
    }

    /// <summary>Tiles first … first + count, as <see cref="WinogradOutput{S, V, FH, FW}.Transform"/> transforms each strip of them.</summary>
    public void Output(
        in ConvSizes s, long first, int count, float* m, nint productStride, nint tileStride, int lanes, float* y, in TileStore epilogue)
    {
        for (long end = first + count; first < end;)
        {
            WinogradStrip strip = Grid.At(first, (int)(end - first));
            Of(strip).Output(s, strip, m, productStride, tileStride, lanes, y, epilogue);
            m += strip.Tiles * tileStride;
            first += strip.Tiles;
        }
    }

    /// <summary>Tiles first … first + count, as <see cref="WinogradOutputGradient{S, V, FH, FW}.Transform"/> transforms each strip of them.</summary>
    public void OutputGradient(in ConvSizes s, long first, int count, float* dy, int lanes, float* m, nint productStride, nint tileStride)
    {
        for (long end = first + count; first < end;)
        {
            WinogradStrip strip = Grid.At(first, (int)(end - first));
            Of(strip).OutputGradient(s, strip, dy, lanes, m, productStride, tileStride);
            m += strip.Tiles * tileStride;
            first += strip.Tiles;
        }
    }

    /// <summary>Those of tiles first … first + count that have product f, counted from the first.</summary>
    public (int First, int Count) TilesWith(int f, long first, int count)
    {
        if (Grid.IsEven) return (0, count);
        (int row, int column) = Math.DivRem(f, Grid.Reach);
        return TilesWithRow(row, (_right.Columns >> column & 1) != 0, first, count);
    }

    /// <summary>Those of all tiles that have a row of products.</summary>
    public WinogradRowOfTiles TilesWithRow(int row)
    {
        (int whole, int count) = TilesWithRow(row, right: false, 0, (int)Grid.Tiles);
        return new(whole, whole + count, TilesWithRow(row, right: true, 0, (int)Grid.Tiles).Count);
    }

    private (int First, int Count) TilesWithRow(int row, bool right, long first, int count)
    {
        bool bottom = (_bottom.Rows >> row & 1) != 0;
        long from = right ? 0 : Grid.FirstWhole, to = !bottom ? Grid.FirstBottom : right ? Grid.Tiles : Grid.FirstCorner;
        from = Math.Clamp(from - first, 0, count);
        return ((int)from, (int)(Math.Clamp(to - first, from, count) - from));
    }

    private WinogradTileKernels Of(in WinogradStrip strip) => strip.IsBottom ? (strip.IsRight ? _corner : _bottom) : strip.IsRight ? _right : _whole;

    /// <summary>For a convolution without strides, and whole tiles of 4×4 outputs, or of 6×6 where kernels have three taps.</summary>
    public static WinogradKernels For(Isa isa, in ConvSizes s, int tile) => isa switch
    {
        Isa.Avx512 when IsaSelection.MayBeAvx512 => Of<Simd512, Vector512<float>>(new(s, tile)),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(new(s, tile)),
        _ => Of<Simd128, Vector128<float>>(new(s, tile)),
    };

    private static WinogradKernels Of<S, V>(in WinogradGrid grid)
        where S : struct, ISimd<V>
        where V : struct => (grid.Taps, grid.Tile) switch
        {
            (3, 6) => OfRows<S, V, WinogradF6K3<S, V>, WinogradEdgeF2K3<S, V, WinogradEdgeOfF6K3>, WinogradEdgeF4K3<S, V>>(grid),
            (3, _) => OfRows<S, V, WinogradF4K3<S, V>, WinogradEdgeF2K3<S, V, WinogradEdgeOfF4K3>, WinogradF4K3<S, V>>(grid),
            (4, _) => Of<S, V, WinogradF4K4<S, V>, WinogradF4K4<S, V>, WinogradF4K4<S, V>>(grid),
            _ => Of<S, V, WinogradF4K5<S, V>, WinogradF4K5<S, V>, WinogradF4K5<S, V>>(grid),
        };

    private static WinogradKernels OfRows<S, V, F, Edge2, Edge4>(in WinogradGrid grid)
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where Edge2 : struct, IWinogradTile<V>
        where Edge4 : struct, IWinogradTile<V> => grid.BottomRows switch
        {
            0 => OfColumns<S, V, F, Edge2, Edge4, F>(grid),
            2 => OfColumns<S, V, F, Edge2, Edge4, Edge2>(grid),
            _ => OfColumns<S, V, F, Edge2, Edge4, Edge4>(grid),
        };

    private static WinogradKernels OfColumns<S, V, F, Edge2, Edge4, FH>(in WinogradGrid grid)
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where Edge2 : struct, IWinogradTile<V>
        where Edge4 : struct, IWinogradTile<V>
        where FH : struct, IWinogradTile<V> => grid.RightColumns switch
        {
            0 => Of<S, V, F, FH, F>(grid),
            2 => Of<S, V, F, FH, Edge2>(grid),
            _ => Of<S, V, F, FH, Edge4>(grid),
        };

    /// <summary>FH: the rows of the tiles at the bottom; FW: the columns of those at the right.</summary>
    private static WinogradKernels Of<S, V, F, FH, FW>(in WinogradGrid grid)
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where FH : struct, IWinogradTile<V>
        where FW : struct, IWinogradTile<V> =>
        new(
            grid, S.Width, WinogradInput<S, V, F, F>.BufferLength, WinogradFilterGradient<S, V, F>.HoldsHalf, RowGemm.For<S, V>(), WinogradProducts.For<S, V>(),
            RowsOf<S, V, F, FW>(), WinogradFilterGradient<S, V, F>.HoldsHalf ? WinogradRowSums.For<S, V>() : null,
            &WinogradFilter<S, V, F>.Transform, &WinogradFilterGradient<S, V, F>.Transform,
            &WinogradFilterGradient<S, V, F>.Finish, &WinogradFilterGradient<S, V, F>.Store, &PointSums<S, V>.Add,
            WinogradTileKernels.Of<S, V, F, F>(), WinogradTileKernels.Of<S, V, F, FW>(),
            WinogradTileKernels.Of<S, V, FH, F>(), WinogradTileKernels.Of<S, V, FH, FW>());

    private static WinogradRows? RowsOf<S, V, F, FW>()
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V>
        where FW : struct, IWinogradTile<V> => (F.Outputs, F.Taps) switch
        {
            _ when S.Registers < 32 => null,
            (4, 3) => WinogradRows.Of<S, V, FW>(),
            (6, 3) => WinogradRows.OfLargeTiles<S, V, FW>(),
            (4, 5) => WinogradRows.OfFiveTaps<S, V>(),
            _ => null,
        };
}
