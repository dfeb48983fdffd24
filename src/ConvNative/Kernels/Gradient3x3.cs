using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The gradients of a 3×3 depthwise convolution's weights and bias: dw[k] = Σ dy·(x under tap k), db = Σ dy, down each strip with the ten
/// sums in registers. A lane is summed in float over a run of rows that the sizes alone decide, runs in double.
/// </summary>
internal static unsafe class Gradient3x3
{
    private const int Sums = 10;    // nine taps, then the bias
    private const int Pitch = 16;   // floats from the sums of a plane to the next one's
    private const int Run = 512;    // rows of strips that a float sums
    private const int Ahead = 2048; // floats

    /// <summary>Floats of scratch memory for so many channels, or pairs: sums in float, then in double.</summary>
    public static long ScratchLength(Stencil3x3 t, long channels) => 3 * Pitch * t.Planes * channels;

    /// <summary>Computes dw and db of channels, or of pairs.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The forward stencil, its strips apart.</param>
    /// <param name="images">N.</param>
    /// <param name="xImage">Floats between images of x.</param>
    /// <param name="dyImage">Floats between images of dy.</param>
    /// <param name="run">x as the source, dy as the result, of the first image; dw as the weights, and db or null as the bias.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats, 8-byte aligned.</param>
    public static void Channels(Isa isa, Stencil3x3 t, int images, long xImage, long dyImage, in DepthwiseRun run, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Channels<Simd512, Vector512<float>>(t, images, xImage, dyImage, run, scratch); break;
            case Isa.Avx2: Channels<Simd256, Vector256<float>>(t, images, xImage, dyImage, run, scratch); break;
            default: Channels<Simd128, Vector128<float>>(t, images, xImage, dyImage, run, scratch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Channels<S, V>(Stencil3x3 t, int images, long xImage, long dyImage, in DepthwiseRun run, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        int length = Pitch * t.Planes * run.Count, rows = 0, bandRows = Math.Min(t.BandRows, t.OutputH), strips = t.Starts.Length;
        int group = bandRows < t.OutputH ? 1 : Math.Clamp(Run / (bandRows * strips), 1, images);
        float* sums = scratch;
        double* totals = (double*)(sums + length);
        bool isFirst = true, isOnly = true;
        fixed (int* masks = t.MaskTable)
        {
            for (int n = 0; n < images; n += group)
            for (int first = 0; first < t.OutputH; first += bandRows)
            {
                if (rows >= Run)
                {
                    for (int i = 0; i < length; i++) totals[i] = isOnly ? sums[i] : totals[i] + sums[i];
                    (isFirst, isOnly, rows) = (true, false, 0);
                }

                bool isLast = first + bandRows >= t.OutputH;
                nint ahead = t.Planes * Math.Max(1, Ahead / (images * t.Planes * t.SourceH * t.SourceW));
                nint back = first * t.SourceW * t.Stride, backDy = first * t.OutputW;
                var part = new GradientPart(run.Source + (n * xImage), run.Result + (n * dyImage), Math.Min(group, images - n))
                {
                    XImage = (nint)xImage,
                    DyImage = (nint)dyImage,
                    XAhead = group > 1 || images == 1 && isLast ? ahead * t.SourcePixels : !isLast ? bandRows * t.SourceW * t.Stride : n + group < images ? (nint)xImage - back : -((images - 1) * (nint)xImage) + t.SourcePixels - back,
                    DyAhead = group > 1 || images == 1 && isLast ? ahead * t.OutputPixels : !isLast ? bandRows * t.OutputW : n + group < images ? (nint)dyImage - backDy : -((images - 1) * (nint)dyImage) + t.OutputPixels - backDy,
                };
                for (int i = 0; i < strips; i++)
                {
                    var strip = new DepthwiseStrip(t, t.Starts[i], first, (float*)masks + (i * Stencil3x3.Masks * S.Width));
                    Strip<S, V>(t, strip, t.Kinds[i], run, part, sums, isFirst);
                    isFirst = false;
                }

                rows += part.Images * bandRows * strips;
            }
        }

        for (int i = 0; !isOnly && i < length; i++) sums[i] = (float)(totals[i] + sums[i]);
        Put(t.Planes, run, sums);
    }

    /// <summary>Lays out the sums as dw and db.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Put(int planes, in DepthwiseRun run, float* sums)
    {
        float* dw = run.Weights, db = run.Bias;
        nint second = run.SecondChannel;
        for (int c = 0; c < run.Count; c++, sums += Pitch * planes, dw += 9 * planes)
        {
            Put(sums, dw, db == null ? null : db + (c * planes));
            if (planes == 2) Put(sums + Pitch, dw + (9 * second), db == null ? null : db + (2 * c) + second);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* sums, float* dw, float* db)
    {
        Vector128.Load(sums).Store(dw);
        Vector128.Load(sums + 4).Store(dw + 4);
        dw[8] = sums[8];
        if (db != null) *db = sums[9];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strip<S, V>(
        Stencil3x3 t, in DepthwiseStrip strip, StripKind kind, in DepthwiseRun run, in GradientPart part, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        switch (kind, t.Stride)
        {
            case (StripKind.Inner, 1): Slide<S, V, UnitTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Side, 1): Slide<S, V, UnitSideTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Turn, 1): Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Pair, 1): Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Edge, 1): Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Inner, 2): Skip<S, V, EvenOddTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Side, 2): Skip<S, V, EvenOddSideTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Turn, 2): Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Pair, 2): Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            default: Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
        }
    }

    /// <summary>Stride 1: each row of x meets three rows of dy, but for two at either end of the band, which have fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R>(
        Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, in GradientPart part, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        int first = strip.First, row = first - t.Top, count = strip.End - first, height = t.SourceH;
        bool hasTop = Exists(row, height), hasSecond = Exists(row + 1, height), hasLast = Exists(row + count, height);
        bool hasBottom = Exists(row + count + 1, height);
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult - (S.Width / 2);
        nint nextPitch = t.Planes * pitch, nextWidth = t.Planes * width;
        nint xPlanes = t.Planes * t.SourcePixels, dyPlanes = t.Planes * t.OutputPixels, sumPlanes = t.Planes * Pitch;
        float* x = part.X + (row * pitch) + strip.Start - t.Left;
        float* dy = part.Dy + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes, sums += sumPlanes)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero;
            V bias = S.Zero, t0, t1, t2;
            for (int n = 0; n < part.Images; n++)
            {
                float* p = x + (n * part.XImage), g = dy + (n * part.DyImage), nextX = p + part.XAhead, nextDy = g + part.DyAhead;
                V d0 = Row<S, V, R>(g, second, low, high), d1 = S.Zero;
                bias = S.Add(bias, d0);
                if (hasTop)
                {
                    taps.Load(p, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                }

                if (count > 1)
                {
                    p += pitch;
                    g += width;
                    d1 = d0;
                    d0 = Row<S, V, R>(g, second, low, high);
                    bias = S.Add(bias, d0);
                    if (hasSecond)
                    {
                        taps.Load(p, out t0, out t1, out t2);
                        Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                        Meet<S, V>(t0, t1, t2, d1, ref a3, ref a4, ref a5);
                    }
                }

                for (int i = count - 2; i > 0; i--)
                {
                    Prefetch.ToL1(nextX);
                    Prefetch.ToL1(nextDy);
                    nextX += nextPitch;
                    nextDy += nextWidth;
                    p += pitch;
                    g += width;
                    V d2 = d1;
                    d1 = d0;
                    d0 = Row<S, V, R>(g, second, low, high);
                    bias = S.Add(bias, d0);
                    taps.Load(p, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                    Meet<S, V>(t0, t1, t2, d1, ref a3, ref a4, ref a5);
                    Meet<S, V>(t0, t1, t2, d2, ref a6, ref a7, ref a8);
                }

                p += pitch;
                if (hasLast)
                {
                    taps.Load(p, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a3, ref a4, ref a5);
                    if (count > 1) Meet<S, V>(t0, t1, t2, d1, ref a6, ref a7, ref a8);
                }

                if (hasBottom)
                {
                    taps.Load(p + pitch, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a6, ref a7, ref a8);
                }
            }

            Clear<S, V, R>(strip.Masks, ref a0, ref a1, ref a2);
            Clear<S, V, R>(strip.Masks, ref a3, ref a4, ref a5);
            Clear<S, V, R>(strip.Masks, ref a6, ref a7, ref a8);
            Fold<S, V>(R.IsPair, a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }

    /// <summary>Stride 2: a row of dy meets three rows of x, the last of which meets the next row of dy as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R>(
        Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, in GradientPart part, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        int first = strip.First, row = (2 * first) - t.Top, count = strip.End - first;
        bool hasTop = row >= 0, hasLast = row + (2 * count) < t.SourceH;
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult - (S.Width / 2);
        nint nextPitch = t.Planes * pitch, nextWidth = t.Planes * width;
        nint xPlanes = t.Planes * t.SourcePixels, dyPlanes = t.Planes * t.OutputPixels, sumPlanes = t.Planes * Pitch;
        float* x = part.X + (row * pitch) + (2 * strip.Start) - t.Left;
        float* dy = part.Dy + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes, sums += sumPlanes)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero;
            V bias = S.Zero, t0, t1, t2;
            for (int n = 0; n < part.Images; n++)
            {
                float* p = x + (n * part.XImage), g = dy + (n * part.DyImage), nextX = p + part.XAhead, nextDy = g + part.DyAhead;
                V d0 = Row<S, V, R>(g, second, low, high);
                bias = S.Add(bias, d0);
                if (hasTop)
                {
                    taps.Load(p, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                }

                taps.Load(p + pitch, out t0, out t1, out t2);
                Meet<S, V>(t0, t1, t2, d0, ref a3, ref a4, ref a5);
                for (int i = count - 1; i > 0; i--)
                {
                    Prefetch.ToL1(nextX);
                    Prefetch.ToL1(nextX + Prefetch.Line);
                    Prefetch.ToL1(nextX + nextPitch);
                    Prefetch.ToL1(nextX + nextPitch + Prefetch.Line);
                    Prefetch.ToL1(nextDy);
                    nextX += 2 * nextPitch;
                    nextDy += nextWidth;
                    p += 2 * pitch;
                    g += width;
                    V d1 = d0;
                    d0 = Row<S, V, R>(g, second, low, high);
                    bias = S.Add(bias, d0);
                    taps.Load(p, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                    Meet<S, V>(t0, t1, t2, d1, ref a6, ref a7, ref a8);
                    taps.Load(p + pitch, out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a3, ref a4, ref a5);
                }

                if (hasLast)
                {
                    taps.Load(p + (2 * pitch), out t0, out t1, out t2);
                    Meet<S, V>(t0, t1, t2, d0, ref a6, ref a7, ref a8);
                }
            }

            Clear<S, V, R>(strip.Masks, ref a0, ref a1, ref a2);
            Clear<S, V, R>(strip.Masks, ref a3, ref a4, ref a5);
            Clear<S, V, R>(strip.Masks, ref a6, ref a7, ref a8);
            Fold<S, V>(R.IsPair, a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }

    /// <summary>What a row of dy adds to the sums of three taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Meet<S, V>(V t0, V t1, V t2, V dy, ref V a0, ref V a1, ref V a2)
        where S : struct, ISimd<V>
        where V : struct
    {
        a0 = S.MultiplyAdd(t0, dy, a0);
        a1 = S.MultiplyAdd(t1, dy, a1);
        a2 = S.MultiplyAdd(t2, dy, a2);
    }

    /// <summary>
    /// The sums of a plane's lanes, side by side: neighbours are added until one is left. Of two planes the one's are every other lane then.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold<S, V>(bool isPair, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        a0 = Halve<S, V>(Halve<S, V>(a0, a1), Halve<S, V>(a2, a3));
        a4 = Halve<S, V>(Halve<S, V>(a4, a5), Halve<S, V>(a6, a7));
        a8 = Halve<S, V>(Halve<S, V>(a8, a9), S.Zero);
        if (S.Width == 4)
        {
            Add<S, V>(sums, isFirst, a0);
            Add<S, V>(sums + 4, isFirst, a4);
            Add<S, V>(sums + 8, isFirst, a8);
        }
        else if (S.Width == 8)
        {
            Add<S, V>(sums, isFirst, isPair ? S.Even(a0, a4) : Halve<S, V>(a0, a4));
            Add<S, V>(sums + 8, isFirst, isPair ? S.Even(a8, S.Zero) : Halve<S, V>(a8, S.Zero));
            if (!isPair) return;
            Add<S, V>(sums + Pitch, isFirst, S.Odd(a0, a4));
            Add<S, V>(sums + Pitch + 8, isFirst, S.Odd(a8, S.Zero));
        }
        else
        {
            a0 = Halve<S, V>(a0, a4);
            a8 = Halve<S, V>(a8, S.Zero);
            V even = S.Even(a0, a8), odd = S.Odd(a0, a8);
            Add<S, V>(sums, isFirst, isPair ? even : S.Add(even, odd));
            if (isPair) Add<S, V>(sums + Pitch, isFirst, odd);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Halve<S, V>(V low, V high)
        where S : struct, ISimd<V>
        where V : struct => S.Add(S.Even(low, high), S.Odd(low, high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V>(float* sums, bool isFirst, V value)
        where S : struct, ISimd<V>
        where V : struct => S.Store(sums, isFirst ? value : S.Add(S.Load(sums), value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Exists(int row, int height) => (uint)row < (uint)height;

    /// <summary>A row of dy; 0 beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Row<S, V, R>(float* dy, nint second, V low, V high)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (R.IsWhole) return S.Load(dy);
        V row = S.LoadMasked(dy, low, S.Zero);
        return R.IsPair ? S.LoadMasked(dy + second, high, row) : row;
    }

    /// <summary>Clears what taps read beyond the outputs: it may not be finite, and met zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V, R>(float* masks, ref V a, ref V b, ref V c)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (R.IsWhole) return;
        V outputs = S.Load(masks + (R.Outputs * S.Width));
        a = S.And(a, outputs);
        b = S.And(b, outputs);
        c = S.And(c, outputs);
    }
}
