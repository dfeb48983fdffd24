using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>A strip of a 3×3 depthwise gradient, from its top row to the bottom and image by image, with the ten sums in registers.</summary>
internal static unsafe class GradientStrip
{
    /// <summary>Adds a strip's part to the sums of each channel, or pair, of a run; sets them if it is the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<S, V>(
        Stencil3x3 t, in DepthwiseStrip strip, StripKind kind, in DepthwiseRun run, in GradientPart part, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        switch (kind, t.Stride)
        {
            case (StripKind.Inner, 1): Slide<S, V, UnitTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Tail, 1): Slide<S, V, UnitTailTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Side, 1): Slide<S, V, UnitSideTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Turn, 1): Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Pair, 1): Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Edge, 1): Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Pair, _): Skip<S, V, WovenPairTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Inner, _) when t.IsWoven: Skip<S, V, WovenTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Edge, _) when t.IsWoven: Skip<S, V, WovenEdgeTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Inner, 2): Skip<S, V, EvenOddTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Tail, 2): Skip<S, V, EvenOddTailTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            case (StripKind.Side, 2): Skip<S, V, EvenOddSideTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
            default: Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run, part, sums, isFirst); break;
        }
    }

    /// <summary>Sets dw and db of planes whose sums are in registers all at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Planes<S, V>(Stencil3x3 t, int* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
    {
        switch (t.Kinds[0], t.Stride)
        {
            case (StripKind.Turn, 1): SlidePlanes<S, V, UnitTurnTaps<S, V>>(t, (float*)masks, run, part); break;
            case (StripKind.Pair, 1): SlidePlanes<S, V, UnitPairTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, 1): SlidePlanes<S, V, UnitEdgeTaps<S, V>>(t, (float*)masks, run, part); break;
            case (StripKind.Pair, _): SkipPlanes<S, V, WovenPairTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, _) when !t.IsWoven: SkipPlanes<S, V, EvenOddEdgeTaps<S, V>>(t, (float*)masks, run, part); break;
            default:
                if (t.Starts.Length == 1) SkipPlanes<S, V, WovenEdgeTaps<S, V>>(t, (float*)masks, run, part);
                else SkipStrips<S, V>(t, (float*)masks, run, part);
                break;
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
        V mask = S.Load(strip.Masks + (R.Outputs * S.Width)), outputs = Outputs<S, V, R>(strip.Masks);
        int first = strip.First, row = first - t.Top, count = strip.End - first, height = t.SourceH;
        bool hasTop = Exists(row, height), hasSecond = Exists(row + 1, height), hasLast = Exists(row + count, height);
        bool hasBottom = Exists(row + count + 1, height);
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult;
        bool isAlike = R.IsWhole && strip.Alike > 1;
        int repeats = part.Images * (isAlike ? strip.Alike : 1);
        nint xRepeat = isAlike ? S.Width : part.XImage, dyRepeat = isAlike ? S.Width : part.DyImage;
        nint xAhead = part.XAhead + (strip.Index * (part.XShare - t.Lanes)), dyAhead = part.DyAhead + (strip.Index * (part.DyShare - t.Lanes));
        nint xAheadRepeat = isAlike ? part.XShare : part.XImage, dyAheadRepeat = isAlike ? part.DyShare : part.DyImage;
        nint xStep = part.XStep, dyStep = part.DyStep;
        float* x = part.X + (row * pitch) + strip.Start - t.Left;
        float* dy = part.Dy + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += part.XPlanes, dy += part.DyPlanes, sums += part.SumPitch)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero;
            V bias = S.Zero;
            float* atX = x, atDy = dy, askX = x + xAhead, askDy = dy + dyAhead;
            for (int n = repeats; n > 0; n--, atX += xRepeat, atDy += dyRepeat, askX += xAheadRepeat, askDy += dyAheadRepeat)
            {
                float* p = atX, g = atDy, nextX = askX + (n == 1 ? part.XLast : 0), nextDy = askDy + (n == 1 ? part.DyLast : 0);
                SlideRows<S, V, R>(
                    taps, p, g, pitch, width, second, mask, count, hasTop, hasSecond, hasLast, hasBottom, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            if (part.IsAll) GradientSums.Add<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
            else GradientSums.Keep<S, V>(a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }

    /// <summary>
    /// The same of planes that are a strip each, image by image: their sums are dw and db at once, and there are fewer numbers to keep in registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SlidePlanes<S, V, R>(Stencil3x3 t, float* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(masks, run.SecondSource);
        V mask = S.Load(masks + (R.Outputs * S.Width)), outputs = Outputs<S, V, R>(masks);
        bool hasTop = t.Top == 0, hasSecond = Exists(1 - t.Top, t.SourceH), hasLast = Exists(t.OutputH - t.Top, t.SourceH);
        bool hasBottom = Exists(t.OutputH + 1 - t.Top, t.SourceH);
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult, secondChannel = run.SecondChannel;
        nint xPlanes = part.XPlanes, dyPlanes = part.DyPlanes, xImage = part.XImage, dyImage = part.DyImage, xStep = part.XStep, dyStep = part.DyStep;
        nint xAhead = part.XAhead, dyAhead = part.DyAhead, xLast = part.XLast, dyLast = part.DyLast;
        float* x = part.X - (t.Top * pitch) - t.Left, dy = part.Dy, dw = run.Weights, db = run.Bias;
        int count = t.OutputH, images = part.Images;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
            float* atX = x, atDy = dy;
            for (int n = images; n > 0; n--, atX += xImage, atDy += dyImage)
            {
                float* nextX = atX + xAhead + (n == 1 ? xLast : 0), nextDy = atDy + dyAhead + (n == 1 ? dyLast : 0);
                SlideRows<S, V, R>(
                    taps, atX, atDy, pitch, width, second, mask, count, hasTop, hasSecond, hasLast, hasBottom, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            GradientSums.Put<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, secondChannel);
            dw += R.IsPair ? 18 : 9;
            if (db != null) db += R.IsPair ? 2 : 1;
        }
    }

    /// <summary>The rows of a strip, and what is asked for meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SlideRows<S, V, R>(
        R taps, float* p, float* g, nint pitch, nint width, nint second, V mask, int count, bool hasTop, bool hasSecond, bool hasLast,
        bool hasBottom, nint xStep, nint dyStep, float* nextX, float* nextDy,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8, ref V bias)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V t0, t1, t2;
        V d0 = Row<S, V, R>(g, second, mask), d1 = S.Zero;
        bias = S.Add(bias, d0);
        Ask(xStep, dyStep, ref nextX, ref nextDy);
        if (hasTop)
        {
            taps.Load(p, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
        }

        if (count > 1)
        {
            Ask(xStep, dyStep, ref nextX, ref nextDy);
            p += pitch;
            g += width;
            d1 = d0;
            d0 = Row<S, V, R>(g, second, mask);
            bias = S.Add(bias, d0);
            if (hasSecond)
            {
                taps.Load(p, out t0, out t1, out t2);
                Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
                Meet<S, V>(t0, t1, t2, d1, ref a3, ref a4, ref a5);
            }
        }

        for (int rows = count - 2; rows > 0; rows--)
        {
            Ask(xStep, dyStep, ref nextX, ref nextDy);
            p += pitch;
            g += width;
            V d2 = d1;
            d1 = d0;
            d0 = Row<S, V, R>(g, second, mask);
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

    /// <summary>
    /// Stride 2: a row of dy meets three rows of x, the last of which meets the next row of dy as well. Woven rows are met by tap 0 in a row of dy
    /// of its own, shifted by a column.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R>(
        Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, in GradientPart part, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        V mask = S.Load(strip.Masks + (R.Outputs * S.Width)), outputs = Outputs<S, V, R>(strip.Masks);
        int first = strip.First, row = (2 * first) - t.Top, count = strip.End - first;
        bool hasTop = row >= 0, hasLast = row + (2 * count) < t.SourceH;
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult;
        bool isOnAndOn = t.Starts.Length == 1 && part.Images == 1;
        bool isAlike = R.IsWhole && strip.Alike > 1;
        int repeats = part.Images * (isAlike ? strip.Alike : 1);
        nint xRepeat = isAlike ? 2 * S.Width : part.XImage, dyRepeat = isAlike ? S.Width : part.DyImage;
        nint xAhead = part.XAhead + (strip.Index * (part.XShare - (2 * t.Lanes))), dyAhead = part.DyAhead + (strip.Index * (part.DyShare - t.Lanes));
        nint xAheadRepeat = isAlike ? part.XShare : part.XImage, dyAheadRepeat = isAlike ? part.DyShare : part.DyImage;
        nint xStep = part.XStep, dyStep = part.DyStep;
        float* x = part.X + (row * pitch) + (2 * strip.Start) - t.Left;
        float* dy = part.Dy + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += part.XPlanes, dy += part.DyPlanes, sums += part.SumPitch)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero;
            V bias = S.Zero;
            float* atX = x, atDy = dy, askX = x + xAhead, askDy = dy + dyAhead;
            for (int n = repeats; n > 0; n--, atX += xRepeat, atDy += dyRepeat, askX += xAheadRepeat, askDy += dyAheadRepeat)
            {
                float* p = atX, g = atDy, nextX = askX + (n == 1 ? part.XLast : 0), nextDy = askDy + (n == 1 ? part.DyLast : 0);
                SkipRows<S, V, R>(
                    taps, p, g, pitch, width, second, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            if (part.IsAll) GradientSums.Add<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
            else GradientSums.Keep<S, V>(a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }

    /// <summary>
    /// The same of planes that are a strip each, image by image: their sums are dw and db at once, and there are fewer numbers to keep in registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SkipPlanes<S, V, R>(Stencil3x3 t, float* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(masks, run.SecondSource);
        V mask = S.Load(masks + (R.Outputs * S.Width)), outputs = Outputs<S, V, R>(masks);
        bool hasTop = t.Top == 0, hasLast = (2 * t.OutputH) - t.Top < t.SourceH, isOnAndOn = part.Images == 1;
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult, secondChannel = run.SecondChannel;
        nint xPlanes = part.XPlanes, dyPlanes = part.DyPlanes, xImage = part.XImage, dyImage = part.DyImage, xStep = part.XStep, dyStep = part.DyStep;
        nint xAhead = part.XAhead, dyAhead = part.DyAhead, xLast = part.XLast, dyLast = part.DyLast;
        float* x = part.X - (t.Top * pitch) - t.Left, dy = part.Dy, dw = run.Weights, db = run.Bias;
        int count = t.OutputH, images = part.Images;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
            float* atX = x, atDy = dy;
            for (int n = images; n > 0; n--, atX += xImage, atDy += dyImage)
            {
                float* nextX = atX + xAhead + (n == 1 ? xLast : 0), nextDy = atDy + dyAhead + (n == 1 ? dyLast : 0);
                SkipRows<S, V, R>(
                    taps, atX, atDy, pitch, width, second, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            GradientSums.Put<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, secondChannel);
            dw += R.IsPair ? 18 : 9;
            if (db != null) db += R.IsPair ? 2 : 1;
        }
    }

    /// <summary>The same of planes of several strips, the last of which is at an edge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SkipStrips<S, V>(Stencil3x3 t, float* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
    {
        int whole = t.Starts.Length - 1, count = t.OutputH, images = part.Images;
        masks += whole * Stencil3x3.Masks * S.Width;
        WovenTaps<S, V> taps = default;
        WovenLastTaps<S, V> lastTaps = WovenLastTaps<S, V>.For(masks, 0);
        V mask = S.Load(masks + (Stencil3x3.OutputMask * S.Width));
        bool hasTop = t.Top == 0, hasLast = (2 * t.OutputH) - t.Top < t.SourceH;
        nint pitch = t.SourceW, width = t.OutputW, xPlanes = part.XPlanes, dyPlanes = part.DyPlanes, xImage = part.XImage, dyImage = part.DyImage;
        nint xStep = part.XStep, dyStep = part.DyStep, xShare = part.XShare, dyShare = part.DyShare;
        nint xAhead = part.XAhead, dyAhead = part.DyAhead, xLast = part.XLast, dyLast = part.DyLast;
        float* x = part.X - (t.Top * pitch) - t.Left, dy = part.Dy, dw = run.Weights, db = run.Bias;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes, dw += 9)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
            float* atX = x, atDy = dy;
            for (int n = images; n > 0; n--, atX += xImage, atDy += dyImage)
            {
                float* nextX = atX + xAhead + (n == 1 ? xLast : 0), nextDy = atDy + dyAhead + (n == 1 ? dyLast : 0), p = atX, g = atDy;
                for (int strip = 0; strip < whole; strip++, p += 2 * S.Width, g += S.Width, nextX += xShare, nextDy += dyShare)
                {
                    SkipRows<S, V, WovenTaps<S, V>>(
                        taps, p, g, pitch, width, 0, mask, count, hasTop, hasLast, xStep, dyStep, false, nextX, nextDy,
                        ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                }

                SkipRows<S, V, WovenLastTaps<S, V>>(
                    lastTaps, p, g, pitch, width, 0, mask, count, hasTop, hasLast, xStep, dyStep, false, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }


            GradientSums.Put<S, V>(LanePlanes.One, a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, 0);
            if (db != null) db++;
        }
    }

    /// <summary>The rows of a strip, and what is asked for meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SkipRows<S, V, R>(
        R taps, float* p, float* g, nint pitch, nint width, nint second, V mask, int count, bool hasTop, bool hasLast,
        nint xStep, nint dyStep, bool isOnAndOn, float* nextX, float* nextDy,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8, ref V bias)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V t0, t1, t2;
        Row<S, V, R>(g, second, mask, out V d0, out V e0);
        bias = S.Add(bias, d0);
        AskTwo(xStep, dyStep, isOnAndOn, ref nextX, ref nextDy);
        if (hasTop)
        {
            taps.Load(p, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, e0, d0, ref a0, ref a1, ref a2);
        }

        taps.Load(p + pitch, out t0, out t1, out t2);
        Meet<S, V>(t0, t1, t2, e0, d0, ref a3, ref a4, ref a5);
        for (int rows = count - 1; rows > 0; rows--)
        {
            AskTwo(xStep, dyStep, isOnAndOn, ref nextX, ref nextDy);
            p += 2 * pitch;
            g += width;
            V d1 = d0, e1 = e0;
            Row<S, V, R>(g, second, mask, out d0, out e0);
            bias = S.Add(bias, d0);
            taps.Load(p, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, e0, d0, ref a0, ref a1, ref a2);
            Meet<S, V>(t0, t1, t2, e1, d1, ref a6, ref a7, ref a8);
            taps.Load(p + pitch, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, e0, d0, ref a3, ref a4, ref a5);
        }

        if (hasLast)
        {
            taps.Load(p + (2 * pitch), out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, e0, d0, ref a6, ref a7, ref a8);
        }
    }

    /// <summary>Asks for what the next part needs for a row of dy and one of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(nint xStep, nint dyStep, ref float* x, ref float* dy)
    {
        Prefetch.ToL1(x);
        Prefetch.ToL1(dy);
        x += xStep;
        dy += dyStep;
    }

    /// <summary>
    /// The same with two rows of x, of twice as many columns. Where planes are read on and on, every other line brings its neighbour along.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AskTwo(nint xStep, nint dyStep, bool isOnAndOn, ref float* x, ref float* dy)
    {
        Prefetch.ToL1(x + (2 * Prefetch.Line));
        if (!isOnAndOn)
        {
            Prefetch.ToL1(x + Prefetch.Line);
            Prefetch.ToL1(x + (3 * Prefetch.Line));
        }

        Ask(xStep, dyStep, ref x, ref dy);
    }

    /// <summary>What a row of dy adds to the sums of three taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Meet<S, V>(V t0, V t1, V t2, V dy, ref V a0, ref V a1, ref V a2)
        where S : struct, ISimd<V>
        where V : struct => Meet<S, V>(t0, t1, t2, dy, dy, ref a0, ref a1, ref a2);

    /// <summary>The same, with what tap 0 meets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Meet<S, V>(V t0, V t1, V t2, V first, V dy, ref V a0, ref V a1, ref V a2)
        where S : struct, ISimd<V>
        where V : struct
    {
        a0 = S.MultiplyAdd(t0, first, a0);
        a1 = S.MultiplyAdd(t1, dy, a1);
        a2 = S.MultiplyAdd(t2, dy, a2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LanePlanes LanesOf<S, V, R>()
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V> => !R.IsPair ? LanePlanes.One : R.IsWoven ? LanePlanes.Twos : LanePlanes.Halves;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Exists(int row, int height) => (uint)row < (uint)height;

    /// <summary>A row of dy; 0 beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Row<S, V, R>(float* dy, nint second, V mask)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (R.IsWhole) return S.Load(dy);
        return R.IsPair ? S.LoadHalves(dy, dy + second, mask) : S.LoadMasked(dy, mask, S.Zero);
    }

    /// <summary>A row of dy and what tap 0 meets: where rows are woven, that of the columns after.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<S, V, R>(float* dy, nint second, V mask, out V row, out V first)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        row = Row<S, V, R>(dy, second, mask);
        first = R.First(dy, row);
        if (R.IsWoven) row = S.Woven(row);
    }

    /// <summary>The mask of the outputs; where rows are woven, of those that have another one after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Outputs<S, V, R>(float* masks)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V outputs = S.Load(masks + ((R.IsWoven ? Stencil3x3.NextMask : R.Outputs) * S.Width));
        return R.IsWoven ? S.Woven(outputs) : outputs;
    }

    /// <summary>Clears what taps read beyond the outputs: it may not be finite, and met zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ClearAll<S, V, R>(
        V outputs, ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        Clear<S, V, R>(outputs, ref a0, ref a3, ref a6);
        if (R.Stride == 2) return;
        Clear<S, V, R>(outputs, ref a2, ref a5, ref a8);
        if (!R.Turns) Clear<S, V, R>(outputs, ref a1, ref a4, ref a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V, R>(V outputs, ref V a, ref V b, ref V c)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (R.IsWhole) return;
        a = S.And(a, outputs);
        b = S.And(b, outputs);
        c = S.And(c, outputs);
    }
}
