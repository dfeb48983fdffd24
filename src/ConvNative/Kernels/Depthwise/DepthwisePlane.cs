using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Output planes one after the other: the source planes of the first, its KH·KW weights for each, its bias or null, its result; and how far the next plane's are.</summary>
internal readonly unsafe struct StencilPlanes(float* source, nint sourceStep, float* weights, nint weightsStep, float* bias, float* result, int count)
{
    public readonly float* Source = source;
    public readonly nint SourceStep = sourceStep;
    public readonly float* Weights = weights;
    public readonly nint WeightsStep = weightsStep;
    public readonly float* Bias = bias;
    public readonly float* Result = result;
    public readonly int Count = count;
}

/// <summary>Output planes of a depthwise convolution or of its backward-data, band by band.</summary>
internal static unsafe class DepthwisePlane
{
    private const int LargestVector = 16;

    /// <summary>Floats of scratch memory.</summary>
    public static long ScratchLength(DepthwiseStencil t) => t.SourceLength + t.ResultLength + DepthwiseTaps.PartLength + LargestVector;

    /// <summary>Computes some planes.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The stencil.</param>
    /// <param name="planes">The planes. No alignment needed.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public static void Run(Isa isa, DepthwiseStencil t, in StencilPlanes planes, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Run<Simd512, Vector512<float>>(t, planes, scratch); break;
            case Isa.Avx2: Run<Simd256, Vector256<float>>(t, planes, scratch); break;
            default: Run<Simd128, Vector128<float>>(t, planes, scratch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<S, V>(DepthwiseStencil t, in StencilPlanes planes, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* band = scratch, result = band + t.SourceLength, part = result + t.ResultLength, bias = part + DepthwiseTaps.PartLength;
        nint length = (nint)t.Rows.Outputs * t.Columns.Outputs;
        bool isCopied = false;
        var sums = new StencilSums
        {
            Pitch = (nint)t.StepPitch, Planes = t.Planes, PlanePitch = (nint)t.PlanePitch, WeightsPitch = t.Taps, From = band, First = bias, Part = part,
        };
        NativeMemory.Clear(band, (nuint)(t.SourceLength * sizeof(float)));   // what no plane writes stays zero
        for (int i = 0; i < planes.Count; i++)
        {
            float* source = planes.Source + (i * planes.SourceStep), plane = planes.Result + (i * length);
            sums.Weights = planes.Weights + (i * planes.WeightsStep);
            S.Store(bias, planes.Bias == null ? S.Zero : S.Broadcast(planes.Bias + i));
            for (int first = 0; first < t.Rows.Steps; first += t.BandSteps)
            {
                int steps = Math.Min(t.BandSteps, t.Rows.Steps - first);
                if (!isCopied) Copy<S, V>(t, source, first, steps, band);
                isCopied = planes.SourceStep == 0 && t.Bands == 1;
                Band<S, V>(t, first, steps, sums, plane, plane + length, result);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<S, V>(DepthwiseStencil t, float* source, int first, int steps, float* band)
        where S : struct, ISimd<V>
        where V : struct
    {
        nint length = (nint)t.Rows.Source * t.Columns.Source;
        int rows = ((steps - 1) * t.Rows.StepLength) + t.Span;
        for (int k = 0; k < t.Planes; k++)
            DepthwiseRows.Copy<S, V>(t, source + (k * length), (long)first * t.Rows.StepLength, rows, band + (k * t.PlanePitch));
    }

    /// <summary>Straight into the plane, if there is one phase, rows enough, and none but the last is so near the plane's end that a vector reaches beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Band<S, V>(DepthwiseStencil t, int first, int steps, in StencilSums sums, float* plane, float* end, float* result)
        where S : struct, ISimd<V>
        where V : struct
    {
        int phases = t.PhaseColumns.Length, columns = t.Columns.Outputs;
        if (phases == 1 && (t.GoesAlongRows || (steps >= DepthwiseTaps.FewestRows && 2 * columns >= S.Width)))
        {
            DepthwiseTaps.Phase<S, V>(t, 0, steps, sums, plane + ((nint)first * columns), columns, end);
            return;
        }

        for (int phase = 0; phase < phases; phase++)
            DepthwiseTaps.Phase<S, V>(t, phase, steps, sums, result + (phase * t.ResultPitch), (nint)t.ResultPitch * phases, result + t.ResultLength);
        DepthwiseOutput.Band<S, V>(t, first, steps, result, plane);
    }
}
