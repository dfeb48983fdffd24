using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The even and the odd pixels of a row, told apart: what a vector is loaded for holds the other too.</summary>
internal static unsafe class RowPairs<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The even and the odd of so many pixels, two vectors of them at most; after them zeros, and nothing is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(float* p, nint count, out V even, out V odd)
    {
        V low = Load(p, count), high = Load(p + S.Width, count - S.Width);
        even = S.Even(low, high);
        odd = S.Odd(low, high);
    }

    /// <summary>
    /// even[i] = p[2i], odd[i] = p[2i + 1] for i &lt; count, 0 from <paramref name="end"/> on, of which nothing is read; in whole vectors, even before odd.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(float* p, float* end, nint count, float* even, float* odd)
    {
        for (nint i = 0; i < count; i += S.Width, p += 2 * S.Width)
        {
            Load(p, (nint)(end - p), out V evens, out V odds);
            S.Store(even + i, evens);
            S.Store(odd + i, odds);
        }
    }

    /// <summary>A few zeros before the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lead(float* row, int zeros)
    {
        for (int i = 0; i < zeros; i++) row[i] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load(float* p, nint count) => count >= S.Width ? S.Load(p) : count > 0 ? S.LoadPartial(p, (int)count) : S.Zero;
}
