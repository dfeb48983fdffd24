using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Copies rows of a plane into scratch memory: zeros where the padding is, columns split into sets (<see cref="DepthwiseStencil"/>).</summary>
internal static unsafe class DepthwiseRows
{
    /// <summary>
    /// Fills <paramref name="rows"/> rows of a band, of which the first is padded row <paramref name="firstRow"/>: those within the plane, and where there are
    /// several bands the others with zeros. Left and right of a plane's columns the band must be zero, and stays so. Reads nothing outside the plane.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy<S, V>(DepthwiseStencil t, float* plane, long firstRow, int rows, float* band)
        where S : struct, ISimd<V>
        where V : struct
    {
        nint skipped = (nint)Math.Min(Math.Max(t.Columns.Origin, 0), t.Columns.Source), start = (nint)Math.Max(-t.Columns.Origin, 0);
        int count = (int)Math.Clamp(t.Columns.Extent - start, 0, t.Columns.Source - skipped);
        nint pitch = (nint)t.RowPitch, sourcePitch = t.Columns.Source;
        long row = firstRow + t.Rows.Origin;
        int above = count == 0 ? rows : (int)Math.Clamp(-row, 0, rows);
        int inside = (int)Math.Clamp(t.Rows.Source - (row + above), 0, rows - above), below = rows - above - inside;
        if (t.Bands > 1) Clear<S, V>(band, above * pitch);
        band += above * pitch;
        nint from = ((nint)(row + above) * sourcePitch) + skipped;
        if (t.Split == 1) Whole<S, V>(plane + from, sourcePitch, inside, count, band + start, pitch);
        else if (t.Split == 2) Pairs<S, V>(plane + from, sourcePitch, inside, count, band + Set(t, start), band + Set(t, start + 1), pitch);
        else for (int r = 0; r < inside; r++) Any(plane + from + (r * sourcePitch), count, band + (r * pitch), start, t);
        if (t.Bands > 1) Clear<S, V>(band + (inside * pitch), below * pitch);
    }

    /// <summary>Where padded column c stands in a row.</summary>
    private static nint Set(DepthwiseStencil t, nint c) => (c % t.Split * t.SetPitch) + (c / t.Split);

    // The last vector brings zeros along, into what is zero.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole<S, V>(float* source, nint sourcePitch, int rows, int count, float* to, nint pitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        int whole = count / S.Width * S.Width, rest = count - whole;
        for (; rows > 0; rows--, source += sourcePitch, to += pitch)
        {
            nint i = 0;
            for (; i < whole; i += S.Width) S.Store(to + i, S.Load(source + i));
            if (rest > 0) S.Store(to + i, S.LoadPartial(source + i, rest));
        }
    }

    // Pair k of the source's columns goes to the sets of its even and its odd column.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pairs<S, V>(float* source, nint sourcePitch, int rows, int count, float* even, float* odd, nint pitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; rows > 0; rows--, source += sourcePitch, even += pitch, odd += pitch)
        for (int i = 0; 2 * i < count; i += S.Width)
        {
            RowPairs<S, V>.Load(source + (2 * i), count - (2 * i), out V e, out V o);
            S.Store(even + i, e);
            S.Store(odd + i, o);
        }
    }

    private static void Any(float* source, int count, float* band, nint start, DepthwiseStencil t)
    {
        (long column, long set) = Math.DivRem(start, (long)t.Split);
        for (int i = 0; i < count; i++)
        {
            band[(set * t.SetPitch) + column] = source[i];
            if (++set == t.Split) (set, column) = (0, column + 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V>(float* p, nint count)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (nint i = 0; i < count; i += S.Width) S.Store(p + i, S.Zero);
    }
}
