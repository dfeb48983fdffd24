using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>What the rows of a strip add to the ten sums of a 3×3 depthwise gradient, and what is asked for meanwhile.</summary>
internal static unsafe class GradientRows
{
    /// <summary>Stride 1: each row of x meets three rows of dy, but for two at either end of the band, which have fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SlideRows<S, V, R>(
        R taps, float* p, float* g, nint pitch, nint width, nint second, V mask, int count, bool hasTop, bool hasSecond, bool hasLast,
        bool hasBottom, bool isFar, nint xStep, nint dyStep, float* nextX, float* nextDy,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8, ref V bias)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V t0, t1, t2;
        V d0 = Row<S, V, R>(g, second, mask), d1 = S.Zero;
        bias = S.Add(bias, d0);
        Ask(xStep, dyStep, isFar, ref nextX, ref nextDy);
        if (hasTop)
        {
            taps.Load(p, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, d0, ref a0, ref a1, ref a2);
        }

        if (count > 1)
        {
            Ask(xStep, dyStep, isFar, ref nextX, ref nextDy);
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
            Ask(xStep, dyStep, isFar, ref nextX, ref nextDy);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SkipRows<S, V, R>(
        R taps, float* p, float* g, nint pitch, nint width, nint second, V mask, int count, bool hasTop, bool hasLast,
        nint xStep, nint dyStep, bool isOnAndOn, bool isFar, float* nextX, float* nextDy,
        ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5, ref V a6, ref V a7, ref V a8, ref V bias)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V t0, t1, t2;
        Row<S, V, R>(taps, g, second, mask, out V d0, out V e0);
        bias = S.Add(bias, d0);
        AskTwo(xStep, dyStep, isOnAndOn, isFar, ref nextX, ref nextDy);
        if (hasTop)
        {
            taps.Load(p, out t0, out t1, out t2);
            Meet<S, V>(t0, t1, t2, e0, d0, ref a0, ref a1, ref a2);
        }

        taps.Load(p + pitch, out t0, out t1, out t2);
        Meet<S, V>(t0, t1, t2, e0, d0, ref a3, ref a4, ref a5);
        for (int rows = count - 1; rows > 0; rows--)
        {
            AskTwo(xStep, dyStep, isOnAndOn, isFar, ref nextX, ref nextDy);
            p += 2 * pitch;
            g += width;
            V d1 = d0, e1 = e0;
            Row<S, V, R>(taps, g, second, mask, out d0, out e0);
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
    private static void Ask(nint xStep, nint dyStep, bool isFar, ref float* x, ref float* dy)
    {
        Prefetch.To(isFar, x);
        Prefetch.To(isFar, dy);
        x += xStep;
        dy += dyStep;
    }

    /// <summary>
    /// The same with two rows of x, of twice as many columns. Where planes are read on and on, every other line brings its neighbour along.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AskTwo(nint xStep, nint dyStep, bool isOnAndOn, bool isFar, ref float* x, ref float* dy)
    {
        Prefetch.To(isFar, x + (2 * Prefetch.Line));
        if (!isOnAndOn)
        {
            Prefetch.To(isFar, x + Prefetch.Line);
            Prefetch.To(isFar, x + (3 * Prefetch.Line));
        }

        Ask(xStep, dyStep, isFar, ref x, ref dy);
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

    /// <summary>Where the lanes of the planes are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlanes LanesOf<S, V, R>()
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V> => !R.IsPair ? LanePlanes.One : R.IsWoven ? LanePlanes.Twos : LanePlanes.Halves;

    /// <summary>Whether x has such a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Exists(int row, int height) => (uint)row < (uint)height;

    /// <summary>A row of dy; 0 beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Row<S, V, R>(float* dy, nint second, V mask)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (R.IsWhole) return S.Load(dy);
        return R.IsPair ? S.LoadHalves(dy, dy + second, mask) : S.LoadWhere(dy, mask);
    }

    /// <summary>A row of dy and what tap 0 meets: where rows are woven, that of the columns after.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<S, V, R>(R taps, float* dy, nint second, V mask, out V row, out V first)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        row = Row<S, V, R>(dy, second, mask);
        first = R.First(taps, dy, row);
        if (R.IsWoven) row = S.Woven(row);
    }

    /// <summary>The mask of the outputs; where rows are woven, of those that have another one after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Outputs<S, V, R>(float* masks)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        V outputs = S.Load(masks + ((R.IsWoven ? Stencil3x3.NextMask : R.Outputs) * S.Width));
        return R.IsWoven ? S.Woven(outputs) : outputs;
    }

    /// <summary>Clears what taps read beyond the outputs: it may not be finite, and met zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ClearAll<S, V, R>(
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
