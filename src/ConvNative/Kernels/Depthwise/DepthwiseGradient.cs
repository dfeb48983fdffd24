using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The gradients of one channel's weights and bias: dw[kh, kw] = Σ dy·x shifted, db = Σ dy, nine taps at a time in registers. Lanes are
/// summed in float over a run of bands that the sizes alone decide, runs in double.
/// </summary>
internal static unsafe class DepthwiseGradient
{
    private const int Group = 9;
    private const int LargestVector = 16;
    private const int Run = 512;   // vectors that a float lane sums

    /// <summary>Floats of scratch memory: the band, the lanes of all taps and of the bias, and their sums.</summary>
    public static long ScratchLength(DepthwiseStencil t) => t.SourceLength + (Sums(t) * (LargestVector + 2L)) + LargestVector;

    /// <summary>Computes dw and db (may be null) of one output channel.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The forward stencil.</param>
    /// <param name="images">N.</param>
    /// <param name="x">The plane of the first image, the next <paramref name="xImage"/> floats on.</param>
    /// <param name="xImage">Floats between images of x.</param>
    /// <param name="dy">The plane of the first image, the next <paramref name="dyImage"/> floats on.</param>
    /// <param name="dyImage">Floats between images of dy.</param>
    /// <param name="dw">KH·KW floats.</param>
    /// <param name="db">One float, or null.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats, 8-byte aligned.</param>
    public static void Channel(
        Isa isa, DepthwiseStencil t, int images, float* x, long xImage, float* dy, long dyImage, float* dw, float* db, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Channel<Simd512, Vector512<float>>(t, images, x, xImage, dy, dyImage, dw, db, scratch); break;
            case Isa.Avx2: Channel<Simd256, Vector256<float>>(t, images, x, xImage, dy, dyImage, dw, db, scratch); break;
            default: Channel<Simd128, Vector128<float>>(t, images, x, xImage, dy, dyImage, dw, db, scratch); break;
        }
    }

    /// <summary>Sums that are kept: whole groups of taps, then the bias.</summary>
    private static long Sums(DepthwiseStencil t) => ((t.Taps + Group - 1L) / Group * Group) + 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Channel<S, V>(
        DepthwiseStencil t, int images, float* x, long xImage, float* dy, long dyImage, float* dw, float* db, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        long sums = Sums(t);
        double* totals = (double*)scratch;
        float* lanes = scratch + (2 * sums), band = lanes + (sums * S.Width);
        NativeMemory.Clear(scratch, (nuint)((((2 + S.Width) * sums) + t.SourceLength) * sizeof(float)));
        int width = t.Columns.Outputs, vectors = 0;
        for (int n = 0; n < images; n++)
        for (int first = 0; first < t.Rows.Steps; first += t.BandSteps)
        {
            int steps = Math.Min(t.BandSteps, t.Rows.Steps - first);
            int rows = ((steps - 1) * t.Rows.StepLength) + t.Span;
            DepthwiseRows.Copy<S, V>(t, x + (n * xImage), (long)first * t.Rows.StepLength, rows, band);
            float* part = dy + (n * dyImage) + ((long)first * width);
            Bias<S, V>(part, (long)steps * width, lanes + ((sums - 1) * S.Width));
            for (int tap = 0; tap < t.Taps; tap += Group)
                Taps<S, V>(t, tap, steps, band, part, lanes + (tap * S.Width));
            vectors += steps * ((width + S.Width - 1) / S.Width);
            if (vectors < Run) continue;
            Fold<S, V>(sums, lanes, totals);
            vectors = 0;
        }

        Fold<S, V>(sums, lanes, totals);
        for (int tap = 0; tap < t.Taps; tap++) dw[t.Weights[tap]] = (float)totals[tap];
        if (db != null) *db = (float)totals[sums - 1];
    }

    /// <summary>totals += the sums of the lanes; lanes = 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fold<S, V>(long sums, float* lanes, double* totals)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (long i = 0; i < sums; i++)
        {
            totals[i] += S.Sum(S.Load(lanes + (i * S.Width)));
            S.Store(lanes + (i * S.Width), S.Zero);
        }
    }

    /// <summary>lanes += dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bias<S, V>(float* dy, long count, float* lanes)
        where S : struct, ISimd<V>
        where V : struct
    {
        V a = S.Load(lanes), b = S.Zero;
        long i = 0;
        for (; i <= count - (2 * S.Width); i += 2 * S.Width)
        {
            a = S.Add(a, S.Load(dy + i));
            b = S.Add(b, S.Load(dy + i + S.Width));
        }

        for (; i < count; i += S.Width) a = S.Add(a, S.LoadPartial(dy + i, (int)Math.Min(count - i, S.Width)));
        S.Store(lanes, S.Add(a, b));
    }

    /// <summary>lanes[i] += dy · band shifted by tap i, for nine taps from <paramref name="tap"/>; beyond the last, the last again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Taps<S, V>(DepthwiseStencil t, int tap, int steps, float* band, float* dy, float* lanes)
        where S : struct, ISimd<V>
        where V : struct
    {
        int last = t.Taps - 1 - tap;
        ReadOnlySpan<int> offsets = t.Offsets.AsSpan(tap);
        nint o0 = offsets[0], o1 = offsets[Math.Min(1, last)], o2 = offsets[Math.Min(2, last)];
        nint o3 = offsets[Math.Min(3, last)], o4 = offsets[Math.Min(4, last)], o5 = offsets[Math.Min(5, last)];
        nint o6 = offsets[Math.Min(6, last)], o7 = offsets[Math.Min(7, last)], o8 = offsets[Math.Min(8, last)];
        V a0 = S.Load(lanes), a1 = S.Load(lanes + S.Width), a2 = S.Load(lanes + (2 * S.Width));
        V a3 = S.Load(lanes + (3 * S.Width)), a4 = S.Load(lanes + (4 * S.Width)), a5 = S.Load(lanes + (5 * S.Width));
        V a6 = S.Load(lanes + (6 * S.Width)), a7 = S.Load(lanes + (7 * S.Width)), a8 = S.Load(lanes + (8 * S.Width));
        int width = t.Columns.Outputs;
        for (int i = 0; i < steps; i++, band += t.StepPitch, dy += width)
        {
            int j = 0;
            for (; j <= width - S.Width; j += S.Width)
            {
                V g = S.Load(dy + j);
                float* p = band + j;
                a0 = S.MultiplyAdd(S.Load(p + o0), g, a0);
                a1 = S.MultiplyAdd(S.Load(p + o1), g, a1);
                a2 = S.MultiplyAdd(S.Load(p + o2), g, a2);
                a3 = S.MultiplyAdd(S.Load(p + o3), g, a3);
                a4 = S.MultiplyAdd(S.Load(p + o4), g, a4);
                a5 = S.MultiplyAdd(S.Load(p + o5), g, a5);
                a6 = S.MultiplyAdd(S.Load(p + o6), g, a6);
                a7 = S.MultiplyAdd(S.Load(p + o7), g, a7);
                a8 = S.MultiplyAdd(S.Load(p + o8), g, a8);
            }

            if (j == width) continue;
            // Both factors masked: beyond the row the band may hold what is not finite.
            int count = width - j;
            V e = S.LoadPartial(dy + j, count);
            float* q = band + j;
            a0 = S.MultiplyAdd(S.LoadPartial(q + o0, count), e, a0);
            a1 = S.MultiplyAdd(S.LoadPartial(q + o1, count), e, a1);
            a2 = S.MultiplyAdd(S.LoadPartial(q + o2, count), e, a2);
            a3 = S.MultiplyAdd(S.LoadPartial(q + o3, count), e, a3);
            a4 = S.MultiplyAdd(S.LoadPartial(q + o4, count), e, a4);
            a5 = S.MultiplyAdd(S.LoadPartial(q + o5, count), e, a5);
            a6 = S.MultiplyAdd(S.LoadPartial(q + o6, count), e, a6);
            a7 = S.MultiplyAdd(S.LoadPartial(q + o7, count), e, a7);
            a8 = S.MultiplyAdd(S.LoadPartial(q + o8, count), e, a8);
        }

        S.Store(lanes, a0);
        S.Store(lanes + S.Width, a1);
        S.Store(lanes + (2 * S.Width), a2);
        S.Store(lanes + (3 * S.Width), a3);
        S.Store(lanes + (4 * S.Width), a4);
        S.Store(lanes + (5 * S.Width), a5);
        S.Store(lanes + (6 * S.Width), a6);
        S.Store(lanes + (7 * S.Width), a7);
        S.Store(lanes + (8 * S.Width), a8);
    }
}
