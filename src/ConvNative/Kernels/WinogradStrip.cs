namespace ConvNative.Kernels;

/// <summary>
/// Neighbouring tiles in one row of tiles of one image: the first pixel of their output, and how many they are. Tiles are counted over
/// all images, rows and columns of tiles.
/// </summary>
internal readonly record struct WinogradStrip(int Image, int Row, int Column, int Tiles)
{
    /// <summary>The most tiles of a strip: six rows of its input, one vector for each pixel, take half of a first-level cache of 48 KiB.</summary>
    public const int MostTiles = 16;

    /// <summary>The strip that begins with tile <paramref name="first"/> and has at most <paramref name="count"/>.</summary>
    public static WinogradStrip At(in ConvSizes s, long first, int count)
    {
        int across = Across(s);
        (long n, long inImage) = Math.DivRem(first, InImage(s));
        (int row, int column) = Math.DivRem((int)inImage, across);
        return new((int)n, row * WinogradF4K3.Tile, column * WinogradF4K3.Tile, Math.Min(Math.Min(across - column, count), MostTiles));
    }

    /// <summary>Tiles in an image.</summary>
    public static int InImage(in ConvSizes s) => Across(s) * BlockSizes.CeilDiv(s.OH, WinogradF4K3.Tile);

    /// <summary>Tiles in a row.</summary>
    private static int Across(in ConvSizes s) => BlockSizes.CeilDiv(s.OW, WinogradF4K3.Tile);
}
