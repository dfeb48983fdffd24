using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>One output plane of a depthwise convolution or of its backward-data, band by band.</summary>
internal static unsafe class DepthwisePlane
{
    /// <summary>Floats of scratch memory.</summary>
    public static long ScratchLength(DepthwiseStencil t) => t.WeightsLength + t.SourceLength + t.ResultLength;

    /// <summary>Computes a plane.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="source">Its source planes, one after the other.</param>
    /// <param name="weights">Their KH·KW weights each, one after the other.</param>
    /// <param name="plane">The result. No alignment needed here or above.</param>
    /// <param name="store">Bias, addend and activation.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public static void Run(Isa isa, DepthwiseStencil t, float* source, float* weights, float* plane, in TileStore store, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Run<Simd512, Vector512<float>>(t, source, weights, plane, store, scratch); break;
            case Isa.Avx2: Run<Simd256, Vector256<float>>(t, source, weights, plane, store, scratch); break;
            default: Run<Simd128, Vector128<float>>(t, source, weights, plane, store, scratch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<S, V>(DepthwiseStencil t, float* source, float* weights, float* plane, in TileStore store, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* ordered = scratch, band = ordered + t.WeightsLength, result = band + t.SourceLength;
        if (t.IsOrdered) ordered = weights;
        else Order(t, weights, ordered);

        long sourceLength = (long)t.Rows.Source * t.Columns.Source;
        var output = new DepthwiseOutput(plane, (long)t.Rows.Outputs * t.Columns.Outputs, store);
        for (int first = 0; first < t.Rows.Steps; first += t.BandSteps)
        {
            int steps = Math.Min(t.BandSteps, t.Rows.Steps - first);
            long firstRow = (long)first * t.Rows.StepLength;
            int rows = ((steps - 1) * t.Rows.StepLength) + t.Span;
            for (int k = 0; k < t.Planes; k++)
                DepthwiseRows.Copy<S, V>(t, source + (k * sourceLength), firstRow, rows, band + (k * t.PlanePitch));
            DepthwiseTaps.Band<S, V>(t, first, steps, band, ordered, result, output);
        }
    }

    private static void Order(DepthwiseStencil t, float* weights, float* ordered)
    {
        for (int k = 0; k < t.Planes; k++)
        for (int tap = 0; tap < t.Taps; tap++)
            ordered[(k * t.Taps) + tap] = weights[(k * t.Taps) + t.Weights[tap]];
    }
}
