using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Source rows into <see cref="PhasePlanes"/>.</summary>
internal static unsafe class PhasePlanesFill
{
    /// <summary>
    /// The planes of grid rows [gridRow, gridRow + rows) for some channels. Writes up to a vector beyond each row, in ascending order within a
    /// plane, unless they are dense; reads nothing outside the source.
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
        if (planes.sw == 1 || planes.RowLength == 1) Run<UnitRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 2 && planes.ColumnPhases == 2 && !planes.IsDense && PlanePiece.AreNeighbours(planes.Piece(0), planes.Piece(1))) WholePairs(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 2 && planes.ColumnPhases == 2) Pairs(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 2) Run<PairRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else if (planes.sw == 4) Run<QuadRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
        else Run<GatherRead<S, V>>(planes, source, channels, gridRow, rows, scratch);
    }

    // Source rows in their order, whatever their phases: the hardware's prefetcher follows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R>(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
        where R : struct, IStridedRead<S, V>
    {
        nint area = (nint)planes.H * planes.W, planeLength = planes.PlaneLength, channelStride = planes.ChannelStride;
        float* end = source + (channels * area);
        int planeRows = rows + planes.ExtraRows, rowPhases = planes.RowPhases, columnPhases = planes.ColumnPhases;
        int H = planes.H, W = planes.W, sh = planes.sh, sw = planes.sw, pitch = planes.Pitch, length = planes.RowLength;
        bool exact = planes.IsDense;
        for (int c = 0; c < channels; c++, source += area, scratch += channelStride)
        for (int i = 0; i < planeRows; i++)
        {
            float* row = scratch + (i * (nint)pitch);
            for (int rowPhase = 0; rowPhase < rowPhases; rowPhase++)
            {
                int sourceRow = ((gridRow + i) * sh) + planes.FirstRow + rowPhase;
                for (int columnPhase = 0; columnPhase < columnPhases; columnPhase++, row += planeLength)
                {
                    if ((uint)sourceRow < (uint)H) CopyRow<R>(source + ((nint)sourceRow * W), sw, planes.Piece(columnPhase), length, end, row, exact);
                    else Zeros(row, length, exact);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRow<R>(float* source, int sw, PlanePiece piece, int length, float* end, float* row, bool exact)
        where R : struct, IStridedRead<S, V>
    {
        Zeros(row, piece.Begin, exact);
        Copy<R>(source + piece.Source, sw, piece.End - piece.Begin, end, row + piece.Begin, exact);
        Zeros(row + piece.End, length - piece.End, exact);
    }

    /// <summary>Stride 2, both phases by whole vectors, for which there is room beyond a row and which bring the zeros after them along.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WholePairs(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
    {
        nint area = (nint)planes.H * planes.W, planeLength = planes.PlaneLength, channelStride = planes.ChannelStride;
        int planeRows = rows + planes.ExtraRows, rowPhases = planes.RowPhases, H = planes.H, W = planes.W, sh = planes.sh;
        int pitch = planes.Pitch, length = planes.RowLength;
        PlanePiece first = planes.Piece(0), second = planes.Piece(1);
        int begin = Math.Min(first.Source, second.Source), count = length - Math.Min(first.Begin, second.Begin);
        bool swaps = second.Source == begin;   // the phase that begins with the earlier pixel has the even ones
        nint even = swaps ? planeLength + second.Begin : first.Begin, odd = swaps ? first.Begin : planeLength + second.Begin;
        for (int c = 0; c < channels; c++, source += area, scratch += channelStride)
        for (int i = 0; i < planeRows; i++)
        {
            float* row = scratch + (i * (nint)pitch);
            for (int rowPhase = 0; rowPhase < rowPhases; rowPhase++, row += 2 * planeLength)
            {
                int sourceRow = ((gridRow + i) * sh) + planes.FirstRow + rowPhase;
                if ((uint)sourceRow >= (uint)H)
                {
                    Zeros(row, length, exact: false);
                    Zeros(row + planeLength, length, exact: false);
                    continue;
                }

                float* p = source + ((nint)sourceRow * W);
                RowPairs<S, V>.Lead(row, first.Begin);
                RowPairs<S, V>.Lead(row + planeLength, second.Begin);
                RowPairs<S, V>.Split(p + begin, p + W, count, row + even, row + odd);
            }
        }
    }

    /// <summary>Stride 2, both phases at once: what is loaded for one holds the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pairs(PhasePlanes planes, float* source, int channels, int gridRow, int rows, float* scratch)
    {
        nint area = (nint)planes.H * planes.W, planeLength = planes.PlaneLength, channelStride = planes.ChannelStride;
        float* end = source + (channels * area);
        int planeRows = rows + planes.ExtraRows, rowPhases = planes.RowPhases, H = planes.H, W = planes.W, sh = planes.sh;
        int pitch = planes.Pitch, length = planes.RowLength;
        bool exact = planes.IsDense;
        PlanePiece first = planes.Piece(0), second = planes.Piece(1);
        for (int c = 0; c < channels; c++, source += area, scratch += channelStride)
        for (int i = 0; i < planeRows; i++)
        {
            float* row = scratch + (i * (nint)pitch);
            for (int rowPhase = 0; rowPhase < rowPhases; rowPhase++, row += 2 * planeLength)
            {
                int sourceRow = ((gridRow + i) * sh) + planes.FirstRow + rowPhase;
                if ((uint)sourceRow >= (uint)H)
                {
                    Zeros(row, length, exact);
                    Zeros(row + planeLength, length, exact);
                    continue;
                }

                Zeros(row, first.Begin, exact);
                Zeros(row + planeLength, second.Begin, exact);
                CopyPair(source + ((nint)sourceRow * W), first, second, end, row, row + planeLength, exact);
                Zeros(row + first.End, length - first.End, exact);
                Zeros(row + planeLength + second.End, length - second.End, exact);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyPair(float* p, PlanePiece first, PlanePiece second, float* end, float* firstRow, float* secondRow, bool exact)
    {
        // Neighbours, where neither is empty: the one that begins with the earlier pixel takes the even ones.
        bool swaps = second.Source < first.Source;
        PlanePiece even = swaps ? second : first, odd = swaps ? first : second;
        float* evenTarget = (swaps ? secondRow : firstRow) + even.Begin, oddTarget = (swaps ? firstRow : secondRow) + odd.Begin;
        int evens = even.End - even.Begin, odds = odd.End - odd.Begin, i = 0, both = Math.Min(evens, odds) - (exact ? S.Width - 1 : 0);
        p += even.Source;
        for (; i < both && p + (2 * S.Width) <= end; i += S.Width, p += 2 * S.Width)
        {
            V low = S.Load(p), high = S.Load(p + S.Width);
            S.Store(evenTarget + i, S.Even(low, high));
            S.Store(oddTarget + i, S.Odd(low, high));
        }

        Copy<PairRead<S, V>>(p, 2, evens - i, end, evenTarget + i, exact);
        Copy<PairRead<S, V>>(p + odd.Source - even.Source, 2, odds - i, end, oddTarget + i, exact);
    }

    // Whole vectors, where planes are not dense: what is written beyond the run is written again by the next one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zeros(float* p, int count, bool exact)
    {
        for (; count > 0; count -= S.Width, p += S.Width) Store(p, S.Zero, count, exact);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<R>(float* p, int stride, int count, float* end, float* target, bool exact)
        where R : struct, IStridedRead<S, V>
    {
        int i = 0;
        for (; i + S.Width < count; i += S.Width) S.Store(target + i, R.Inner(p + ((nint)i * stride), stride));
        if (i < count) Store(target + i, R.Last(p + ((nint)i * stride), stride, count - i, end), count - i, exact);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* p, V value, int count, bool exact)
    {
        if (exact && count < S.Width) S.StorePartial(p, value, count);
        else S.Store(p, value);
    }
}
