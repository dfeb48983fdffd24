using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Planes that are computed one after the other, each with nine weights of its own and a bias (or null). Where a vector holds two planes,
/// <see cref="Count"/> is of pairs and the others say how far on the second one is: 0 where there is none, so that the first
/// is computed twice.
/// </summary>
internal readonly unsafe struct DepthwiseRun(float* source, float* weights, float* bias, float* result, int count)
{
    public readonly float* Source = source;
    public readonly float* Weights = weights;
    public readonly float* Bias = bias;
    public readonly float* Result = result;
    public readonly int Count = count;

    public nint SecondSource { get; init; }

    public nint SecondResult { get; init; }

    public nint SecondChannel { get; init; }
}

/// <summary>
/// y from x, or dx from dy, of a 3×3 depthwise convolution: down each strip with the nine weights in registers. A row is read
/// once for all rows of the result that it is part of.
/// </summary>
internal static unsafe class Depthwise3x3
{
    /// <summary>Lanes of a vector.</summary>
    public static int Width(Isa isa) => isa switch { Isa.Avx512 => 16, Isa.Avx2 => 8, _ => 4 };

    /// <summary>Computes planes by a stencil that reads rows: y, or dx with stride 1.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="run">The planes. No alignment needed.</param>
    /// <param name="turned">Whether the last weight belongs to the first tap.</param>
    public static void Read(Isa isa, Stencil3x3 t, in DepthwiseRun run, bool turned)
    {
        switch (isa)
        {
            case Isa.Avx512: Read<Simd512, Vector512<float>>(t, run, turned); break;
            case Isa.Avx2: Read<Simd256, Vector256<float>>(t, run, turned); break;
            default: Read<Simd128, Vector128<float>>(t, run, turned); break;
        }
    }

    /// <summary>Computes dx by a transposed stencil.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="run">The planes. No alignment needed.</param>
    public static void Weave(Isa isa, Stencil3x3 t, in DepthwiseRun run)
    {
        switch (isa)
        {
            case Isa.Avx512: Weave<Simd512, Vector512<float>>(t, run); break;
            case Isa.Avx2: Weave<Simd256, Vector256<float>>(t, run); break;
            default: Weave<Simd128, Vector128<float>>(t, run); break;
        }
    }

    // The last strip first, here and below: what it writes beyond its row is the beginning of the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read<S, V>(Stencil3x3 t, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
    {
        int stride = t.Stride;
        fixed (int* table = t.MaskTable)
        {
            for (int first = 0; first < t.OutputH; first += t.BandRows)
            for (int i = t.Starts.Length - 1; i >= 0; i--)
            {
                float* masks = (float*)table + (i * Stencil3x3.Masks * S.Width);
                var strip = new DepthwiseStrip(t, t.Starts[i], first, masks);
                if (stride == 2)
                {
                    if (t.IsPair) Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, run);
                    else if (t.IsWhole[i]) Skip<S, V, EvenOddTaps<S, V>>(t, strip, run);
                    else if (t.Turns) Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, run);
                    else Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run);
                }
                else if (t.IsPair) Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, turned);
                else if (t.IsWhole[i]) Slide<S, V, UnitTaps<S, V>>(t, strip, run, turned);
                else if (t.Turns) Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, turned);
                else Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, turned);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weave<S, V>(Stencil3x3 t, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
    {
        fixed (int* table = t.MaskTable)
        {
            for (int first = 0; first < t.OutputH; first += t.BandRows)
            for (int i = t.Starts.Length - 1; i >= 0; i--)
            {
                float* masks = (float*)table + (i * Stencil3x3.Masks * S.Width);
                var strip = new DepthwiseStrip(t, t.Starts[i], first, masks);
                if (t.IsPair) Weave<S, V, PairNeighbours<S, V>>(t, strip, run);
                else Weave<S, V, Neighbours<S, V>>(t, strip, run);
            }
        }
    }

    /// <summary>Stride 1: each row belongs to three rows of the result, of which the first is complete then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        int first = strip.First, end = strip.End, height = t.SourceH, planes = t.Planes;
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9, tap = turned ? -1 : 1;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, t.BandRows * pitch);
        float* w = run.Weights + (turned ? 8 : 0), bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + ((first - t.Top) * pitch) + strip.Start - t.Left;
        float* result = run.Result + ((first - 2) * width) + strip.Start, limit = run.Result + t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width);
        for (int n = run.Count; n > 0; n--)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + tap, secondW), w2 = Weight<S, V, R>(w + (2 * tap), secondW);
            V w3 = Weight<S, V, R>(w + (3 * tap), secondW), w4 = Weight<S, V, R>(w + (4 * tap), secondW), w5 = Weight<S, V, R>(w + (5 * tap), secondW);
            V w6 = Weight<S, V, R>(w + (6 * tap), secondW), w7 = Weight<S, V, R>(w + (7 * tap), secondW), w8 = Weight<S, V, R>(w + (8 * tap), secondW);
            V start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel);
            V a = start, b = start, c = start;
            float* p = source, to = result;
            int row = first - t.Top;
            for (int i = first - 2; i < end; i++, row++, p += pitch, to += width)
            {
                if ((uint)row < (uint)height)
                {
                    Prefetch.ToL1(p + ahead);
                    taps.Load(p, out V t0, out V t1, out V t2);
                    a = S.MultiplyAdd(t0, w6, a);
                    b = S.MultiplyAdd(t0, w3, b);
                    c = S.MultiplyAdd(t0, w0, c);
                    a = S.MultiplyAdd(t1, w7, a);
                    b = S.MultiplyAdd(t1, w4, b);
                    c = S.MultiplyAdd(t1, w1, c);
                    a = S.MultiplyAdd(t2, w8, a);
                    b = S.MultiplyAdd(t2, w5, b);
                    c = S.MultiplyAdd(t2, w2, c);
                }

                if (i >= first) Put<S, V, R>(to, limit, secondResult, masks, a);
                a = b;
                b = c;
                c = start;
            }

            source += planes * t.SourcePixels;
            result += planes * t.OutputPixels;
            limit += planes * t.OutputPixels;
            w += planes * 9;
            if (bias != null) bias += planes;
        }
    }

    /// <summary>Stride 2: every other row belongs to two rows of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        int first = strip.First, end = strip.End, height = t.SourceH, planes = t.Planes;
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, 2 * t.BandRows * pitch);
        float* w = run.Weights, bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + (((2 * first) - t.Top - 1) * pitch) + (2 * strip.Start) - t.Left;
        float* result = run.Result + ((first - 1) * width) + strip.Start, limit = run.Result + t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width);
        for (int n = run.Count; n > 0; n--)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + 1, secondW), w2 = Weight<S, V, R>(w + 2, secondW);
            V w3 = Weight<S, V, R>(w + 3, secondW), w4 = Weight<S, V, R>(w + 4, secondW), w5 = Weight<S, V, R>(w + 5, secondW);
            V w6 = Weight<S, V, R>(w + 6, secondW), w7 = Weight<S, V, R>(w + 7, secondW), w8 = Weight<S, V, R>(w + 8, secondW);
            V start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel);
            V a = start, b = start;
            float* p = source, to = result;
            int row = (2 * first) - t.Top - 1;
            for (int i = first - 1; i < end; i++, to += width)
            {
                if (i >= first && (uint)row < (uint)height)
                {
                    Prefetch.ToL1(p + ahead);
                    Prefetch.ToL1(p + ahead + S.Width);
                    taps.Load(p, out V t0, out V t1, out V t2);
                    a = S.MultiplyAdd(t0, w3, a);
                    a = S.MultiplyAdd(t1, w4, a);
                    a = S.MultiplyAdd(t2, w5, a);
                }

                row++;
                p += pitch;
                if ((uint)row < (uint)height)
                {
                    Prefetch.ToL1(p + ahead);
                    Prefetch.ToL1(p + ahead + S.Width);
                    taps.Load(p, out V t0, out V t1, out V t2);
                    a = S.MultiplyAdd(t0, w6, a);
                    b = S.MultiplyAdd(t0, w0, b);
                    a = S.MultiplyAdd(t1, w7, a);
                    b = S.MultiplyAdd(t1, w1, b);
                    a = S.MultiplyAdd(t2, w8, a);
                    b = S.MultiplyAdd(t2, w2, b);
                }

                row++;
                p += pitch;
                if (i >= first) Put<S, V, R>(to, limit, secondResult, masks, a);
                a = b;
                b = start;
            }

            source += planes * t.SourcePixels;
            result += planes * t.OutputPixels;
            limit += planes * t.OutputPixels;
            w += planes * 9;
            if (bias != null) bias += planes;
        }
    }

    /// <summary>
    /// The transposed stencil of stride 2. Under u = 2·i + k − pt a row i of dy belongs to rows u of dx; those of one parity have one tap, those
    /// of the other two, and columns likewise: four sums, woven together two by two.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weave<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, INeighbours<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        int first = strip.First, end = strip.End, height = t.SourceH, planes = t.Planes;
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9, secondResult = R.IsPair ? run.SecondResult : S.Width;
        bool oddTop = t.Top % 2 != 0, oddLeft = t.Left % 2 != 0, isSingle = !R.IsPair && t.OutputW - strip.Start <= S.Width;
        int above = (first + t.Top - 1) >> 1;
        float* w = run.Weights, masks = strip.Masks;
        float* source = run.Source + (above * pitch) + ((strip.Start + t.Left - 1) >> 1);
        float* result = run.Result + (first * width) + strip.Start, limit = run.Result + t.OutputPixels - (R.IsPair ? S.Width : 2 * S.Width);
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
                float* one = oddTop ? to : to + width, two = oddTop ? to + width : to;
                bool isLast = i + 1 == end;
                if (oddTop || !isLast) PutTwo<S, V>(one, limit, secondResult, masks, oddLeft, oneOne, oneTwo, isSingle);
                if (!oddTop || !isLast) PutTwo<S, V>(two, limit, secondResult, masks, oddLeft, twoOne, twoTwo, isSingle);
                above0 = below0;
                above2 = below2;
            }

            source += planes * t.SourcePixels;
            result += planes * t.OutputPixels;
            limit += planes * t.OutputPixels;
            w += planes * 9;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Weight<S, V, R>(float* p, nint second)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V> => Weight<S, V>(R.IsPair, p, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Weight<S, V>(bool isPair, float* p, nint second)
        where S : struct, ISimd<V>
        where V : struct => isPair ? S.BroadcastHalves(p, p + second) : S.Broadcast(p);

    /// <summary>Stores a row of a strip: whole vectors, which may reach into rows that are written later, but not beyond the plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<S, V, R>(float* p, float* limit, nint second, float* masks, V value)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (p > limit)
        {
            S.StoreMasked(p, S.Load(masks + (Stencil3x3.OutputMask * S.Width)), value);
            if (R.IsPair) S.StoreMasked(p + second, S.Load(masks + (Stencil3x3.SecondMask * S.Width)), value);
        }
        else if (R.IsPair) S.StoreHalves(p, p + second + (S.Width / 2), value);
        else S.Store(p, value);
    }

    /// <summary>
    /// Stores twice as many results as a vector has lanes, every other from each: the second half goes to the columns after the first,
    /// or to the second plane.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutTwo<S, V>(float* p, float* limit, nint second, float* masks, bool oneIsFirst, V one, V two, bool isSingle)
        where S : struct, ISimd<V>
        where V : struct
    {
        V even = oneIsFirst ? one : two, odd = oneIsFirst ? two : one;
        if (p > limit)
        {
            S.StoreMasked(p, S.Load(masks + (Stencil3x3.OutputMask * S.Width)), S.InterleaveLow(even, odd));
            S.StoreMasked(p + second, S.Load(masks + (Stencil3x3.SecondMask * S.Width)), S.InterleaveHigh(even, odd));
            return;
        }

        S.Store(p, S.InterleaveLow(even, odd));
        if (!isSingle) S.Store(p + second, S.InterleaveHigh(even, odd));
    }
}

/// <summary>A strip within a band of rows.</summary>
internal readonly unsafe struct DepthwiseStrip(Stencil3x3 t, int start, int first, float* masks)
{
    /// <summary>First column of the output.</summary>
    public readonly int Start = start;

    /// <summary>First row of the output.</summary>
    public readonly int First = first;

    /// <summary>Beyond its last row.</summary>
    public readonly int End = Math.Min(first + t.BandRows, t.OutputH);

    /// <summary>The strip's part of <see cref="Stencil3x3.MaskTable"/>.</summary>
    public readonly float* Masks = masks;
}
