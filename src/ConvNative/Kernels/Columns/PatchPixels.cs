using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>How taps of a kernel row become a pixel row.</summary>
internal unsafe interface IPatchPixels
{
    /// <summary>
    /// output[j·sw + kw·dw] = columns[kw·ld + j], j &lt; <paramref name="count"/>, and 0 elsewhere below <paramref name="width"/>. Returns where nothing has
    /// been written from, or only zeros, which is at or beyond the width. Up to <paramref name="border"/> anything may be written.
    /// </summary>
    static abstract float* Store(int KW, int sw, int dw, float* columns, nint ld, int count, float* output, int width, float* border);
}

/// <summary>What they have in common.</summary>
internal static unsafe class PatchPixels<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>At least up to <paramref name="end"/>, in whole vectors up to the border.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Zeros(float* output, float* end, float* border)
    {
        for (; output < end; output += S.Width) Put(output, S.Zero, border);
        return output;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(float* p, V x, float* border)
    {
        if (p + S.Width <= border) S.Store(p, x);
        else S.StorePartial(p, x, Math.Max(0, (int)(border - p)));
    }
}

/// <summary>One tap and one zero.</summary>
internal readonly unsafe struct ZeroPairs<S, V> : IPatchPixels
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Store(int KW, int sw, int dw, float* columns, nint ld, int count, float* output, int width, float* border)
    {
        float* end = output + width;
        for (; count > 0; count -= S.Width, columns += S.Width)
        {
            V x = count >= S.Width ? S.Load(columns) : S.LoadPartial(columns, count);
            PatchPixels<S, V>.Put(output, S.InterleaveLow(x, S.Zero), border);
            output += S.Width;
            if (output >= end) return output;
            PatchPixels<S, V>.Put(output, S.InterleaveHigh(x, S.Zero), border);
            output += S.Width;
        }

        return PatchPixels<S, V>.Zeros(output, end, border);
    }
}

/// <summary>Two taps.</summary>
internal readonly unsafe struct TapPairs<S, V> : IPatchPixels
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Store(int KW, int sw, int dw, float* columns, nint ld, int count, float* output, int width, float* border)
    {
        float* end = output + (2 * count), to = output;
        for (; to < end; to += 2 * S.Width, columns += S.Width)
        {
            V even = S.Load(columns), odd = S.Load(columns + ld);
            PatchPixels<S, V>.Put(to, S.InterleaveLow(even, odd), border);
            if (to + S.Width < end) PatchPixels<S, V>.Put(to + S.Width, S.InterleaveHigh(even, odd), border);
        }

        PatchPixels<S, V>.Zeros(end, output + width, border);
        return output + width;
    }
}

/// <summary>Four taps.</summary>
internal readonly unsafe struct TapQuads<S, V> : IPatchPixels
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Store(int KW, int sw, int dw, float* columns, nint ld, int count, float* output, int width, float* border)
    {
        float* end = output + (4 * count), to = output;
        for (; to < end; to += 4 * S.Width, columns += S.Width)
        {
            V a = S.Load(columns), b = S.Load(columns + ld), c = S.Load(columns + (2 * ld)), d = S.Load(columns + (3 * ld));
            V lowAC = S.InterleaveLow(a, c), lowBD = S.InterleaveLow(b, d), highAC = S.InterleaveHigh(a, c), highBD = S.InterleaveHigh(b, d);
            PatchPixels<S, V>.Put(to, S.InterleaveLow(lowAC, lowBD), border);
            if (to + S.Width < end) PatchPixels<S, V>.Put(to + S.Width, S.InterleaveHigh(lowAC, lowBD), border);
            if (to + (2 * S.Width) < end) PatchPixels<S, V>.Put(to + (2 * S.Width), S.InterleaveLow(highAC, highBD), border);
            if (to + (3 * S.Width) < end) PatchPixels<S, V>.Put(to + (3 * S.Width), S.InterleaveHigh(highAC, highBD), border);
        }

        PatchPixels<S, V>.Zeros(end, output + width, border);
        return output + width;
    }
}

/// <summary>Any number of taps, and zeros between them and after them.</summary>
internal readonly unsafe struct AnyTaps<S, V> : IPatchPixels
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float* Store(int KW, int sw, int dw, float* columns, nint ld, int count, float* output, int width, float* border)
    {
        float* end = output + width;
        if (KW == 1 && sw == 1)
        {
            for (float* to = output; to < output + count; to += S.Width, columns += S.Width) PatchPixels<S, V>.Put(to, S.Load(columns), border);
            PatchPixels<S, V>.Zeros(output + count, end, border);
            return end;
        }

        PatchPixels<S, V>.Zeros(KW < sw ? output : output + ((nint)count * sw), end, border);
        if (dw > 1) Dilated(KW, sw, dw, columns, ld, count, output);
        else if (KW < 4) FewTaps(KW, sw, columns, ld, count, output);
        else Transpose.Run<S, V>(KW, count, columns, ld, output, sw);
        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dilated(int KW, int sw, int dw, float* columns, nint ld, int count, float* output)
    {
        for (int kw = 0; kw < KW; kw++, columns += ld)
        {
            float* to = output + (kw * dw);
            for (nint j = 0; j < count; j++) to[j * sw] = columns[j];
        }
    }

    /// <summary>Up to three taps of four patches at a time, with zeros to a vector of four, of which the next patch writes over what is its own; sw ≥ 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FewTaps(int KW, int sw, float* columns, nint ld, int count, float* output)
    {
        for (; count > 4; count -= 4, columns += 4)
        {
            Vector128<float> a = Vector128.Load(columns), b = KW > 1 ? Vector128.Load(columns + ld) : default;
            Vector128<float> c = KW > 2 ? Vector128.Load(columns + (2 * ld)) : default;
            Vector128<float> lowAC = Simd128.InterleaveLow(a, c), lowB = Simd128.InterleaveLow(b, default);
            Vector128<float> highAC = Simd128.InterleaveHigh(a, c), highB = Simd128.InterleaveHigh(b, default);
            Simd128.InterleaveLow(lowAC, lowB).Store(output);
            Simd128.InterleaveHigh(lowAC, lowB).Store(output + sw);
            Simd128.InterleaveLow(highAC, highB).Store(output + (2 * sw));
            Simd128.InterleaveHigh(highAC, highB).Store(output + (3 * sw));
            output += 4 * sw;
        }

        Dilated(KW, sw, 1, columns, ld, count, output);
    }
}
