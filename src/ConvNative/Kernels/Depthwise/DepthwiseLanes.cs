using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Depthwise planes with one channel in each lane, W channels at a time: bands are transposed on the way in and results on the way out,
/// and between them strides, small rows and edges cost nothing, since every pixel of every output is a whole vector.
/// </summary>
internal static unsafe class DepthwiseLanes
{
    private const int Group = 9;       // taps of which the gradient is summed at once
    private const int Run = 512;       // pixels that a float lane sums

    /// <summary>Channels that are computed together.</summary>
    public static int Width(Isa isa) => isa switch { Isa.Avx512 => 16, Isa.Avx2 => 8, _ => 4 };

    /// <summary>Floats of scratch memory of <see cref="Planes"/>.</summary>
    public static long PlanesScratch(DepthwiseStencil t) => (2 * t.WeightsLength) + t.SourceLength + t.ResultLength;

    /// <summary>Floats of scratch memory of <see cref="Gradients"/>.</summary>
    public static long GradientsScratch(DepthwiseStencil t) => (3 * Sums(t) * t.Lanes) + t.SourceLength + t.ResultLength;

    /// <summary>Computes up to W planes that lie side by side, like their sources and their weights.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil, with W lanes.</param>
    /// <param name="lanes">Planes, 1 … W.</param>
    /// <param name="source">The first source plane.</param>
    /// <param name="weights">Its KH·KW weights.</param>
    /// <param name="plane">The first result. No alignment needed here or above.</param>
    /// <param name="store">Bias of the first plane, addend and activation.</param>
    /// <param name="scratch"><see cref="PlanesScratch"/> floats.</param>
    public static void Planes(
        Isa isa, DepthwiseStencil t, int lanes, float* source, float* weights, float* plane, in TileStore store, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Planes<Simd512, Vector512<float>>(t, lanes, source, weights, plane, store, scratch); break;
            case Isa.Avx2: Planes<Simd256, Vector256<float>>(t, lanes, source, weights, plane, store, scratch); break;
            default: Planes<Simd128, Vector128<float>>(t, lanes, source, weights, plane, store, scratch); break;
        }

        TileStore rest = store;
        rest.Bias = null;
        if (rest.IsNothing) return;
        int pixels = t.Rows.Outputs * t.Columns.Outputs;
        (rest.Rows, rest.Columns, rest.AddendStride) = (lanes, pixels, pixels);
        Epilogue.Apply(isa, rest, plane, pixels);
    }

    /// <summary>Gradients of the weights and the bias (may be null) of up to W channels that lie side by side.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The forward stencil, with W lanes.</param>
    /// <param name="lanes">Channels, 1 … W.</param>
    /// <param name="images">N.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="x">The first channel's plane in the first image.</param>
    /// <param name="dy">The first channel's plane in the first image.</param>
    /// <param name="dw">KH·KW floats for each channel.</param>
    /// <param name="db">A float for each channel, or null.</param>
    /// <param name="scratch"><see cref="GradientsScratch"/> floats, 8-byte aligned.</param>
    public static void Gradients(
        Isa isa, DepthwiseStencil t, int lanes, int images, int channels, float* x, float* dy, float* dw, float* db, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Gradients<Simd512, Vector512<float>>(t, lanes, images, channels, x, dy, dw, db, scratch); break;
            case Isa.Avx2: Gradients<Simd256, Vector256<float>>(t, lanes, images, channels, x, dy, dw, db, scratch); break;
            default: Gradients<Simd128, Vector128<float>>(t, lanes, images, channels, x, dy, dw, db, scratch); break;
        }
    }

    /// <summary>Copies a band; what is outside of the planes is zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill<S, V>(DepthwiseStencil t, int lanes, float* source, long firstRow, int rows, float* band)
        where S : struct, ISimd<V>
        where V : struct
    {
        nint plane = (nint)t.Rows.Source * t.Columns.Source, extent = (nint)t.Columns.Extent;
        int skipped = (int)Math.Clamp(t.Columns.Origin, 0, t.Columns.Source);
        nint start = (nint)Math.Clamp(-t.Columns.Origin, 0, extent);
        int count = (int)Math.Min(extent - start, t.Columns.Source - skipped);
        long row = firstRow + t.Rows.Origin;
        int above = (int)Math.Clamp(-row, 0, rows), inside = (int)Math.Clamp(t.Rows.Source - (row + above), 0, rows - above);
        float* from = source + ((row + above) * t.Columns.Source) + skipped, to = band + (above * t.RowPitch) + (start * S.Width);
        if (lanes == S.Width && WholeLanes<S, V>.CanGather(count)) WholeLanes<S, V>.Gather(from, plane, inside, t.Columns.Source, count, to, (nint)t.RowPitch);
        else PixelLanes.Gather(from, plane, inside, t.Columns.Source, count, lanes, S.Width, to, (nint)t.RowPitch);
        for (int r = 0; r < rows; r++, band += t.RowPitch)
        {
            bool isInside = r >= above && r < above + inside;
            Clear<S, V>(band, 0, isInside ? start : extent);
            if (isInside) Clear<S, V>(band, start + count, extent);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear<S, V>(float* band, nint from, nint end)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; from < end; from++) S.Store(band + (from * S.Width), S.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Planes<S, V>(
        DepthwiseStencil t, int lanes, float* source, float* weights, float* plane, in TileStore store, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* ordered = scratch, unordered = ordered + t.WeightsLength, band = unordered + t.WeightsLength, result = band + t.SourceLength;
        PixelLanes.Gather(weights, t.Taps, 1, 0, t.Taps, lanes, S.Width, t.IsOrdered ? ordered : unordered, 0);
        for (int tap = 0; !t.IsOrdered && tap < t.Taps; tap++)
            S.Store(ordered + (tap * S.Width), S.Load(unordered + (t.Weights[tap] * S.Width)));

        V bias = store.Bias == null ? S.Zero : S.LoadPartial(store.Bias, lanes);
        nint planeLength = (nint)t.Rows.Outputs * t.Columns.Outputs;
        for (int first = 0; first < t.Rows.Steps; first += t.BandSteps)
        {
            int steps = Math.Min(t.BandSteps, t.Rows.Steps - first);
            Fill<S, V>(t, lanes, source, (long)first * t.Rows.StepLength, ((steps - 1) * t.Rows.StepLength) + t.Span, band);
            Band<S, V>(t, first, steps, band, ordered, bias, result);
            int row = first * t.Rows.Phases, rows = Math.Min(steps * t.Rows.Phases, t.Rows.Outputs - row);
            int pixels = rows * t.Columns.Outputs;
            float* to = plane + ((long)row * t.Columns.Outputs);
            if (lanes == S.Width && WholeLanes<S, V>.CanScatter(pixels)) WholeLanes<S, V>.Scatter(result, pixels, to, planeLength);
            else PixelLanes.Scatter(result, S.Width, pixels, lanes, to, planeLength);
        }
    }

    /// <summary>Taps above and below the plane are left out, unless they are nine, whose weights are in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Band<S, V>(DepthwiseStencil t, int first, int steps, float* band, float* weights, V bias, float* result)
        where S : struct, ISimd<V>
        where V : struct
    {
        nint pixelStep = t.Columns.StepLength * S.Width, resultStep = t.Columns.Phases * S.Width;
        fixed (int* offsets = t.Offsets)
        {
            for (int i = 0; i < steps; i++, band += t.StepPitch)
            {
                long row = ((long)(first + i) * t.Rows.StepLength) + t.Rows.Origin;   // of the source, where the step's rows begin
                for (int p = 0; p < t.Rows.Phases; p++, result += t.ResultPitch)
                for (int q = 0; q < t.Columns.Phases; q++)
                {
                    int phase = (p * t.Columns.Phases) + q, start = t.First[phase], end = t.First[phase + 1];
                    int pixels = (t.Columns.Outputs - q + t.Columns.Phases - 1) / t.Columns.Phases;
                    float* to = result + (q * S.Width);
                    if (end - start == 9 && pixels >= 4)
                    {
                        Row9<S, V>(pixels, offsets + start, band, pixelStep, weights + (start * S.Width), bias, to, resultStep);
                        continue;
                    }

                    while (start < end && offsets[start] < -row * t.RowPitch) start++;
                    while (start < end && offsets[end - 1] >= (t.Rows.Source - row) * t.RowPitch) end--;
                    Row<S, V>(pixels, end - start, offsets + start, band, pixelStep, weights + (start * S.Width), bias, to, resultStep);
                }
            }
        }
    }

    /// <summary>One row of one phase, eight, seven or four pixels at a time; the last ones begin early enough to be so many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<S, V>(
        int pixels, int taps, int* offsets, float* source, nint sourceStep, float* weights, V bias, float* result, nint resultStep)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (pixels >= 7)
        {
            int block = BlockSizes.RoundUp(pixels, 7) < BlockSizes.RoundUp(pixels, 8) ? 7 : 8;
            for (int j = 0; j < pixels; j += block)
            {
                int at = Math.Min(j, pixels - block);
                if (block == 7) Pixels<S, V, Seven>(taps, offsets, source + (at * sourceStep), sourceStep, weights, bias, result + (at * resultStep), resultStep);
                else Pixels<S, V, Eight>(taps, offsets, source + (at * sourceStep), sourceStep, weights, bias, result + (at * resultStep), resultStep);
            }
        }
        else if (pixels >= 4)
        {
            for (int j = 0; j < pixels; j += 4)
            {
                int at = Math.Min(j, pixels - 4);
                Four<S, V>(taps, offsets, source + (at * sourceStep), sourceStep, weights, bias, result + (at * resultStep), resultStep);
            }
        }
        else
        {
            for (int j = 0; j < pixels; j++)
            {
                V a = bias;
                for (int tap = 0; tap < taps; tap++)
                    a = S.MultiplyAdd(S.Load(source + (j * sourceStep) + offsets[tap]), S.Load(weights + (tap * S.Width)), a);
                S.Store(result + (j * resultStep), a);
            }
        }
    }

    /// <summary>Seven pixels or eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pixels<S, V, N>(int taps, int* offsets, float* source, nint step, float* weights, V bias, float* result, nint resultStep)
        where S : struct, ISimd<V>
        where V : struct
        where N : struct, ICount
    {
        V a0 = bias, a1 = bias, a2 = bias, a3 = bias, a4 = bias, a5 = bias, a6 = bias, a7 = bias;
        nint step3 = 3 * step;
        for (nint tap = 0; tap < taps; tap++, weights += S.Width)
        {
            V w = S.Load(weights);
            float* p = source + offsets[tap], q = p + (4 * step);
            a0 = S.MultiplyAdd(S.Load(p), w, a0);
            a1 = S.MultiplyAdd(S.Load(p + step), w, a1);
            a2 = S.MultiplyAdd(S.Load(p + (2 * step)), w, a2);
            a3 = S.MultiplyAdd(S.Load(p + step3), w, a3);
            a4 = S.MultiplyAdd(S.Load(q), w, a4);
            a5 = S.MultiplyAdd(S.Load(q + step), w, a5);
            a6 = S.MultiplyAdd(S.Load(q + (2 * step)), w, a6);
            if (N.Value > 7) a7 = S.MultiplyAdd(S.Load(q + step3), w, a7);
        }

        S.Store(result, a0);
        S.Store(result + resultStep, a1);
        S.Store(result + (2 * resultStep), a2);
        S.Store(result + (3 * resultStep), a3);
        S.Store(result + (4 * resultStep), a4);
        S.Store(result + (5 * resultStep), a5);
        S.Store(result + (6 * resultStep), a6);
        if (N.Value > 7) S.Store(result + (7 * resultStep), a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four<S, V>(int taps, int* offsets, float* source, nint step, float* weights, V bias, float* result, nint resultStep)
        where S : struct, ISimd<V>
        where V : struct
    {
        V a0 = bias, a1 = bias, a2 = bias, a3 = bias;
        for (nint tap = 0; tap < taps; tap++, weights += S.Width)
        {
            V w = S.Load(weights);
            float* p = source + offsets[tap];
            a0 = S.MultiplyAdd(S.Load(p), w, a0);
            a1 = S.MultiplyAdd(S.Load(p + step), w, a1);
            a2 = S.MultiplyAdd(S.Load(p + (2 * step)), w, a2);
            a3 = S.MultiplyAdd(S.Load(p + (3 * step)), w, a3);
        }

        S.Store(result, a0);
        S.Store(result + resultStep, a1);
        S.Store(result + (2 * resultStep), a2);
        S.Store(result + (3 * resultStep), a3);
    }

    /// <summary>One row of a phase with nine taps: their weights stay in registers, four pixels at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row9<S, V>(
        int pixels, int* offsets, float* source, nint step, float* weights, V bias, float* result, nint resultStep)
        where S : struct, ISimd<V>
        where V : struct
    {
        V w0 = S.Load(weights), w1 = S.Load(weights + S.Width), w2 = S.Load(weights + (2 * S.Width));
        V w3 = S.Load(weights + (3 * S.Width)), w4 = S.Load(weights + (4 * S.Width)), w5 = S.Load(weights + (5 * S.Width));
        V w6 = S.Load(weights + (6 * S.Width)), w7 = S.Load(weights + (7 * S.Width)), w8 = S.Load(weights + (8 * S.Width));
        nint o1 = offsets[1] - offsets[0], o2 = offsets[2] - offsets[0], o3 = offsets[3] - offsets[0], o4 = offsets[4] - offsets[0];
        nint o5 = offsets[5] - offsets[0], o6 = offsets[6] - offsets[0], o7 = offsets[7] - offsets[0], o8 = offsets[8] - offsets[0];
        source += offsets[0];
        for (int j = 0; j < pixels; j += 4)
        {
            int at = Math.Min(j, pixels - 4);
            float* p0 = source + (at * step), p1 = p0 + step, p2 = p1 + step, p3 = p2 + step, to = result + (at * resultStep);
            V a0 = S.MultiplyAdd(S.Load(p0), w0, bias), a1 = S.MultiplyAdd(S.Load(p1), w0, bias);
            V a2 = S.MultiplyAdd(S.Load(p2), w0, bias), a3 = S.MultiplyAdd(S.Load(p3), w0, bias);
            Tap<S, V>(p0, p1, p2, p3, o1, w1, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o2, w2, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o3, w3, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o4, w4, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o5, w5, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o6, w6, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o7, w7, ref a0, ref a1, ref a2, ref a3);
            Tap<S, V>(p0, p1, p2, p3, o8, w8, ref a0, ref a1, ref a2, ref a3);
            S.Store(to, a0);
            S.Store(to + resultStep, a1);
            S.Store(to + (2 * resultStep), a2);
            S.Store(to + (3 * resultStep), a3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tap<S, V>(float* p0, float* p1, float* p2, float* p3, nint offset, V w, ref V a0, ref V a1, ref V a2, ref V a3)
        where S : struct, ISimd<V>
        where V : struct
    {
        a0 = S.MultiplyAdd(S.Load(p0 + offset), w, a0);
        a1 = S.MultiplyAdd(S.Load(p1 + offset), w, a1);
        a2 = S.MultiplyAdd(S.Load(p2 + offset), w, a2);
        a3 = S.MultiplyAdd(S.Load(p3 + offset), w, a3);
    }

    /// <summary>Sums of a lane: whole groups of taps, then the bias.</summary>
    private static long Sums(DepthwiseStencil t) => ((t.Taps + Group - 1L) / Group * Group) + 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<S, V>(
        DepthwiseStencil t, int lanes, int images, int channels, float* x, float* dy, float* dw, float* db, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        long sums = Sums(t) * S.Width;
        double* totals = (double*)scratch;
        float* partial = scratch + (2 * sums), band = partial + sums, g = band + t.SourceLength;
        NativeMemory.Clear(scratch, (nuint)(3 * sums * sizeof(float)));
        long xPlane = (long)t.Rows.Source * t.Columns.Source, dyPlane = (long)t.Rows.Outputs * t.Columns.Outputs;
        int width = t.Columns.Outputs, pixels = 0;
        for (int n = 0; n < images; n++, x += channels * xPlane, dy += channels * dyPlane)
        for (int first = 0; first < t.Rows.Steps; first += t.BandSteps)
        {
            int steps = Math.Min(t.BandSteps, t.Rows.Steps - first);
            Fill<S, V>(t, lanes, x, (long)first * t.Rows.StepLength, ((steps - 1) * t.Rows.StepLength) + t.Span, band);
            PixelLanes.Gather(dy + ((long)first * width), (nint)dyPlane, 1, 0, steps * width, lanes, S.Width, g, 0);
            for (int tap = 0; tap < t.Taps; tap += Group) Taps<S, V>(t, tap, steps, band, g, partial + (tap * S.Width));
            Bias<S, V>(g, steps * width, partial + sums - S.Width);
            pixels += steps * width;
            if (pixels < Run) continue;
            Fold(sums, partial, totals);
            pixels = 0;
        }

        Fold(sums, partial, totals);
        for (int i = 0; i < lanes; i++)
        {
            for (int tap = 0; tap < t.Taps; tap++) dw[(i * t.Taps) + t.Weights[tap]] = (float)totals[(tap * S.Width) + i];
            if (db != null) db[i] = (float)totals[sums - S.Width + i];
        }
    }

    /// <summary>totals += partial; partial = 0.</summary>
    private static void Fold(long sums, float* partial, double* totals)
    {
        for (long i = 0; i < sums; i++)
        {
            totals[i] += partial[i];
            partial[i] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bias<S, V>(float* g, nint pixels, float* partial)
        where S : struct, ISimd<V>
        where V : struct
    {
        V a = S.Load(partial), b = S.Zero;
        nint i = 0;
        for (; i <= pixels - 2; i += 2)
        {
            a = S.Add(a, S.Load(g + (i * S.Width)));
            b = S.Add(b, S.Load(g + ((i + 1) * S.Width)));
        }

        if (i < pixels) a = S.Add(a, S.Load(g + (i * S.Width)));
        S.Store(partial, S.Add(a, b));
    }

    /// <summary>partial[i] += g · band shifted by tap i, for nine taps from <paramref name="tap"/>; beyond the last, the last again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Taps<S, V>(DepthwiseStencil t, int tap, int steps, float* band, float* g, float* partial)
        where S : struct, ISimd<V>
        where V : struct
    {
        int last = t.Taps - 1 - tap;
        ReadOnlySpan<int> offsets = t.Offsets.AsSpan(tap);
        nint o0 = offsets[0], o1 = offsets[Math.Min(1, last)], o2 = offsets[Math.Min(2, last)];
        nint o3 = offsets[Math.Min(3, last)], o4 = offsets[Math.Min(4, last)], o5 = offsets[Math.Min(5, last)];
        nint o6 = offsets[Math.Min(6, last)], o7 = offsets[Math.Min(7, last)], o8 = offsets[Math.Min(8, last)];
        V a0 = S.Load(partial), a1 = S.Load(partial + S.Width), a2 = S.Load(partial + (2 * S.Width));
        V a3 = S.Load(partial + (3 * S.Width)), a4 = S.Load(partial + (4 * S.Width)), a5 = S.Load(partial + (5 * S.Width));
        V a6 = S.Load(partial + (6 * S.Width)), a7 = S.Load(partial + (7 * S.Width)), a8 = S.Load(partial + (8 * S.Width));
        nint pixelStep = t.Columns.StepLength * S.Width;
        int width = t.Columns.Outputs;
        for (int i = 0; i < steps; i++, band += t.StepPitch)
        {
            float* p = band;
            for (int j = 0; j < width; j++, p += pixelStep, g += S.Width)
            {
                V d = S.Load(g);
                a0 = S.MultiplyAdd(S.Load(p + o0), d, a0);
                a1 = S.MultiplyAdd(S.Load(p + o1), d, a1);
                a2 = S.MultiplyAdd(S.Load(p + o2), d, a2);
                a3 = S.MultiplyAdd(S.Load(p + o3), d, a3);
                a4 = S.MultiplyAdd(S.Load(p + o4), d, a4);
                a5 = S.MultiplyAdd(S.Load(p + o5), d, a5);
                a6 = S.MultiplyAdd(S.Load(p + o6), d, a6);
                a7 = S.MultiplyAdd(S.Load(p + o7), d, a7);
                a8 = S.MultiplyAdd(S.Load(p + o8), d, a8);
            }
        }

        S.Store(partial, a0);
        S.Store(partial + S.Width, a1);
        S.Store(partial + (2 * S.Width), a2);
        S.Store(partial + (3 * S.Width), a3);
        S.Store(partial + (4 * S.Width), a4);
        S.Store(partial + (5 * S.Width), a5);
        S.Store(partial + (6 * S.Width), a6);
        S.Store(partial + (7 * S.Width), a7);
        S.Store(partial + (8 * S.Width), a8);
    }
}
