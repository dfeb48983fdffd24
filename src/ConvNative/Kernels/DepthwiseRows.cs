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
    public static void Copy<S, V>(DepthwiseStencil t, float* plane, long firstRow, int rows, float* band)
        where S : struct, ISimd<V>
        where V : struct
    {
        int skipped = (int)Math.Min(Math.Max(t.Columns.Origin, 0), t.Columns.Source);
        long start = Math.Max(-t.Columns.Origin, 0);
        int count = (int)Math.Clamp(t.Columns.Extent - start, 0, t.Columns.Source - skipped);
        long setLength = (t.Columns.Extent + t.Split - 1) / t.Split;
        for (int r = 0; r < rows; r++, band += t.RowPitch)
        {
            long row = firstRow + r + t.Rows.Origin;
            bool inside = row >= 0 && row < t.Rows.Source && count > 0;
            float* source = inside ? plane + (row * t.Columns.Source) + skipped : null;
            if (!inside) Clear<S, V>(band, 0, t.RowPitch);
            else if (t.Split == 1) Whole<S, V>(source, count, band, start, setLength);
            else if (t.Split == 2) Pairs<S, V>(source, count, band, start, setLength, t.SetPitch);
            else Any<S, V>(source, count, band, start, t);
        }
    }

    // Zeros may run into what is copied after them; the last vector brings zeros along.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Whole<S, V>(float* source, int count, float* band, long start, long setLength)
        where S : struct, ISimd<V>
        where V : struct
    {
        Clear<S, V>(band, 0, start);
        float* to = band + start;
        int i = 0;
        for (; i <= count - S.Width; i += S.Width) S.Store(to + i, S.Load(source + i));
        if (i < count)
        {
            S.Store(to + i, S.LoadPartial(source + i, count - i));
            i += S.Width;
        }

        Clear<S, V>(band, start + i, setLength);
    }

    // Pair k of the source's columns goes to the sets of its even and its odd column.
    private static void Pairs<S, V>(float* source, int count, float* band, long start, long setLength, nint setPitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* even = band + (start % 2 * setPitch);
        float* odd = band + ((start + 1) % 2 * setPitch);
        long evenStart = start / 2, oddStart = (start + 1) / 2;
        Clear<S, V>(even, 0, evenStart);
        Clear<S, V>(odd, 0, oddStart);
        float* toEven = even + evenStart, toOdd = odd + oddStart;
        int i = 0;
        for (; i <= count - (2 * S.Width); i += 2 * S.Width)
        {
            V low = S.Load(source + i), high = S.Load(source + i + S.Width);
            S.Store(toEven + (i / 2), S.Even(low, high));
            S.Store(toOdd + (i / 2), S.Odd(low, high));
        }

        if (i < count)
        {
            int first = Math.Min(count - i, S.Width);
            V low = S.LoadPartial(source + i, first);
            V high = count - i > first ? S.LoadPartial(source + i + S.Width, count - i - first) : S.Zero;
            S.Store(toEven + (i / 2), S.Even(low, high));
            S.Store(toOdd + (i / 2), S.Odd(low, high));
            i += 2 * S.Width;
        }

        Clear<S, V>(even, evenStart + (i / 2), setLength);
        Clear<S, V>(odd, oddStart + (i / 2), setLength);
    }

    private static void Any<S, V>(float* source, int count, float* band, long start, DepthwiseStencil t)
        where S : struct, ISimd<V>
        where V : struct
    {
        Clear<S, V>(band, 0, t.RowPitch);
        (long column, long set) = Math.DivRem(start, t.Split);
        for (int i = 0; i < count; i++)
        {
            band[(set * t.SetPitch) + column] = source[i];
            if (++set == t.Split) (set, column) = (0, column + 1);
        }
    }

    /// <summary>Zeros to [from, end) in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V>(float* p, long from, long end)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; from < end; from += S.Width) S.Store(p + from, S.Zero);
    }
}
