using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Source rows into <see cref="PhasePlanes"/>.</summary>
internal static unsafe class PhasePlanesFill
{
    /// <summary>
    /// The planes of grid rows [gridRow, gridRow + rows) for some channels. Writes up to a vector beyond each row, in ascending order;
    /// reads nothing outside the source.
    /// </summary>
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
    {
        if (planes.sw == 1 || planes.Pitch == 1) Run<UnitRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 2) Run<PairRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else Run<GatherRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R>(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
        where R : struct, IStridedRead<S, V>
    {
        nint area = (nint)planes.H * planes.W;
        float* end = source + (channels * area);
        nint planeLength = planes.PlaneLength, channelStride = planes.ChannelStride;
        int planeRows = rows + planes.ExtraRows, rowPhases = planes.RowPhases, columnPhases = planes.ColumnPhases;
        for (int c = 0; c < channels; c++, source += area, scratch += channelStride)
        {
            float* plane = scratch;
            for (int rowPhase = 0; rowPhase < rowPhases; rowPhase++)
            for (int columnPhase = 0; columnPhase < columnPhases; columnPhase++, plane += planeLength)
                Plane<R>(planes, source, end, (gridRow * planes.sh) + planes.FirstRow + rowPhase, planeRows, planes.Piece(columnPhase), plane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Plane<R>(PhasePlanes planes, float* source, float* end, int sourceRow, int rows, PlanePiece piece, float* row)
        where R : struct, IStridedRead<S, V>
    {
        int H = planes.H, sw = planes.sw, pitch = planes.Pitch;
        nint step = (nint)planes.sh * planes.W;
        float* p = source + ((nint)sourceRow * planes.W) + piece.Source;
        for (int i = 0; i < rows; i++, sourceRow += planes.sh, p += step, row += pitch)
        {
            if ((uint)sourceRow >= (uint)H)
            {
                Zeros(row, pitch);
                continue;
            }

            Zeros(row, piece.Begin);
            Copy<R>(p, sw, piece.End - piece.Begin, end, row + piece.Begin);
            Zeros(row + piece.End, pitch - piece.End);
        }
    }

    // Whole vectors: what is written beyond the run is written again by the next one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zeros(float* p, int count)
    {
        for (int i = 0; i < count; i += S.Width) S.Store(p + i, S.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<R>(float* p, int stride, int count, float* end, float* target)
        where R : struct, IStridedRead<S, V>
    {
        int i = 0;
        for (; i + S.Width < count; i += S.Width) S.Store(target + i, R.Inner(p + ((nint)i * stride), stride));
        if (i < count) S.Store(target + i, R.Last(p + ((nint)i * stride), stride, count - i, end));
    }
}
