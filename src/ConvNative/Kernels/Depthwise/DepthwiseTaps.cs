using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A band by any stencil: blocks of a vector of outputs in each of some rows, which are summed in registers over all planes and columns of taps
/// (<see cref="DepthwiseColumns{S,V,R,K}"/>).
/// </summary>
internal static unsafe class DepthwiseTaps
{
    private const int LargestVector = 16;

    /// <summary>Rows of the smallest block.</summary>
    public const int FewestRows = 4;

    /// <summary>Floats of memory for a block's sums between its columns of one length and those of another.</summary>
    public const int PartLength = 8 * LargestVector;

    /// <summary>Rows of a block, of so many: of 8, 7 and 4 what computes fewest twice.</summary>
    public static int RowsAtOnce(int steps) =>
        steps < 7 ? FewestRows : BlockSizes.RoundUp(steps, 7) < BlockSizes.RoundUp(steps, 8) ? 7 : 8;

    /// <summary>About so many steps, at most <paramref name="most"/>, of which none is computed twice, if there are such.</summary>
    public static int WholeBlocks(int steps, int most)
    {
        int sevens = BlockSizes.RoundUp(steps, 7), eights = BlockSizes.RoundUp(steps, 8), up = Math.Min(sevens, eights);
        return up <= most ? up : most < 7 ? steps : Math.Max(most / 7 * 7, most / 8 * 8);
    }

    /// <summary>
    /// Computes a phase of so many steps, or of <see cref="FewestRows"/> where they are less. The last block begins early enough to have as many rows as the others, the last
    /// vector of a row likewise. Rows are written from the top, so that a vector may reach beyond its row into what is written later.
    /// </summary>
    /// <param name="t">The stencil.</param>
    /// <param name="phase">Of its outputs.</param>
    /// <param name="steps">Steps of the band.</param>
    /// <param name="band">What is summed, for the band.</param>
    /// <param name="to">Results of the first row.</param>
    /// <param name="toPitch">Floats from row to row.</param>
    /// <param name="end">Nothing is written here or beyond.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Phase<S, V>(DepthwiseStencil t, int phase, int steps, in StencilSums band, float* to, nint toPitch, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (t.GoesAlongRows)
        {
            AlongRows<S, V>(t, phase, steps, band, to, toPitch);
            return;
        }

        StencilSums sums = band;
        TapColumns[] columns = t.PhaseColumns[phase];
        int rows = RowsAtOnce(steps), width = t.Columns.Steps, lastColumn = Math.Max(0, width - S.Width), last = columns.Length - 1;
        nint stepPitch = (nint)t.StepPitch;
        fixed (int* offsets = t.Offsets, indices = t.Weights)
        {
            for (int i = 0; i < steps; i += rows)
            {
                int row = Math.Max(0, Math.Min(i, steps - rows));
                for (int j = 0; j < width; j += S.Width)
                {
                    int column = Math.Min(j, lastColumn);
                    float* block = to + (row * toPitch) + column;
                    sums.From = band.From + (row * stepPitch) + column;
                    sums.BeginWith(band.First, 0);
                    for (int k = 0; k <= last; k++)
                    {
                        if (k < last) sums.Write(sums.Part, S.Width, S.Width);
                        else sums.Write(block, toPitch, (int)Math.Min(S.Width, end - (block + ((rows - 1) * toPitch))));
                        sums.WeightStep = columns[k].WeightStep;
                        int first = columns[k].First;
                        DepthwiseSum.Of<S, V>(rows, columns[k].Length)(sums, columns[k].Count, offsets + first, indices + first);
                        sums.BeginWith(sums.Part, S.Width);
                    }
                }
            }
        }

        if (last < 0) Fill<S, V>(steps, width, band.First, to, toPitch);
    }

    /// <summary>Few long rows: eight vectors, seven or four of one at once, for a block's rows; a column has one tap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AlongRows<S, V>(DepthwiseStencil t, int phase, int steps, in StencilSums band, float* to, nint toPitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        StencilSums sums = band;
        int width = t.Columns.Steps, vectors = RowsAtOnce(width / S.Width), block = vectors * S.Width;
        int first = t.First[phase], taps = t.First[phase + 1] - first;
        sums.Pitch = S.Width;
        fixed (int* offsets = t.Offsets, indices = t.Weights)
        {
            for (int i = 0; i < steps; i++)
            for (int j = 0; j < width; j += block)
            {
                int column = Math.Min(j, width - block);
                sums.From = band.From + (i * t.StepPitch) + column;
                sums.Write(to + (i * toPitch) + column, S.Width, S.Width);
                DepthwiseSum.Of<S, V>(vectors, 1)(sums, taps, offsets + first, indices + first);
            }
        }
    }

    /// <summary>A phase that reads nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill<S, V>(int steps, int width, float* bias, float* to, nint toPitch)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (int i = 0; i < steps; i++)
        for (int j = 0; j < width; j += S.Width)
            S.Store(to + (i * toPitch) + j, S.Load(bias));
    }
}
