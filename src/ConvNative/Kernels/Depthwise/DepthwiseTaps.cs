using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A band by any stencil: eight vectors of outputs are summed in registers over all taps and planes, each weight broadcast once for the
/// eight, and stored as a result band; then its phases are woven together into the plane.
/// </summary>
internal static unsafe class DepthwiseTaps
{
    private const int Strips = 8;

    /// <summary>Computes the steps [first, first + steps) of the plane from their band.</summary>
    /// <param name="t">The stencil.</param>
    /// <param name="first">First step of the band.</param>
    /// <param name="steps">Steps of the band.</param>
    /// <param name="band">What <see cref="DepthwiseRows"/> copied.</param>
    /// <param name="weights">Per source plane the weights in the order of the taps.</param>
    /// <param name="result">ResultLength floats of scratch memory.</param>
    /// <param name="output">The plane.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Band<S, V>(
        DepthwiseStencil t, int first, int steps, float* band, float* weights, float* result, in DepthwiseOutput output)
        where S : struct, ISimd<V>
        where V : struct
    {
        int phases = t.Rows.Phases * t.Columns.Phases;
        for (int phase = 0; phase < phases; phase++)
            Phase<S, V>(t, phase, steps, band, weights, output.Bias, result + (phase * t.ResultPitch), t.ResultPitch * phases);
        for (int i = 0; i < steps; i++)
        for (int p = 0; p < t.Rows.Phases; p++, result += t.ResultPitch * t.Columns.Phases)
        {
            long row = ((long)(first + i) * t.Rows.Phases) + p;
            if (row < t.Rows.Outputs) output.Row<S, V>(t, result, row * t.Columns.Outputs);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Phase<S, V>(DepthwiseStencil t, int phase, int steps, float* band, float* weights, float bias, float* result, long resultStep)
        where S : struct, ISimd<V>
        where V : struct
    {
        float** from = stackalloc float*[Strips];
        float** to = stackalloc float*[Strips];
        int start = t.First[phase], taps = t.First[phase + 1] - start, filled = 0;
        fixed (int* offsets = t.Offsets)
        {
            for (int i = 0; i < steps; i++)
            for (int j = 0; j < t.Columns.Steps; j += S.Width)
            {
                from[filled] = band + (i * t.StepPitch) + j;
                to[filled] = result + (i * resultStep) + j;
                if (++filled < Strips) continue;
                Sum<S, V>(from, to, t.Planes, (nint)t.PlanePitch, t.Taps, taps, offsets + start, weights + start, bias);
                filled = 0;
            }

            if (filled == 0) return;
            for (int i = filled; i < Strips; i++)
            {
                from[i] = from[0];
                to[i] = to[0];
            }

            Sum<S, V>(from, to, t.Planes, (nint)t.PlanePitch, t.Taps, taps, offsets + start, weights + start, bias);
        }
    }

    /// <summary>to[i][..] = bias + Σ_planes Σ_taps weight · from[i][plane + offset ..], i &lt; 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<S, V>(
        float** from, float** to, int planes, nint planePitch, nint weightsPitch, int taps, int* offsets, float* weights, float bias)
        where S : struct, ISimd<V>
        where V : struct
    {
        V a0 = S.Create(bias), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        float* p0 = from[0], p1 = from[1], p2 = from[2], p3 = from[3], p4 = from[4], p5 = from[5], p6 = from[6], p7 = from[7];
        nint plane = 0;
        for (int k = 0; k < planes; k++, plane += planePitch, weights += weightsPitch)
        for (nint tap = 0; tap < taps; tap++)
        {
            V w = S.Broadcast(weights + tap);
            nint at = plane + offsets[tap];
            a0 = S.MultiplyAdd(S.Load(p0 + at), w, a0);
            a1 = S.MultiplyAdd(S.Load(p1 + at), w, a1);
            a2 = S.MultiplyAdd(S.Load(p2 + at), w, a2);
            a3 = S.MultiplyAdd(S.Load(p3 + at), w, a3);
            a4 = S.MultiplyAdd(S.Load(p4 + at), w, a4);
            a5 = S.MultiplyAdd(S.Load(p5 + at), w, a5);
            a6 = S.MultiplyAdd(S.Load(p6 + at), w, a6);
            a7 = S.MultiplyAdd(S.Load(p7 + at), w, a7);
        }

        S.Store(to[0], a0);
        S.Store(to[1], a1);
        S.Store(to[2], a2);
        S.Store(to[3], a3);
        S.Store(to[4], a4);
        S.Store(to[5], a5);
        S.Store(to[6], a6);
        S.Store(to[7], a7);
    }
}
