namespace ConvNative.Kernels;

/// <summary>
/// Neighbouring tiles in one row of tiles of one image: the first pixel of their output, and how many they are. Tiles are counted over
/// all images, rows and columns of tiles.
/// </summary>
internal readonly record struct WinogradStrip(int Image, int Row, int Column, int Tiles)
{
    /// <summary>The most columns of a strip: six rows of its input, one vector for each pixel, take half of a first-level cache of 48 KiB.</summary>
    public const int MostColumns = 64;

    /// <summary>The strip that begins with tile <paramref name="first"/> and has at most <paramref name="count"/>.</summary>
    public static WinogradStrip At(in ConvSizes s, long first, int count)
    {
        int tile = WinogradPoints.Tile(s.KH), across = BlockSizes.CeilDiv(s.OW, tile);
        (long n, long inImage) = Math.DivRem(first, InImage(s));
        (int row, int column) = Math.DivRem((int)inImage, across);
        return new((int)n, row * tile, column * tile, Math.Min(Math.Min(across - column, count), MostColumns / tile));
    }

    /// <summary>Tiles in an image.</summary>
    public static int InImage(in ConvSizes s)
    {
        int tile = WinogradPoints.Tile(s.KH);
        return BlockSizes.CeilDiv(s.OW, tile) * BlockSizes.CeilDiv(s.OH, tile);
    }
}
