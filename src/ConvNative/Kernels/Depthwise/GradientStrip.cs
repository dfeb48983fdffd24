using System.Runtime.CompilerServices;
using ConvNative.Simd;
using static ConvNative.Kernels.GradientRows;

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

    /// <summary>Stride 1.</summary>
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
                    taps, p, g, pitch, width, second, mask, count, hasTop, hasSecond, hasLast, hasBottom, t.IsBanded, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            if (part.IsAll) GradientSums.Add<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
            else GradientSums.Keep<S, V>(a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }

    /// <summary>Stride 2.</summary>
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
                    taps, p, g, pitch, width, second, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn, t.IsBanded, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            if (part.IsAll) GradientSums.Add<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
            else GradientSums.Keep<S, V>(a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, sums, isFirst);
        }
    }
}
