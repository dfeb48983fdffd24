using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Source rows into <see cref="PhasePlanes"/>.</summary>
internal static unsafe class PhasePlanesFill
{
    /// <inheritdoc cref="PhasePlanesFill{S, V}.Run(PhasePlanes, float*, int, int, int, float*)"/>
    public static void Run(Isa isa, PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: PhasePlanesFill<Simd512, Vector512<float>>.Run(planes, source, channels, gridRow, rows, scratch); break;
            case Isa.Avx2: PhasePlanesFill<Simd256, Vector256<float>>.Run(planes, source, channels, gridRow, rows, scratch); break;
            default: PhasePlanesFill<Simd128, Vector128<float>>.Run(planes, source, channels, gridRow, rows, scratch); break;
        }
    }
}

/// <summary>The same for one vector width.</summary>
internal static unsafe class PhasePlanesFill<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// The planes of grid rows [gridRow, gridRow + rows) for some channels. Writes up to a vector beyond each plane, in ascending order;
    /// reads nothing outside the source.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
    {
        if (planes.sw == 1 || planes.Pitch == 1) Run<UnitRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 2) Run<PairRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else Run<GatherRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
    }

    private static void Run<R>(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
        where R : struct, IStridedRead<S, V>
    {
        nint area = (nint)planes.H * planes.W;
        float* end = source + (channels * area);
        nint planeLength = planes.PlaneLength;
        int planeRows = rows + planes.ExtraRows, rowPhases = planes.RowPhases, columnPhases = planes.ColumnPhases;
        for (int c = 0; c < channels; c++, source += area)
        for (int rowPhase = 0; rowPhase < rowPhases; rowPhase++)
        for (int columnPhase = 0; columnPhase < columnPhases; columnPhase++, scratch += planeLength)
        {
            int sourceRow = (gridRow * planes.sh) + planes.FirstRow + rowPhase;
            float* row = scratch;
            for (int i = 0; i < planeRows; i++, sourceRow += planes.sh, row += planes.Pitch)
            {
                if ((uint)sourceRow >= (uint)planes.H) PaddedRows<S, V>.Zeros(row, planes.Pitch);
                else PaddedRows<S, V>.FillPhase<R>(planes.W, planes.sw, planes.FirstColumn + columnPhase, planes.Pitch, source + ((nint)sourceRow * planes.W), end, row);
            }
        }
    }
}
