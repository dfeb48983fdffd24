using System.Runtime.InteropServices;

namespace ConvNative.Kernels;

/// <summary>A run of neighbouring tiles in one row of tiles of one image: the first pixel of its output, and its place in the row buffer.</summary>
internal readonly record struct WinogradSegment(int Image, int Row, int Column, int Tiles, nint Position);

/// <summary>
/// Consecutive tiles of a convolution, counted over all images, rows and columns of tiles, and the buffer between the two halves of
/// their transforms. One half runs along whole rows of pixels, the other has one tile in each lane, so that lanes are full however
/// short the rows are:
/// <code>
/// x rows ──vertical half──►  6 buffer rows  ──6 columns of each tile──►  V        M ──►  6 buffer rows  ──vertical half──►  y rows
/// </code>
/// A buffer row holds each segment's 4·Tiles + 2 columns with a gap behind it, which takes what whole vectors spill (always zeros).
/// Lanes without a tile lie behind all segments.
/// </summary>
internal unsafe struct WinogradBlock
{
    /// <summary>Row buffer: <see cref="WinogradF4K3.Reach"/> rows, <see cref="RowLength"/> apart.</summary>
    public float* Rows;

    public nint RowLength;

    /// <summary>What a row outside the image is read from.</summary>
    public float* Zeros;

    /// <summary>Where a row outside the image is written to.</summary>
    public float* Dump;

    /// <summary>Tiles, rounded up to whole vectors.</summary>
    public int Lanes;

    /// <summary>First column of each lane's tile in the first buffer row.</summary>
    public float** Tiles;

    public WinogradSegment* Segments;

    public int SegmentCount;

    /// <summary>Finds the segments of tiles [first, first + count) and clears the buffer.</summary>
    public static WinogradBlock At(in WinogradBuffer buffer, in ConvSizes s, float* memory, long first, int count)
    {
        WinogradBlock block = buffer.In(memory);
        int across = WinogradTiles.Across(s), image = WinogradTiles.Image(s), gap = WinogradBuffer.Gap(buffer.Width);
        float* position = block.Rows;
        int tile = 0;
        while (tile < count)
        {
            (long n, long inImage) = Math.DivRem(first + tile, image);
            (int row, int column) = Math.DivRem((int)inImage, across);
            int tiles = Math.Min(across - column, count - tile);
            block.Segments[block.SegmentCount++] =
                new((int)n, row * WinogradF4K3.Tile, column * WinogradF4K3.Tile, tiles, (nint)(position - block.Rows));
            for (int i = 0; i < tiles; i++, position += WinogradF4K3.Tile) block.Tiles[tile++] = position;
            position += gap;
        }

        block.Lanes = BlockSizes.RoundUp(count, buffer.Width);
        for (; tile < block.Lanes; tile++) block.Tiles[tile] = position;
        NativeMemory.Clear(block.Rows, (nuint)(WinogradF4K3.Reach * block.RowLength * sizeof(float)));
        NativeMemory.Clear(block.Zeros, (nuint)(buffer.EdgeLength * sizeof(float)));
        return block;
    }
}

/// <summary>How many tiles there are.</summary>
internal static class WinogradTiles
{
    /// <summary>Tiles in a row.</summary>
    public static int Across(in ConvSizes s) => BlockSizes.CeilDiv(s.OW, WinogradF4K3.Tile);

    /// <summary>Tiles in an image.</summary>
    public static int Image(in ConvSizes s) => Across(s) * BlockSizes.CeilDiv(s.OH, WinogradF4K3.Tile);
}

/// <summary>Memory of a <see cref="WinogradBlock"/> of at most so many tiles, for vectors of <paramref name="Width"/> floats.</summary>
internal readonly unsafe record struct WinogradBuffer(int Tiles, int Across, int Width)
{
    private const int Alignment = 16;

    private int Segments => Math.Min(Tiles, BlockSizes.CeilDiv(Tiles - 1, Across) + 1);

    private int Lanes => BlockSizes.RoundUp(Tiles, Width);

    private int RowLength => BlockSizes.RoundUp((Tiles * WinogradF4K3.Tile) + ((Segments + 1) * Gap(Width)), Alignment);

    /// <summary>Length of the rows that stand for those outside the image.</summary>
    public int EdgeLength => BlockSizes.RoundUp((Math.Min(Tiles, Across) * WinogradF4K3.Tile) + Gap(Width), Alignment);

    private int TableLength => BlockSizes.RoundUp(((Lanes * sizeof(float*)) + (Segments * sizeof(WinogradSegment))) / sizeof(float), Alignment);

    /// <summary>Floats in all, a multiple of a cache line.</summary>
    public long Length => ((long)WinogradF4K3.Reach * RowLength) + (2 * EdgeLength) + TableLength;

    /// <summary>Floats between segments: two columns that reach beyond the last tile, and a vector's spill.</summary>
    public static int Gap(int width) => WinogradF4K3.Reach - WinogradF4K3.Tile + width;

    /// <summary>An empty block in <see cref="Length"/> floats.</summary>
    public WinogradBlock In(float* memory)
    {
        float* zeros = memory + ((nint)WinogradF4K3.Reach * RowLength), table = zeros + (2 * EdgeLength);
        return new()
        {
            Rows = memory,
            RowLength = RowLength,
            Zeros = zeros,
            Dump = zeros + EdgeLength,
            Tiles = (float**)table,
            Segments = (WinogradSegment*)((float**)table + Lanes),
        };
    }
}
