using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;
using static ConvNative.Kernels.Depthwise3x3;

namespace ConvNative.Kernels;

/// <summary>dx from dy of a 3×3 depthwise convolution with stride 2: down each strip with the nine weights in registers.</summary>
internal static unsafe class Depthwise3x3Transposed
{
    /// <summary>Computes a band of dx by a transposed stencil.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="first">First row of the band.</param>
    /// <param name="run">The planes. No alignment needed.</param>
    public static void Weave(Isa isa, Stencil3x3 t, int first, in DepthwiseRun run)
    {
        switch (isa)
        {
            case Isa.Avx512: Weave<Simd512, Vector512<float>>(t, first, run); break;
            case Isa.Avx2: Weave<Simd256, Vector256<float>>(t, first, run); break;
            default: Weave<Simd128, Vector128<float>>(t, first, run); break;
        }
    }

    // The last strip first, for the reason given in Depthwise3x3.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weave<S, V>(Stencil3x3 t, int first, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
    {
        fixed (int* table = t.MaskTable)
        {
            for (int i = t.Starts.Length - 1; i >= 0; i--)
            {
                var strip = new DepthwiseStrip(t, i, first, (float*)table);
                bool isOdd = t.Top % 2 != 0 && t.Left % 2 != 0;
                if (isOdd) Weave<S, V, OddPaddings>(t, t.Kinds[i], strip, run);
                else Weave<S, V, AnyPaddings>(t, t.Kinds[i], strip, run);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weave<S, V, P>(Stencil3x3 t, StripKind kind, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where P : struct, IPaddings
    {
        switch (kind)
        {
            case StripKind.Pair: Weave<S, V, PairNeighbours<S, V>, P>(t, strip, run); break;
            case StripKind.Side: Weave<S, V, WholeNeighbours<S, V>, P>(t, strip, run); break;
            case StripKind.Turn: Weave<S, V, TurnNeighbours<S, V>, P>(t, strip, run); break;
            default: Weave<S, V, Neighbours<S, V>, P>(t, strip, run); break;
        }
    }

    /// <summary>
    /// The transposed stencil of stride 2. Under u = 2·i + k − pt a row i of dy belongs to rows u of dx; those of one parity have one tap, those
    /// of the other two, and columns likewise: four sums, woven together two by two.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weave<S, V, R, P>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, INeighbours<R, V>
        where P : struct, IPaddings
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        int first = strip.First, end = strip.End, height = t.SourceH, planes = t.Planes;
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9, secondResult = R.IsPair ? run.SecondResult : S.Width;
        bool oddTop = P.IsOdd(t.Top), oddLeft = P.IsOdd(t.Left), isSingle = !R.IsPair && t.OutputW - strip.Start <= S.Width, streams = run.Streams;
        int above = (first + t.Top - 1) >> 1;
        float* w = run.Weights, masks = strip.Masks;
        float* source = run.Source + (above * pitch) + ((strip.Start + t.Left - 1) >> 1);
        float* result = run.Result + (first * width) + strip.Start, limit = run.Limit(t.OutputPixels - (R.IsPair ? S.Width : 2 * S.Width));
        for (int n = run.Count; n > 0; n--)
        {
            V w0 = Weight<S, V>(R.IsPair, w, secondW), w1 = Weight<S, V>(R.IsPair, w + 1, secondW), w2 = Weight<S, V>(R.IsPair, w + 2, secondW);
            V w3 = Weight<S, V>(R.IsPair, w + 3, secondW), w4 = Weight<S, V>(R.IsPair, w + 4, secondW), w5 = Weight<S, V>(R.IsPair, w + 5, secondW);
            V w6 = Weight<S, V>(R.IsPair, w + 6, secondW), w7 = Weight<S, V>(R.IsPair, w + 7, secondW), w8 = Weight<S, V>(R.IsPair, w + 8, secondW);
            float* p = source, to = result;
            int row = above;
            V above2 = S.Zero, above0 = S.Zero;
            if ((uint)row < (uint)height) taps.Load(p, out above2, out above0);
            for (int i = first; i < end; i += 2, to += 2 * width)
            {
                row++;
                p += pitch;
                V below2 = S.Zero, below0 = S.Zero;
                if ((uint)row < (uint)height) taps.Load(p, out below2, out below0);

                // The row of dx that meets kh = 1 alone, and the one that meets kh = 0 and 2; in each the columns of kw = 1, and those of 0 and 2.
                V middle0 = oddTop ? above0 : below0, middle2 = oddTop ? above2 : below2;
                V oneOne = S.Multiply(oddLeft ? middle2 : middle0, w4);
                V oneTwo = S.MultiplyAdd(middle2, w5, S.Multiply(middle0, w3));
                V twoOne = S.MultiplyAdd(oddLeft ? above2 : above0, w7, S.Multiply(oddLeft ? below2 : below0, w1));
                V twoTwo = S.MultiplyAdd(above2, w8, S.MultiplyAdd(above0, w6, S.MultiplyAdd(below2, w2, S.Multiply(below0, w0))));

                // The upper row first: what its last vector writes beyond its end belongs to the lower one.
                PutTwo<S, V>(to, limit, secondResult, masks, oddLeft, oddTop ? oneOne : twoOne, oddTop ? oneTwo : twoTwo, isSingle, streams);
                if (i + 1 < end)
                    PutTwo<S, V>(to + width, limit, secondResult, masks, oddLeft, oddTop ? twoOne : oneOne, oddTop ? twoTwo : oneTwo, isSingle, streams);
                above0 = below0;
                above2 = below2;
            }

            source += planes * t.SourcePixels;
            result += planes * t.OutputPixels;
            limit += planes * t.OutputPixels;
            w += planes * 9;
        }
    }

    /// <summary>
    /// Stores twice as many results as a vector has lanes, every other from each: the second half goes to the columns after the first,
    /// or to the second plane.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutTwo<S, V>(float* p, float* limit, nint second, float* masks, bool oneIsFirst, V one, V two, bool isSingle, bool streams)
        where S : struct, ISimd<V>
        where V : struct
    {
        V even = oneIsFirst ? one : two, odd = oneIsFirst ? two : one;
        if (p > limit)
        {
            if (streams)
            {
                S.StoreLine(p, S.InterleaveLow(even, odd));
                if (!isSingle) S.StoreLine(p + second, S.InterleaveHigh(even, odd));
                return;
            }

            S.StoreMasked(p, S.Load(masks + (Stencil3x3.OutputMask * S.Width)), S.InterleaveLow(even, odd));
            S.StoreMasked(p + second, S.Load(masks + (Stencil3x3.SecondMask * S.Width)), S.InterleaveHigh(even, odd));
            return;
        }

        S.Store(p, S.InterleaveLow(even, odd));
        if (!isSingle) S.Store(p + second, S.InterleaveHigh(even, odd));
    }
}

/// <summary>Whether the numbers of zeros above and on the left are odd; where both are, the kernel is compiled for that.</summary>
internal interface IPaddings
{
    static abstract bool IsOdd(int padding);
}

internal readonly struct AnyPaddings : IPaddings
{
    public static bool IsOdd(int padding) => padding % 2 != 0;
}

internal readonly struct OddPaddings : IPaddings
{
    public static bool IsOdd(int padding) => true;
}
