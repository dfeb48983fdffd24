using System.Runtime.CompilerServices;
using ConvNative.Simd;
using static ConvNative.Kernels.GradientRows;

namespace ConvNative.Kernels;

/// <summary>
/// A 3×3 depthwise gradient of planes whose sums are in registers from the first row to the last, image by image. They are dw and db at once, and
/// there are fewer numbers to keep in registers than <see cref="GradientStrip"/> has: to begin with a strip costs as much as several rows.
/// </summary>
internal static unsafe class GradientPlanes
{
    /// <summary>Sets dw and db of planes whose sums are in registers all at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<S, V>(Stencil3x3 t, int* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
    {
        switch (t.Kinds[0], t.Stride)
        {
            case (StripKind.Turn, 1): Planes<S, V, UnitTurnTaps<S, V>>(t, (float*)masks, run, part); break;
            case (StripKind.Pair, 1): Planes<S, V, UnitPairTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, 1) when t.CanJoinStrips: SlideStrips<S, V>(t, (float*)masks, run, part); break;
            case (StripKind.Side, 1): Planes<S, V, UnitSideTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, 1): Planes<S, V, UnitEdgeTaps<S, V>>(t, (float*)masks, run, part); break;
            case (StripKind.Pair, _): Planes<S, V, WovenPairTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, _) when !t.IsWoven: Planes<S, V, EvenOddEdgeTaps<S, V>>(t, (float*)masks, run, part); break;
            case (_, _) when t.CanJoinStrips: SkipStrips<S, V>(t, (float*)masks, run, part); break;
            default: Planes<S, V, WovenEdgeTaps<S, V>>(t, (float*)masks, run, part); break;
        }
    }

    /// <summary>Planes that are a strip each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Planes<S, V, R>(Stencil3x3 t, float* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(masks, run.SecondSource);
        V mask = S.Load(masks + (R.Outputs * S.Width)), outputs = Outputs<S, V, R>(masks);
        bool hasTop = t.Top == 0, hasSecond = Exists(1 - t.Top, t.SourceH), hasLast = Exists((R.Stride * t.OutputH) - t.Top, t.SourceH);
        bool hasBottom = Exists(t.OutputH + 1 - t.Top, t.SourceH), isOnAndOn = part.Images == 1;
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
                if (R.Stride == 1)
                {
                    SlideRows<S, V, R>(
                        taps, atX, atDy, pitch, width, second, mask, count, hasTop, hasSecond, hasLast, hasBottom, isFar: false, xStep, dyStep, nextX, nextDy,
                        ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                }
                else
                {
                    SkipRows<S, V, R>(
                        taps, atX, atDy, pitch, width, second, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn, isFar: false, nextX, nextDy,
                        ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                }
            }

            ClearAll<S, V, R>(outputs, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
            GradientSums.Put<S, V>(LanesOf<S, V, R>(), a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, secondChannel);
            dw += R.IsPair ? 18 : 9;
            if (db != null) db += R.IsPair ? 2 : 1;
        }
    }

    /// <summary>Planes of several strips: the first one's vectors are whole, the last one's are not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SlideStrips<S, V>(Stencil3x3 t, float* masks, in DepthwiseRun run, in GradientPart part)
        where S : struct, ISimd<V>
        where V : struct
    {
        int whole = t.Starts.Length - 1, count = t.OutputH, images = part.Images;
        UnitTaps<S, V> taps = default;
        UnitSideTaps<S, V> firstTaps = UnitSideTaps<S, V>.For(masks, 0);
        masks += whole * Stencil3x3.Masks * S.Width;
        UnitLastTaps<S, V> lastTaps = UnitLastTaps<S, V>.For(masks, 0);
        V mask = S.Load(masks + (Stencil3x3.OutputMask * S.Width));
        bool hasTop = t.Top == 0, hasSecond = Exists(1 - t.Top, t.SourceH), hasLast = Exists(t.OutputH - t.Top, t.SourceH);
        bool hasBottom = Exists(t.OutputH + 1 - t.Top, t.SourceH);
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
                SlideRows<S, V, UnitSideTaps<S, V>>(
                    firstTaps, p, g, pitch, width, 0, mask, count, hasTop, hasSecond, hasLast, hasBottom, isFar: false, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                for (int strip = 1; strip < whole; strip++)
                {
                    p += S.Width;
                    g += S.Width;
                    nextX += xShare;
                    nextDy += dyShare;
                    SlideRows<S, V, UnitTaps<S, V>>(
                        taps, p, g, pitch, width, 0, mask, count, hasTop, hasSecond, hasLast, hasBottom, isFar: false, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                }

                p += S.Width;
                g += S.Width;
                nextX += xShare;
                nextDy += dyShare;
                SlideRows<S, V, UnitLastTaps<S, V>>(
                    lastTaps, p, g, pitch, width, 0, mask, count, hasTop, hasSecond, hasLast, hasBottom, isFar: false, xStep, dyStep, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            GradientSums.Put<S, V>(LanePlanes.One, a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, 0);
            if (db != null) db++;
        }
    }

    /// <summary>The same with stride 2, where nothing is read before a strip.</summary>
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
                        taps, p, g, pitch, width, 0, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn: false, isFar: false, nextX, nextDy,
                        ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
                }

                SkipRows<S, V, WovenLastTaps<S, V>>(
                    lastTaps, p, g, pitch, width, 0, mask, count, hasTop, hasLast, xStep, dyStep, isOnAndOn: false, isFar: false, nextX, nextDy,
                    ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8, ref bias);
            }

            GradientSums.Put<S, V>(LanePlanes.One, a0, a1, a2, a3, a4, a5, a6, a7, a8, bias, dw, db, 0);
            if (db != null) db++;
        }
    }
}
