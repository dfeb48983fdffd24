using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The gradients of a 3×3 depthwise convolution's weights and bias: dw[k] = Σ dy·(x under tap k), db = Σ dy, down each strip with the nine
/// sums in registers. A lane is summed in float over a run of rows that the sizes alone decide, runs in double.
/// </summary>
internal static unsafe class Gradient3x3
{
    private const int Sums = 10;   // nine taps, then the bias
    private const int Run = 512;   // rows of strips that a float lane sums

    /// <summary>Floats of scratch memory for so many channels, or pairs: vectors of sums and one more, then the totals of two channels.</summary>
    public static long ScratchLength(Stencil3x3 t, long channels) => (((Sums * channels) + 1) * t.Width) + (2 * t.Planes * Sums * channels);

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
        int vectors = Sums * run.Count, rows = 0;
        float* sums = scratch;
        double* totals = (double*)(sums + ((vectors + 1) * S.Width));
        bool isFirst = true, isOnly = true;
        fixed (int* masks = t.MaskTable)
        {
            for (int n = 0; n < images; n++)
            for (int first = 0; first < t.OutputH; first += t.BandRows)
            {
                if (rows >= Run)
                {
                    Fold<S, V>(t, vectors, sums);
                    for (int i = 0; i < vectors * t.Planes; i++) totals[i] = isOnly ? sums[i] : totals[i] + sums[i];
                    (isFirst, isOnly, rows) = (true, false, 0);
                }

                for (int i = 0; i < t.Starts.Length; i++)
                {
                    var strip = new DepthwiseStrip(t, t.Starts[i], first, (float*)masks + (i * Stencil3x3.Masks * S.Width));
                    Strip<S, V>(t, strip, t.IsWhole[i], run, n * xImage, n * dyImage, isFirst, sums);
                    isFirst = false;
                }

                rows += t.BandRows * t.Starts.Length;
            }
        }

        Fold<S, V>(t, vectors, sums);
        if (!isOnly)
        {
            for (int i = 0; i < vectors * t.Planes; i++) sums[i] = (float)(totals[i] + sums[i]);
        }

        Put(t.Planes, run, sums);
    }

    /// <summary>Lays out the sums, those of two planes side by side, as dw and db.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Put(int planes, in DepthwiseRun run, float* sums)
    {
        float* dw = run.Weights, db = run.Bias;
        for (int c = 0; c < run.Count; c++, sums += Sums * planes, dw += 9 * planes)
        for (int i = 0; i < planes; i++)
        {
            float* to = dw + (i * 9 * run.SecondChannel);
            for (int k = 0; k < 9; k++) to[k] = sums[(k * planes) + i];
            if (db != null) db[(c * planes) + (i * run.SecondChannel)] = sums[(9 * planes) + i];
        }
    }

    /// <summary>
    /// The sums of each plane's lanes, side by side: neighbours are added until one is left. A vector that is missing to the last pair may hold
    /// anything.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fold<S, V>(Stencil3x3 t, int vectors, float* sums)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (int lanes = t.Lanes; lanes > 1; lanes /= 2)
        {
            vectors = (vectors + 1) / 2;
            for (int i = 0; i < vectors; i++)
            {
                V low = S.Load(sums + (2 * i * S.Width)), high = S.Load(sums + (((2 * i) + 1) * S.Width));
                S.Store(sums + (i * S.Width), S.Add(S.Even(low, high), S.Odd(low, high)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strip<S, V>(
        Stencil3x3 t, in DepthwiseStrip strip, bool isWhole, in DepthwiseRun run, long x, long dy, bool isFirst, float* sums)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (t.Stride == 2)
        {
            if (t.IsPair) Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
            else if (isWhole) Skip<S, V, EvenOddTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
            else if (t.Turns) Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
            else Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
        }
        else if (t.IsPair) Slide<S, V, UnitPairTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
        else if (isWhole) Slide<S, V, UnitTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
        else if (t.Turns) Slide<S, V, UnitTurnTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
        else Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, run, x, dy, isFirst, sums);
    }

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

    /// <summary>
    /// Stride 1: each row of x meets three rows of dy. The rows that meet all three, and exist, are a loop of their own, without a branch
    /// and with the masks in registers. Here and below, a lane beyond dy's row may sum what is not finite: it is cleared at the end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R>(
        Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, long xStart, long dyStart, bool isFirst, float* sums)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        int first = strip.First, end = strip.End, top = t.Top, height = t.SourceH;
        int innerFirst = Math.Max(first + 2, top), innerEnd = Math.Min(end, height + top);
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult - (S.Width / 2);
        nint xPlanes = t.Planes * t.SourcePixels, dyPlanes = t.Planes * t.OutputPixels;
        float* x = run.Source + xStart + ((first - top) * pitch) + strip.Start - t.Left;
        float* dy = run.Result + dyStart + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes, sums += Sums * S.Width)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
            V d0 = S.Zero, d1 = S.Zero, d2 = S.Zero;
            float* p = x, g = dy;
            for (int i = first; i < end + 2; i++, p += pitch, g += width)
            {
                if (i == innerFirst)
                {
                    for (; i < innerEnd; i++, p += pitch, g += width)
                    {
                        d2 = d1;
                        d1 = d0;
                        d0 = Row<S, V, R>(g, second, low, high);
                        taps.Load(p, out V u0, out V u1, out V u2);
                        bias = S.Add(bias, d0);
                        a0 = S.MultiplyAdd(u0, d0, a0);
                        a1 = S.MultiplyAdd(u1, d0, a1);
                        a2 = S.MultiplyAdd(u2, d0, a2);
                        a3 = S.MultiplyAdd(u0, d1, a3);
                        a4 = S.MultiplyAdd(u1, d1, a4);
                        a5 = S.MultiplyAdd(u2, d1, a5);
                        a6 = S.MultiplyAdd(u0, d2, a6);
                        a7 = S.MultiplyAdd(u1, d2, a7);
                        a8 = S.MultiplyAdd(u2, d2, a8);
                    }
                }

                d2 = d1;
                d1 = d0;
                if (i < end)
                {
                    d0 = Row<S, V, R>(g, second, low, high);
                    bias = S.Add(bias, d0);
                }

                if ((uint)(i - top) >= (uint)height) continue;
                taps.Load(p, out V t0, out V t1, out V t2);

                // A row of dy that does not exist is left out: 0 times what is not finite were not 0.
                if (i < end)
                {
                    a0 = S.MultiplyAdd(t0, d0, a0);
                    a1 = S.MultiplyAdd(t1, d0, a1);
                    a2 = S.MultiplyAdd(t2, d0, a2);
                }

                if (i > first && i <= end)
                {
                    a3 = S.MultiplyAdd(t0, d1, a3);
                    a4 = S.MultiplyAdd(t1, d1, a4);
                    a5 = S.MultiplyAdd(t2, d1, a5);
                }

                if (i > first + 1)
                {
                    a6 = S.MultiplyAdd(t0, d2, a6);
                    a7 = S.MultiplyAdd(t1, d2, a7);
                    a8 = S.MultiplyAdd(t2, d2, a8);
                }
            }

            V outputs = R.IsWhole ? S.Zero : S.Load(strip.Masks + (R.Outputs * S.Width));
            Sum<S, V, R>(sums, isFirst, outputs, a0);
            Sum<S, V, R>(sums + S.Width, isFirst, outputs, a1);
            Sum<S, V, R>(sums + (2 * S.Width), isFirst, outputs, a2);
            Sum<S, V, R>(sums + (3 * S.Width), isFirst, outputs, a3);
            Sum<S, V, R>(sums + (4 * S.Width), isFirst, outputs, a4);
            Sum<S, V, R>(sums + (5 * S.Width), isFirst, outputs, a5);
            Sum<S, V, R>(sums + (6 * S.Width), isFirst, outputs, a6);
            Sum<S, V, R>(sums + (7 * S.Width), isFirst, outputs, a7);
            Sum<S, V, R>(sums + (8 * S.Width), isFirst, outputs, a8);
            Sum<S, V, R>(sums + (9 * S.Width), isFirst, outputs, bias);
        }
    }

    /// <summary>Stride 2: a row of dy meets three rows of x, the last of which meets the next row of dy as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R>(
        Stencil3x3 t, in DepthwiseStrip strip, in DepthwiseRun run, long xStart, long dyStart, bool isFirst, float* sums)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, run.SecondSource);
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        int first = strip.First, end = strip.End, top = t.Top, height = t.SourceH;
        int innerFirst = Math.Max(first + 1, (top + 1) / 2), innerEnd = Math.Min(end, (height + top) / 2);
        nint pitch = t.SourceW, width = t.OutputW, second = run.SecondResult - (S.Width / 2);
        nint xPlanes = t.Planes * t.SourcePixels, dyPlanes = t.Planes * t.OutputPixels;
        float* x = run.Source + xStart + (((2 * first) - top) * pitch) + (2 * strip.Start) - t.Left;
        float* dy = run.Result + dyStart + (first * width) + strip.Start;
        for (int c = run.Count; c > 0; c--, x += xPlanes, dy += dyPlanes, sums += Sums * S.Width)
        {
            V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, a4 = S.Zero, a5 = S.Zero, a6 = S.Zero, a7 = S.Zero, a8 = S.Zero, bias = S.Zero;
            V d0 = S.Zero, d1 = S.Zero;
            float* p = x, g = dy;
            for (int i = first; i < end + 1; i++, p += 2 * pitch, g += width)
            {
                if (i == innerFirst)
                {
                    for (; i < innerEnd; i++, p += 2 * pitch, g += width)
                    {
                        d1 = d0;
                        d0 = Row<S, V, R>(g, second, low, high);
                        taps.Load(p, out V u0, out V u1, out V u2);
                        bias = S.Add(bias, d0);
                        a0 = S.MultiplyAdd(u0, d0, a0);
                        a1 = S.MultiplyAdd(u1, d0, a1);
                        a2 = S.MultiplyAdd(u2, d0, a2);
                        a6 = S.MultiplyAdd(u0, d1, a6);
                        a7 = S.MultiplyAdd(u1, d1, a7);
                        a8 = S.MultiplyAdd(u2, d1, a8);
                        taps.Load(p + pitch, out u0, out u1, out u2);
                        a3 = S.MultiplyAdd(u0, d0, a3);
                        a4 = S.MultiplyAdd(u1, d0, a4);
                        a5 = S.MultiplyAdd(u2, d0, a5);
                    }
                }

                d1 = d0;
                if (i < end)
                {
                    d0 = Row<S, V, R>(g, second, low, high);
                    bias = S.Add(bias, d0);
                }

                int row = (2 * i) - top;
                if ((uint)row < (uint)height)
                {
                    taps.Load(p, out V t0, out V t1, out V t2);
                    if (i < end)
                    {
                        a0 = S.MultiplyAdd(t0, d0, a0);
                        a1 = S.MultiplyAdd(t1, d0, a1);
                        a2 = S.MultiplyAdd(t2, d0, a2);
                    }

                    if (i > first)
                    {
                        a6 = S.MultiplyAdd(t0, d1, a6);
                        a7 = S.MultiplyAdd(t1, d1, a7);
                        a8 = S.MultiplyAdd(t2, d1, a8);
                    }
                }

                if (i < end && (uint)(row + 1) < (uint)height)
                {
                    taps.Load(p + pitch, out V t0, out V t1, out V t2);
                    a3 = S.MultiplyAdd(t0, d0, a3);
                    a4 = S.MultiplyAdd(t1, d0, a4);
                    a5 = S.MultiplyAdd(t2, d0, a5);
                }
            }

            V outputs = R.IsWhole ? S.Zero : S.Load(strip.Masks + (R.Outputs * S.Width));
            Sum<S, V, R>(sums, isFirst, outputs, a0);
            Sum<S, V, R>(sums + S.Width, isFirst, outputs, a1);
            Sum<S, V, R>(sums + (2 * S.Width), isFirst, outputs, a2);
            Sum<S, V, R>(sums + (3 * S.Width), isFirst, outputs, a3);
            Sum<S, V, R>(sums + (4 * S.Width), isFirst, outputs, a4);
            Sum<S, V, R>(sums + (5 * S.Width), isFirst, outputs, a5);
            Sum<S, V, R>(sums + (6 * S.Width), isFirst, outputs, a6);
            Sum<S, V, R>(sums + (7 * S.Width), isFirst, outputs, a7);
            Sum<S, V, R>(sums + (8 * S.Width), isFirst, outputs, a8);
            Sum<S, V, R>(sums + (9 * S.Width), isFirst, outputs, bias);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum<S, V, R>(float* sum, bool isFirst, V outputs, V value)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        if (!R.IsWhole) value = S.And(value, outputs);
        S.Store(sum, isFirst ? value : S.Add(S.Load(sum), value));
    }
}
