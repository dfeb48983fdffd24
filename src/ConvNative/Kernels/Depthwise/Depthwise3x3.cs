using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// y from x, or dx from dy with stride 1, of a 3×3 depthwise convolution: down each strip with the nine weights in registers. A row is read
/// once for all rows of the result that it is part of.
/// </summary>
internal static unsafe class Depthwise3x3
{
    /// <summary>Lanes of a vector.</summary>
    public static int Width(Isa isa) => isa switch { Isa.Avx512 => 16, Isa.Avx2 => 8, _ => 4 };

    /// <summary>Computes a band of planes by a stencil that reads rows: y, or dx with stride 1.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="first">First row of the band.</param>
    /// <param name="run">The planes. No alignment needed.</param>
    /// <param name="turned">Whether the last weight belongs to the first tap.</param>
    public static void Read(Isa isa, Stencil3x3 t, int first, in DepthwiseRun run, bool turned)
    {
        switch (isa)
        {
            case Isa.Avx512: Read<Simd512, Vector512<float>>(t, first, run, turned); break;
            case Isa.Avx2: Read<Simd256, Vector256<float>>(t, first, run, turned); break;
            default: Read<Simd128, Vector128<float>>(t, first, run, turned); break;
        }
    }

    // The last strip first, here and below: what it writes beyond its row is the beginning of the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read<S, V>(Stencil3x3 t, int first, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
    {
        fixed (int* table = t.MaskTable)
        {
            for (int i = t.Starts.Length - 1; i >= 0; i--)
            {
                var strip = new DepthwiseStrip(t, i, first, (float*)table);
                switch (t.Kinds[i], t.Stride)
                {
                    case (StripKind.Inner, 1): Slide<S, V, UnitTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Tail, 1): Slide<S, V, UnitTailTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Side, 1): Slide<S, V, UnitSideTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Turn, 1): Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Pair, 1): Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Edge, 1): Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, turned); break;
                    case (StripKind.Inner, 2): Skip<S, V, EvenOddTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Tail, 2): Skip<S, V, EvenOddTailTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Side, 2): Skip<S, V, EvenOddSideTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Turn, 2): Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, run); break;
                    case (StripKind.Pair, 2): Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, run); break;
                    default: Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run); break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Slide<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (run.IsKept) Slide<S, V, R, Far>(t, strip, run, turned);
        else Slide<S, V, R, Near>(t, strip, run, turned);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Skip<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (run.IsKept) Skip<S, V, R, Far>(t, strip, run);
        else Skip<S, V, R, Near>(t, strip, run);
    }

    /// <summary>
    /// Stride 1: each row belongs to three rows of the result, of which the first is complete then; two rows at either end of the band to fewer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R, D>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, bool turned)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
        where D : struct, IDistance
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        bool streams = run.Streams;
        int first = strip.First, row = first - t.Top, count = strip.End - first, height = t.SourceH, planes = t.Planes;
        bool hasTop = Exists(row, height), hasSecond = Exists(row + 1, height);
        bool hasLast = count > 1 && Exists(row + count, height), hasBottom = Exists(row + count + 1, height);
        nint pitch = t.SourceW, nextPitch = R.IsPair ? 2 * pitch : pitch, width = t.OutputW, secondW = run.SecondChannel * 9, tap = turned ? -1 : 1;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, t.BandRows * pitch);
        nint sourcePlanes = planes * t.SourcePixels, resultPlanes = planes * t.OutputPixels;
        float* w = run.Weights + (turned ? 8 : 0), bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + (row * pitch) + strip.Start - t.Left;
        float* result = run.Result + (first * width) + strip.Start, limit = run.Limit(t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width));
        V t0, t1, t2;

        // A row read before the loop has the compiler turn the masks into mask registers, where there are any, once and for all.
        if (R.Turns && S.Registers >= 32) taps.Load(source - (Math.Min(row, 0) * pitch), out t0, out t1, out t2);
        for (int n = run.Count; n > 0; n--, source += sourcePlanes, result += resultPlanes, limit += resultPlanes, w += planes * 9)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + tap, secondW), w2 = Weight<S, V, R>(w + (2 * tap), secondW);
            V w3 = Weight<S, V, R>(w + (3 * tap), secondW), w4 = Weight<S, V, R>(w + (4 * tap), secondW);
            V w5 = Weight<S, V, R>(w + (5 * tap), secondW);
            V w6 = Weight<S, V, R>(w + (6 * tap), secondW), w7 = Weight<S, V, R>(w + (7 * tap), secondW);
            V w8 = Weight<S, V, R>(w + (8 * tap), secondW);
            V start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel), a = start, b = start;
            float* p = source, next = p + ahead, to = result;
            if (hasTop)
            {
                Prefetch.To(D.IsFar, next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, a);
            }

            p += pitch;
            next += nextPitch;
            if (hasSecond)
            {
                Prefetch.To(D.IsFar, next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
                b = Meet<S, V>(t0, t1, t2, w0, w1, w2, b);
            }

            for (int i = count - 2; i > 0; i--)
            {
                p += pitch;
                next += nextPitch;
                Prefetch.To(D.IsFar, next);
                taps.Load(p, out t0, out t1, out t2);
                Put<S, V, R>(streams, to, limit, secondResult, masks, Meet<S, V>(t0, t1, t2, w6, w7, w8, a));
                to += width;
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, b);
                b = Meet<S, V>(t0, t1, t2, w0, w1, w2, start);
            }

            p += pitch;
            next += nextPitch;
            if (hasLast)
            {
                Prefetch.To(D.IsFar, next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
                b = Meet<S, V>(t0, t1, t2, w3, w4, w5, b);
            }

            if (count > 1)
            {
                Put<S, V, R>(streams, to, limit, secondResult, masks, a);
                to += width;
                p += pitch;
                next += nextPitch;
                a = b;
            }

            if (hasBottom)
            {
                Prefetch.To(D.IsFar, next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
            }

            Put<S, V, R>(streams, to, limit, secondResult, masks, a);
            if (bias != null) bias += planes;
        }
    }

    /// <summary>Stride 2: every other row belongs to two rows of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R, D>(Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
        where D : struct, IDistance
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        bool streams = run.Streams;
        int first = strip.First, row = (2 * first) - t.Top, count = strip.End - first, height = t.SourceH, planes = t.Planes;
        bool hasTop = Exists(row, height), hasBottom = Exists(row + (2 * count), height);
        nint pitch = t.SourceW, nextPitch = R.IsPair ? 2 * pitch : pitch, width = t.OutputW, secondW = run.SecondChannel * 9;
        nint secondResult = run.SecondResult - (S.Width / 2), ahead = Math.Min(t.SourcePixels * planes, 2 * t.BandRows * pitch);
        nint sourcePlanes = planes * t.SourcePixels, resultPlanes = planes * t.OutputPixels;
        float* w = run.Weights, bias = run.Bias, masks = strip.Masks;
        float* source = run.Source + (row * pitch) + (2 * strip.Start) - t.Left;
        float* result = run.Result + (first * width) + strip.Start, limit = run.Limit(t.OutputPixels - (R.IsPair ? S.Width / 2 : S.Width));
        for (int n = run.Count; n > 0; n--, source += sourcePlanes, result += resultPlanes, limit += resultPlanes, w += planes * 9)
        {
            V w0 = Weight<S, V, R>(w, secondW), w1 = Weight<S, V, R>(w + 1, secondW), w2 = Weight<S, V, R>(w + 2, secondW);
            V w3 = Weight<S, V, R>(w + 3, secondW), w4 = Weight<S, V, R>(w + 4, secondW), w5 = Weight<S, V, R>(w + 5, secondW);
            V w6 = Weight<S, V, R>(w + 6, secondW), w7 = Weight<S, V, R>(w + 7, secondW), w8 = Weight<S, V, R>(w + 8, secondW);
            V t0, t1, t2, start = bias == null ? S.Zero : Weight<S, V, R>(bias, run.SecondChannel), a = start;
            float* p = source, next = p + ahead, to = result;
            if (hasTop)
            {
                Ask<S, V, R, D>(next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, a);
            }

            // The middle row is always there: read before the loop, it has the compiler turn the masks into mask registers once and for all.
            p += pitch;
            next += nextPitch;
            Ask<S, V, R, D>(next);
            taps.Load(p, out t0, out t1, out t2);
            a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
            for (int i = count - 1; i > 0; i--)
            {
                p += pitch;
                next += nextPitch;
                Ask<S, V, R, D>(next);
                taps.Load(p, out t0, out t1, out t2);
                Put<S, V, R>(streams, to, limit, secondResult, masks, Meet<S, V>(t0, t1, t2, w6, w7, w8, a));
                to += width;
                a = Meet<S, V>(t0, t1, t2, w0, w1, w2, start);
                p += pitch;
                next += nextPitch;
                Ask<S, V, R, D>(next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w3, w4, w5, a);
            }

            if (hasBottom)
            {
                p += pitch;
                next += nextPitch;
                Ask<S, V, R, D>(next);
                taps.Load(p, out t0, out t1, out t2);
                a = Meet<S, V>(t0, t1, t2, w6, w7, w8, a);
            }

            Put<S, V, R>(streams, to, limit, secondResult, masks, a);
            if (bias != null) bias += planes;
        }
    }

    /// <summary>
    /// Asks for a row of two vectors. Where rows are read whole, the next one asks for the second line of this one, or brings it along.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask<S, V, R, D>(float* p)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
        where D : struct, IDistance
    {
        Prefetch.To(D.IsFar, p);
        if (!R.Turns) Prefetch.To(D.IsFar, p + S.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Exists(int row, int height) => (uint)row < (uint)height;

    /// <summary>What a row adds to a row of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Meet<S, V>(V t0, V t1, V t2, V w0, V w1, V w2, V sum)
        where S : struct, ISimd<V>
        where V : struct => S.MultiplyAdd(t2, w2, S.MultiplyAdd(t1, w1, S.MultiplyAdd(t0, w0, sum)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Weight<S, V, R>(float* p, nint second)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V> => Weight<S, V>(R.IsPair, p, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Weight<S, V>(bool isPair, float* p, nint second)
        where S : struct, ISimd<V>
        where V : struct => isPair ? S.BroadcastHalves(p, p + second) : S.Broadcast(p);

    /// <summary>
    /// Stores a row of a strip: whole vectors, which may reach into rows that are written later, but not beyond the plane. Where results stream,
    /// all are beyond the limit, so that others ask for nothing more.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<S, V, R>(bool streams, float* p, float* limit, nint second, float* masks, V value)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (p > limit)
        {
            if (streams)
            {
                S.StoreLine(p, value);
                return;
            }

            S.StoreMasked(p, S.Load(masks + (Stencil3x3.OutputMask * S.Width)), value);
            if (R.IsPair) S.StoreMasked(p + second, S.Load(masks + (Stencil3x3.SecondMask * S.Width)), value);
        }
        else if (R.IsPair) S.StoreHalves(p, p + second + (S.Width / 2), value);
        else S.Store(p, value);
    }
}

/// <summary>
/// Whether rows are asked for into L2: they come from memory, and L1 holds the results as well. Known to the compiler: a branch for each row takes 2 to 9 %.
/// </summary>
internal interface IDistance
{
    static abstract bool IsFar { get; }
}

internal readonly struct Near : IDistance
{
    public static bool IsFar => false;
}

internal readonly struct Far : IDistance
{
    public static bool IsFar => true;
}
