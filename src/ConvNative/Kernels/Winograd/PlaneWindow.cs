using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Some rows and columns of the planes of a vector's channels, side by side. Planes of 32², 64² or 224² pixels are whole pages: they have one place in L1, which holds
/// fewer lines than a vector has channels, so that each line would be fetched anew for every four of its columns.
/// <code>[plane][row][column]; rows are whole lines, planes an odd number of them</code>
/// </summary>
internal static unsafe class PlaneWindow<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Whether planes of so many pixels push each other out of L1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Pays(long pixels) => CacheSizes.Machine.Collide(S.Width, sizeof(float) * pixels);

    /// <summary>How many of so many rows are asked for ahead: all, where the planes are too large to be near (measured on Zen 5: of 1 MB they are 2 to 5 % slower then).</summary>
    public static int Ahead(int rows, long bytes) => bytes > 5L * CacheSizes.Machine.L2 ? rows : 0;

    /// <summary>Floats from a row to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Row(int columns) => BlockSizes.RoundUp(columns, Prefetch.Line);

    /// <summary>Floats from a plane to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Plane(int rows, int columns) => ((rows * Row(columns) / Prefetch.Line) | 1) * Prefetch.Line;

    /// <summary>Floats of all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Length(int rows, int columns) => (int)(S.Width * Plane(rows, columns));

    /// <summary>
    /// window[i][r][j] = planes[i][r][j] for the rows from <paramref name="first"/> to before <paramref name="end"/>; lanes whose channel does not exist repeat the last one.
    /// So many rows after them are asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static PlaneRows Read(in PlaneRows planes, int lanes, int rows, int first, int end, int columns, int ahead, float* window)
    {
        nint stride = planes.RowStride, row = Row(columns), plane = Plane(rows, columns);
        for (int i = 0; ahead > 0 && i < lanes; i++) Ask(planes.First + (i * planes.Pitch) + (end * stride), stride, ahead, columns);
        for (int i = 0; i < S.Width; i++)
        {
            float* from = planes.First + (Math.Min(i, lanes - 1) * planes.Pitch) + (first * stride), to = window + (i * plane) + (first * row);
            for (int r = first; r < end; r++, from += stride, to += row)
            {
                int j = 0;
                for (; j <= columns - S.Width; j += S.Width) S.Store(to + j, S.Load(from + j));
                if (j < columns) S.Store(to + j, S.LoadPartial(from + j, columns - j));
            }
        }

        return new(window, plane, row);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Ask(float* row, nint stride, int rows, int columns)
    {
        for (; rows > 0; rows--, row += stride)
        {
            for (int j = 0; j < columns; j += Prefetch.Line) Prefetch.ToL2(row + j);
            Prefetch.ToL2(row + columns - 1);
        }
    }

    /// <summary>
    /// y[i·pixels + r·stride + j] = window[i][r][j],   i &lt; lanes, r &lt; rows, j &lt; columns; the window has room for mostRows × mostColumns. So many rows after
    /// these are asked for. Streams: whole lines go past the caches, and all rows of y begin at the same place in a line.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* window, int mostRows, int mostColumns, int lanes, int rows, int columns, float* y, nint pixels, nint stride, bool streams, int ahead)
    {
        nint row = Row(mostColumns), plane = Plane(mostRows, mostColumns);
        int lead = streams ? Math.Min(columns, (int)(-((nint)y / sizeof(float)) & (Prefetch.Line - 1))) : 0;
        for (int i = 0; i < lanes; i++, window += plane, y += pixels)
        {
            if (ahead > 0) Ask(y + (rows * stride), stride, ahead, columns);
            if (streams) StreamRows(window, row, rows, lead, columns, y, stride);
            else WriteRows(window, row, rows, columns, y, stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteRows(float* from, nint row, int rows, int columns, float* to, nint stride)
    {
        for (int r = 0; r < rows; r++, from += row, to += stride)
        {
            int j = 0;
            for (; j <= columns - S.Width; j += S.Width) S.Store(to + j, S.Load(from + j));
            if (j < columns) S.StorePartial(to + j, S.Load(from + j), columns - j);
        }
    }

    /// <summary>The first columns, up to where a line begins, apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StreamRows(float* from, nint row, int rows, int lead, int columns, float* to, nint stride)
    {
        for (int r = 0; r < rows; r++, from += row, to += stride)
        {
            int j = lead;
            if (lead > 0) Part(from, to, lead);
            for (; j <= columns - S.Width; j += S.Width) S.StoreLine(to + j, S.Load(from + j));
            if (j < columns) Part(from + j, to + j, columns - j);
        }
    }

    /// <summary>Less than a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Part(float* from, float* to, int count)
    {
        for (; count > 0; count -= S.Width, from += S.Width, to += S.Width)
        {
            int some = Math.Min(count, S.Width);
            S.StorePartial(to, S.LoadPartial(from, some), some);
        }
    }
}
