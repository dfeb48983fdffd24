namespace ConvNative.Kernels;

/// <summary>
/// The tiles of a convolution's outputs: whole ones of Tile × Tile, and at the right and the bottom of an image, where less is left, tiles of
/// fewer columns and rows, which have fewer products. They are counted over all images, one kind after the other,
/// <code>
/// right, whole, bottom, corner
/// </code>
/// so that those of a range that have a product are neighbours: whole ones have them all, the others those of their rows and columns.
/// </summary>
internal readonly struct WinogradGrid
{
    private readonly int _down, _across;

    /// <param name="s">Sizes of a convolution without strides.</param>
    /// <param name="tile">Outputs of a whole tile in each dimension.</param>
    public WinogradGrid(in ConvSizes s, int tile)
    {
        (Tile, Taps) = (tile, s.KH);
        (_across, RightColumns) = Split(s.OW);
        (_down, BottomRows) = Split(s.OH);
        FirstWhole = RightColumns > 0 ? (long)s.N * _down : 0;
        FirstBottom = FirstWhole + ((long)s.N * _down * _across);
        FirstCorner = FirstBottom + (BottomRows > 0 ? (long)s.N * _across : 0);
        Tiles = FirstCorner + (RightColumns > 0 && BottomRows > 0 ? s.N : 0);
    }

    /// <summary>Outputs of a whole tile in each dimension.</summary>
    public int Tile { get; }

    /// <summary>Taps of a kernel in each dimension.</summary>
    public int Taps { get; }

    /// <summary>Points, and inputs of a whole tile, in each dimension.</summary>
    public int Reach => Tile + Taps - 1;

    /// <summary>Multiplications of a whole tile for each pair of channels: the products that are summed over the input channels.</summary>
    public int Products => Reach * Reach;

    /// <summary>Columns of the tiles at the right; 0: all are whole.</summary>
    public int RightColumns { get; }

    /// <summary>Rows of the tiles at the bottom; 0: all are whole.</summary>
    public int BottomRows { get; }

    /// <summary>Whether all tiles are whole.</summary>
    public bool IsEven => RightColumns == 0 && BottomRows == 0;

    /// <summary>Tiles of all images.</summary>
    public long Tiles { get; }

    /// <summary>How many come before the whole ones.</summary>
    public long FirstWhole { get; }

    /// <summary>Before those at the bottom.</summary>
    public long FirstBottom { get; }

    /// <summary>Before those in the corners.</summary>
    public long FirstCorner { get; }

    /// <summary>Whole tiles with as many products as all tiles have.</summary>
    public double WholeTiles
    {
        get
        {
            double right = (double)(RightColumns + Taps - 1) / Reach, bottom = (double)(BottomRows + Taps - 1) / Reach;
            return (FirstBottom - FirstWhole) + (right * FirstWhole) + (bottom * (FirstCorner - FirstBottom)) + (right * bottom * (Tiles - FirstCorner));
        }
    }

    /// <summary>The strip that begins with tile <paramref name="first"/> and has at most <paramref name="count"/>.</summary>
    public WinogradStrip At(long first, int count)
    {
        if (first < FirstWhole)
        {
            (long n, long row) = Math.DivRem(first, _down);
            return new((int)n, (int)row * Tile, _across * Tile, 1, IsRight: true, IsBottom: false);
        }

        int most = Math.Min(count, MostTiles);
        if (first < FirstBottom)
        {
            (long n, long inImage) = Math.DivRem(first - FirstWhole, _down * _across);
            (int row, int column) = Math.DivRem((int)inImage, _across);
            return new((int)n, row * Tile, column * Tile, Math.Min(_across - column, most), IsRight: false, IsBottom: false);
        }

        if (first < FirstCorner)
        {
            (long n, long column) = Math.DivRem(first - FirstBottom, _across);
            return new((int)n, _down * Tile, (int)column * Tile, Math.Min(_across - (int)column, most), IsRight: false, IsBottom: true);
        }

        return new((int)(first - FirstCorner), _down * Tile, _across * Tile, 1, IsRight: true, IsBottom: true);
    }

    /// <summary>The most columns of a strip: the rows of its input, one vector for each pixel, take half of a first-level cache of 48 KiB.</summary>
    public static int MostColumns(int reach) => 384 / reach;

    private int MostTiles => MostColumns(Reach) / Tile;

    /// <summary>Whole tiles along so many outputs, and how many the one at the end has: an even number.</summary>
    private (int Whole, int Edge) Split(int outputs)
    {
        (int whole, int edge) = Math.DivRem(outputs, Tile);
        edge = BlockSizes.RoundUp(edge, Taps == 3 ? 2 : Tile);
        return edge == Tile ? (whole + 1, 0) : (whole, edge);
    }
}

/// <summary>Tiles that have a row of products, from the first of all on: those at the right, which have fewer columns of it, before and behind the others.</summary>
/// <param name="FirstWhole">The first one that has all columns.</param>
/// <param name="EndOfWhole">Behind the last one that has them.</param>
/// <param name="End">Behind the last one.</param>
internal readonly record struct WinogradRowOfTiles(int FirstWhole, int EndOfWhole, int End);

/// <summary>Neighbouring tiles of one kind in a row of tiles of an image, and the first pixel of their output.</summary>
internal readonly record struct WinogradStrip(int Image, int Row, int Column, int Tiles, bool IsRight, bool IsBottom);
