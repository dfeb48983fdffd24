namespace ConvNative.Kernels;

/// <summary>
/// Neighbouring tiles in one row of tiles of one image: the first pixel of their output, and how many they are. Tiles are counted over
/// all images, rows and columns of tiles.
/// </summary>
internal readonly record struct WinogradStrip(int Image, int Row, int Column, int Tiles)
{
    /// <summary>The most columns of a strip: the rows of its input, one vector for each pixel, take half of a first-level cache of 48 KiB.</summary>
    public static int MostColumns(int reach) => 384 / reach;

    /// <summary>The strip that begins with tile <paramref name="first"/> and has at most <paramref name="count"/>.</summary>
    public static WinogradStrip At(in ConvSizes s, long first, int count)
    {
        const int Tile = WinogradPoints.Tile;
        int across = BlockSizes.CeilDiv(s.OW, Tile);
        (long n, long inImage) = Math.DivRem(first, InImage(s));
        (int row, int column) = Math.DivRem((int)inImage, across);
        return new((int)n, row * Tile, column * Tile, Math.Min(Math.Min(across - column, count), MostColumns(WinogradPoints.Reach(s.KH)) / Tile));
    }

    /// <summary>Tiles in an image.</summary>
    public static int InImage(in ConvSizes s) => BlockSizes.CeilDiv(s.OW, WinogradPoints.Tile) * BlockSizes.CeilDiv(s.OH, WinogradPoints.Tile);
}
