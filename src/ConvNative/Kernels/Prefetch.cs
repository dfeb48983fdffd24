using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Kernels;

/// <summary>Hints for rows that lie far apart: the hardware's prefetcher does not see where the next one begins.</summary>
internal static unsafe class Prefetch
{
    /// <summary>Floats in a cache line.</summary>
    public const int Line = 64 / sizeof(float);

    /// <summary>Brings the line at p near, where the machine can be asked to; any address is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToL1(float* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p);
    }

    /// <summary>The same, not nearer than L2: for what is needed later, and for what L1 has no room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToL2(float* p)
    {
        if (Sse.IsSupported) Sse.Prefetch1(p);
    }

    /// <summary>To L2 where it is far ahead, else to L1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void To(bool isFar, float* p)
    {
        if (isFar) ToL2(p);
        else ToL1(p);
    }

    /// <summary>
    /// A line of a tile of C, another one for each of 4 × rows successive k: C is written, or added to, after the last k, and may be far away till then. One
    /// at a time: all at once they hold up what is read for the products. Row by row: in steps of ldc the processor would go on beyond the tile, into rows
    /// that another thread writes. Rows are few and a power of two, columns at most 4 lines.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OfTile(float* c, nint ldc, nuint k, uint rows, int columns) =>
        ToL1(c + ((nint)(k / 4 % rows) * ldc) + Math.Min((nint)(k % 4) * Line, columns - 1));

    /// <summary>
    /// So many rows of each plane, for a loop over quads of columns: four neighbouring quads together ask for a line of each row.
    /// <paramref name="p"/> is the place of <paramref name="column"/> in the first of the rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Band(float* p, nint pitch, int count, nint rowStride, int rows, int column)
    {
        int row = column / 4 % 4;
        for (p += row * (rowStride - 4); row < rows; row += 4, p += 4 * rowStride) Rows(p, pitch, count);
    }

    /// <summary>The lines of so many rows that stand <paramref name="pitch"/> floats apart, and of up to three more: they are asked for by fours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rows(float* p, nint pitch, int count)
    {
        nint two = 2 * pitch, three = 3 * pitch, four = 4 * pitch;
        for (; count > 0; count -= 4, p += four)
        {
            ToL1(p);
            ToL1(p + pitch);
            ToL1(p + two);
            ToL1(p + three);
        }
    }
}

/// <summary>
/// Places to ask for while tiles are computed, one for each k: the first is Start, each next one Step further, and Jump more after every Count
/// of them. The next tile begins TileStep after this one's Start.
/// </summary>
internal unsafe struct PrefetchWalk
{
    public float* Start;
    public nint Step;
    public nint Count;
    public nint Jump;
    public nint TileStep;

    /// <summary>Where a tile begins.</summary>
    public readonly float* StartOf(int tile) => Start + (tile * TileStep);
}
