using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Copies rows of a plane into scratch memory: zeros where the padding is, columns split into sets (<see cref="DepthwiseStencil"/>).</summary>
internal static unsafe class DepthwiseRows
{
    /// <summary>
    /// Fills <paramref name="rows"/> rows of a band, of which the first is padded row <paramref name="firstRow"/>. Every column that a tap
    /// of an existing output reads is written; beyond them the rest of a row is left as it comes. Reads nothing outside the plane.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy<S, V>(DepthwiseStencil t, float* plane, long firstRow, int rows, float* band)
        where S : struct, ISimd<V>
        where V : struct
    {
        int skipped = (int)Math.Min(Math.Max(t.Columns.Origin, 0), t.Columns.Source);
        nint start = (nint)Math.Max(-t.Columns.Origin, 0);
        int count = (int)Math.Clamp(t.Columns.Extent - start, 0, t.Columns.Source - skipped);
        nint setLength = (nint)((t.Columns.Extent + t.Split - 1) / t.Split), pitch = (nint)t.RowPitch, sourcePitch = t.Columns.Source;
        long row = firstRow + t.Rows.Origin;
        int above = count == 0 ? rows : (int)Math.Clamp(-row, 0, rows);
        int inside = (int)Math.Clamp(t.Rows.Source - (row + above), 0, rows - above);
        float* source = plane + ((row + above) * sourcePitch) + skipped;
        for (int r = 0; r < above; r++, band += pitch) Clear<S, V>(band, 0, pitch);
        if (t.Split == 1) Whole<S, V>(source, sourcePitch, inside, count, band, pitch, start, setLength);
        else if (t.Split == 2) Pairs<S, V>(source, sourcePitch, inside, count, band, pitch, start, setLength, t.SetPitch);
        else for (int r = 0; r < inside; r++) Any<S, V>(source + (r * sourcePitch), count, band + (r * pitch), start, t);
        band += inside * pitch;
        for (int r = above + inside; r < rows; r++, band += pitch) Clear<S, V>(band, 0, pitch);
    }

    // Zeros may run into what is copied after them; the last vector brings zeros along.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole<S, V>(float* source, nint sourcePitch, int rows, int count, float* band, nint pitch, nint start, nint setLength)
        where S : struct, ISimd<V>
        where V : struct
    {
        int whole = count / S.Width * S.Width, rest = count - whole;
        for (; rows > 0; rows--, source += sourcePitch, band += pitch)
        {
            Clear<S, V>(band, 0, start);
            float* to = band + start;
            nint i = 0;
            for (; i < whole; i += S.Width) S.Store(to + i, S.Load(source + i));
            if (rest > 0)
            {
                S.Store(to + i, S.LoadPartial(source + i, rest));
                i += S.Width;
            }

            Clear<S, V>(band, start + i, setLength);
        }
    }

    // Pair k of the source's columns goes to the sets of its even and its odd column.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pairs<S, V>(
        float* source, nint sourcePitch, int rows, int count, float* band, nint pitch, nint start, nint setLength, nint setPitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        int whole = count / (2 * S.Width) * S.Width, rest = count - (2 * whole);
        int low = Math.Min(rest, S.Width), high = rest - low;
        nint evenStart = start / 2, oddStart = (start + 1) / 2;
        float* even = band + (start % 2 * setPitch), odd = band + ((start + 1) % 2 * setPitch);
        for (; rows > 0; rows--, source += sourcePitch, even += pitch, odd += pitch)
        {
            Clear<S, V>(even, 0, evenStart);
            Clear<S, V>(odd, 0, oddStart);
            float* toEven = even + evenStart, toOdd = odd + oddStart;
            nint i = 0;
            for (; i < whole; i += S.Width)
            {
                V a = S.Load(source + (2 * i)), b = S.Load(source + (2 * i) + S.Width);
                S.Store(toEven + i, S.Even(a, b));
                S.Store(toOdd + i, S.Odd(a, b));
            }

            if (rest > 0)
            {
                V a = S.LoadPartial(source + (2 * i), low);
                V b = high > 0 ? S.LoadPartial(source + (2 * i) + S.Width, high) : S.Zero;
                S.Store(toEven + i, S.Even(a, b));
                S.Store(toOdd + i, S.Odd(a, b));
                i += S.Width;
            }

            Clear<S, V>(even, evenStart + i, setLength);
            Clear<S, V>(odd, oddStart + i, setLength);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Any<S, V>(float* source, int count, float* band, long start, DepthwiseStencil t)
        where S : struct, ISimd<V>
        where V : struct
    {
        Clear<S, V>(band, 0, (nint)t.RowPitch);
        (long column, long set) = Math.DivRem(start, t.Split);
        for (int i = 0; i < count; i++)
        {
            band[(set * t.SetPitch) + column] = source[i];
            if (++set == t.Split) (set, column) = (0, column + 1);
        }
    }

    /// <summary>Zeros to [from, end) in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V>(float* p, nint from, nint end)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; from < end; from += S.Width) S.Store(p + from, S.Zero);
    }
}
