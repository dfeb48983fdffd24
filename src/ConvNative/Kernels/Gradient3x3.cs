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
        for (int i = 0; i < vectors; i++) S.Store(sums + (i * S.Width), S.Zero);
        for (int i = 0; i < vectors * t.Planes; i++) totals[i] = 0;
        fixed (int* masks = t.MaskTable)
        {
            for (int n = 0; n < images; n++)
            for (int first = 0; first < t.OutputH; first += t.BandRows)
            {
                for (int c = 0; c < run.Count; c++)
                {
                    float* x = run.Source + (n * xImage) + (c * t.Planes * t.SourcePixels), dy = run.Result + (n * dyImage) + (c * t.Planes * t.OutputPixels);
                    for (int i = 0; i < t.Starts.Length; i++)
                    {
                        var strip = new DepthwiseStrip(t, t.Starts[i], first, (float*)masks + (i * Stencil3x3.Masks * S.Width));
                        Strip<S, V>(t, strip, t.IsWhole[i], x, run.SecondSource, dy, run.SecondResult, sums + (c * Sums * S.Width));
                    }
                }

                rows += t.BandRows * t.Starts.Length;
                if (rows < Run) continue;
                Fold<S, V>(t, vectors, sums);
                for (int i = 0; i < vectors * t.Planes; i++) totals[i] += sums[i];
                for (int i = 0; i < vectors; i++) S.Store(sums + (i * S.Width), S.Zero);
                rows = 0;
            }
        }

        Fold<S, V>(t, vectors, sums);
        for (int c = 0; c < run.Count; c++)
        for (int i = 0; i < t.Planes; i++)
        {
            float* dw = run.Weights + (c * t.Planes * 9) + (i * 9 * run.SecondChannel);
            int at = (c * Sums * t.Planes) + i;
            for (int k = 0; k < 9; k++, at += t.Planes) dw[k] = (float)(totals[at] + sums[at]);
            if (run.Bias != null) run.Bias[(c * t.Planes) + (i * run.SecondChannel)] = (float)(totals[at] + sums[at]);
        }
    }

    /// <summary>
    /// The sums of each plane's lanes, side by side: neighbours are added until one is left. A vector that is missing to the last pair may hold
    /// anything.
    /// </summary>
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

    private static void Strip<S, V>(
        Stencil3x3 t, in DepthwiseStrip strip, bool isWhole, float* x, nint secondX, float* dy, nint secondDY, float* sums)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (t.Stride == 2)
        {
            if (t.IsPair) Skip<S, V, EvenOddPairTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
            else if (isWhole) Skip<S, V, EvenOddTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
            else if (t.Turns) Skip<S, V, EvenOddTurnTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
            else Skip<S, V, EvenOddEdgeTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
        }
        else if (t.IsPair) Slide<S, V, UnitPairTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
        else if (isWhole) Slide<S, V, UnitTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
        else if (t.Turns) Slide<S, V, UnitTurnTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
        else Slide<S, V, UnitEdgeTaps<S, V>>(t, strip, x, secondX, dy, secondDY, sums);
    }

    // What is not finite and lies outside the windows of a tap must not meet the zeros beyond dy's row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<S, V, R>(R taps, float* p, V outputs, out V t0, out V t1, out V t2)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        taps.Load(p, out t0, out t1, out t2);
        if (R.Outputs < 0) return;
        t0 = S.And(t0, outputs);
        t2 = S.And(t2, outputs);
    }

    /// <summary>Stride 1: each row of x meets three rows of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slide<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, float* x, nint secondX, float* dy, nint secondDY, float* sums)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, secondX);
        V a0 = S.Load(sums), a1 = S.Load(sums + S.Width), a2 = S.Load(sums + (2 * S.Width)), a3 = S.Load(sums + (3 * S.Width));
        V a4 = S.Load(sums + (4 * S.Width)), a5 = S.Load(sums + (5 * S.Width)), a6 = S.Load(sums + (6 * S.Width));
        V a7 = S.Load(sums + (7 * S.Width)), a8 = S.Load(sums + (8 * S.Width)), bias = S.Load(sums + (9 * S.Width));
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        V outputs = R.Outputs < 0 ? S.Zero : S.Load(strip.Masks + (R.Outputs * S.Width));
        V d0 = S.Zero, d1 = S.Zero, d2 = S.Zero;
        int first = strip.First, end = strip.End, row = first - t.Top, height = t.SourceH;
        nint pitch = t.SourceW, width = t.OutputW;
        float* p = x + (row * pitch) + strip.Start - t.Left, g = dy + (first * width) + strip.Start;
        nint second = secondDY - (S.Width / 2);
        for (int i = first; i < end + 2; i++, row++, p += pitch, g += width)
        {
            d2 = d1;
            d1 = d0;
            d0 = S.Zero;
            if (i < end)
            {
                d0 = S.LoadMasked(g, low, S.Zero);
                if (R.IsPair) d0 = S.LoadMasked(g + second, high, d0);
                bias = S.Add(bias, d0);
            }

            if ((uint)row >= (uint)height) continue;
            Load<S, V, R>(taps, p, outputs, out V t0, out V t1, out V t2);

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

        S.Store(sums, a0);
        S.Store(sums + S.Width, a1);
        S.Store(sums + (2 * S.Width), a2);
        S.Store(sums + (3 * S.Width), a3);
        S.Store(sums + (4 * S.Width), a4);
        S.Store(sums + (5 * S.Width), a5);
        S.Store(sums + (6 * S.Width), a6);
        S.Store(sums + (7 * S.Width), a7);
        S.Store(sums + (8 * S.Width), a8);
        S.Store(sums + (9 * S.Width), bias);
    }

    /// <summary>Stride 2: a row of dy meets three rows of x, the last of which meets the next row of dy as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Skip<S, V, R>(Stencil3x3 t, in DepthwiseStrip strip, float* x, nint secondX, float* dy, nint secondDY, float* sums)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IRowTaps<R, V>
    {
        R taps = R.For(strip.Masks, secondX);
        V a0 = S.Load(sums), a1 = S.Load(sums + S.Width), a2 = S.Load(sums + (2 * S.Width)), a3 = S.Load(sums + (3 * S.Width));
        V a4 = S.Load(sums + (4 * S.Width)), a5 = S.Load(sums + (5 * S.Width)), a6 = S.Load(sums + (6 * S.Width));
        V a7 = S.Load(sums + (7 * S.Width)), a8 = S.Load(sums + (8 * S.Width)), bias = S.Load(sums + (9 * S.Width));
        V low = S.Load(strip.Masks + (Stencil3x3.OutputMask * S.Width)), high = S.Load(strip.Masks + (Stencil3x3.SecondMask * S.Width));
        V outputs = R.Outputs < 0 ? S.Zero : S.Load(strip.Masks + (R.Outputs * S.Width));
        V d0 = S.Zero, d1 = S.Zero;
        int first = strip.First, end = strip.End, row = (2 * first) - t.Top, height = t.SourceH;
        nint pitch = t.SourceW, width = t.OutputW;
        float* p = x + (row * pitch) + (2 * strip.Start) - t.Left, g = dy + (first * width) + strip.Start;
        nint second = secondDY - (S.Width / 2);
        for (int i = first; i < end + 1; i++, g += width)
        {
            d1 = d0;
            d0 = S.Zero;
            if (i < end)
            {
                d0 = S.LoadMasked(g, low, S.Zero);
                if (R.IsPair) d0 = S.LoadMasked(g + second, high, d0);
                bias = S.Add(bias, d0);
            }

            if ((uint)row < (uint)height)
            {
                Load<S, V, R>(taps, p, outputs, out V t0, out V t1, out V t2);
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

            row++;
            p += pitch;
            if (i < end && (uint)row < (uint)height)
            {
                Load<S, V, R>(taps, p, outputs, out V t0, out V t1, out V t2);
                a3 = S.MultiplyAdd(t0, d0, a3);
                a4 = S.MultiplyAdd(t1, d0, a4);
                a5 = S.MultiplyAdd(t2, d0, a5);
            }

            row++;
            p += pitch;
        }

        S.Store(sums, a0);
        S.Store(sums + S.Width, a1);
        S.Store(sums + (2 * S.Width), a2);
        S.Store(sums + (3 * S.Width), a3);
        S.Store(sums + (4 * S.Width), a4);
        S.Store(sums + (5 * S.Width), a5);
        S.Store(sums + (6 * S.Width), a6);
        S.Store(sums + (7 * S.Width), a7);
        S.Store(sums + (8 * S.Width), a8);
        S.Store(sums + (9 * S.Width), bias);
    }
}
