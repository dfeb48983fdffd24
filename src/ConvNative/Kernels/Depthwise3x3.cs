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
        fixed (int* table = t.MaskTable)
        {
            for (int first = 0; first < t.OutputH; first += t.BandRows)
            for (int i = t.Starts.Length - 1; i >= 0; i--)
            {
                float* masks = (float*)table + (i * Stencil3x3.Masks * S.Width);
                var strip = new DepthwiseStrip(t, t.Starts[i], first, masks);
                switch (t.Kinds[i], t.Stride)
                {
                    case (StripKind.Inner, 1): Slide<S, V, UnitTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Side, 1): Slide<S, V, UnitSideTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Turn, 1): Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Pair, 1): Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Edge, 1): Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Inner, 2): Skip<S, V, EvenOddTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Side, 2): Skip<S, V, EvenOddSideTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Turn, 2): Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Pair, 2): Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, run); break;
                    default: Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run); break;
                }
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
    /// Stride 1: each row belongs to three rows of the result, of which the first is complete then; two rows at either end of the band to fewer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        int first = strip.First, row = first - t.Top, count = strip.End - first, height = t.SourceH, planes = t.Planes;
        bool hasTop = Exists(row, height), hasSecond = Exists(row + 1, height);
        bool hasLast = count > 1 && Exists(row + count, height), hasBottom = Exists(row + count + 1, height);
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9, tap = turned ? -1 : 1;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, t.BandRows * pitch);
        nint sourcePlanes = planes * t.SourcePixels, resultPlanes = planes * t.OutputPixels;
        float* w = run.Weights + (turned ? 8 : 0), bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + (row * pitch) + strip.Start - t.Left;
        float* result = run.Result + (first * width) + strip.Start, limit = run.Result + t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width);
        for (int n = run.Count; n > 0; n--, source += sourcePlanes, result += resultPlanes, limit += resultPlanes, w += planes * 9)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + tap, secondW), w2 = Weight<S, V, R>(w + (2 * tap), secondW);
            V w3 = Weight<S, V, R>(w + (3 * tap), secondW), w4 = Weight<S, V, R>(w + (4 * tap), secondW), w5 = Weight<S, V, R>(w + (5 * tap), secondW);
            V w6 = Weight<S, V, R>(w + (6 * tap), secondW), w7 = Weight<S, V, R>(w + (7 * tap), secondW), w8 = Weight<S, V, R>(w + (8 * tap), secondW);
            V t0, t1, t2, start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel), a = start, b = start;
            float* p = source, to = result;
            if (hasTop)
            {
                Prefetch.ToL1(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, a);
            }

            p += pitch;
            if (hasSecond)
            {
                Prefetch.ToL1(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
                b = Meet<S, V>(t0, t1, t2, w0, w1, w2, b);
            }

            for (int i = count - 2; i > 0; i--)
            {
                p += pitch;
                Prefetch.ToL1(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                Put<S, V, R>(to, limit, secondResult, masks, Meet<S, V>(t0, t1, t2, w6, w7, w8, a));
                to += width;
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, b);
                b = Meet<S, V>(t0, t1, t2, w0, w1, w2, start);
            }

            p += pitch;
            if (hasLast)
            {
                Prefetch.ToL1(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
                b = Meet<S, V>(t0, t1, t2, w3, w4, w5, b);
            }

            if (count > 1)
            {
                Put<S, V, R>(to, limit, secondResult, masks, a);
                to += width;
                p += pitch;
                a = b;
            }

            if (hasBottom)
            {
                Prefetch.ToL1(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
            }

            Put<S, V, R>(to, limit, secondResult, masks, a);
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
        int first = strip.First, row = (2 * first) - t.Top, count = strip.End - first, height = t.SourceH, planes = t.Planes;
        bool hasTop = Exists(row, height), hasBottom = Exists(row + (2 * count), height);
        nint pitch = t.SourceW, width = t.OutputW, secondW = run.SecondChannel * 9;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, 2 * t.BandRows * pitch);
        nint sourcePlanes = planes * t.SourcePixels, resultPlanes = planes * t.OutputPixels;
        float* w = run.Weights, bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + (row * pitch) + (2 * strip.Start) - t.Left;
        float* result = run.Result + (first * width) + strip.Start, limit = run.Result + t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width);
        for (int n = run.Count; n > 0; n--, source += sourcePlanes, result += resultPlanes, limit += resultPlanes, w += planes * 9)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + 1, secondW), w2 = Weight<S, V, R>(w + 2, secondW);
            V w3 = Weight<S, V, R>(w + 3, secondW), w4 = Weight<S, V, R>(w + 4, secondW), w5 = Weight<S, V, R>(w + 5, secondW);
            V w6 = Weight<S, V, R>(w + 6, secondW), w7 = Weight<S, V, R>(w + 7, secondW), w8 = Weight<S, V, R>(w + 8, secondW);
            V t0, t1, t2, start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel), a = start;
            float* p = source, to = result;
            if (hasTop)
            {
                Near<S, V>(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, a);
            }

            for (int i = count - 1; i > 0; i--)
            {
                p += pitch;
                Near<S, V>(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
                p += pitch;
                Near<S, V>(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                Put<S, V, R>(to, limit, secondResult, masks, Meet<S, V>(t0, t1, t2, w6, w7, w8, a));
                to += width;
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, start);
            }

            p += pitch;
            Near<S, V>(p + ahead);
            taps.Load(p, out t0, out t1, out t2);
            a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
            if (hasBottom)
            {
                p += pitch;
                Near<S, V>(p + ahead);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
            }

            Put<S, V, R>(to, limit, secondResult, masks, a);
            if (bias != null) bias += planes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Exists(int row, int height) => (uint)row < (uint)height;

    /// <summary>What a row adds to a row of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Meet<S, V>(V t0, V t1, V t2, V w0, V w1, V w2, V sum)
        where S : struct, ISimd<V>
        where V : struct => S.MultiplyAdd(t2, w2, S.MultiplyAdd(t1, w1, S.MultiplyAdd(t0, w0, sum)));

    /// <summary>Asks for two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Near<S, V>(float* p)
        where S : struct, ISimd<V>
        where V : struct
    {
        Prefetch.ToL1(p);
        Prefetch.ToL1(p + S.Width);
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
        bool oddTop = P.IsOdd(t.Top), oddLeft = P.IsOdd(t.Left), isSingle = !R.IsPair && t.OutputW - strip.Start <= S.Width;
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
