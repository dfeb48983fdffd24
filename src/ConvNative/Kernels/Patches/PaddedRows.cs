using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>First step of <see cref="PatchGrid"/>: source rows into scratch, zero-padded and with their column phases apart.</summary>
internal static unsafe class PaddedRows<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Floats, of whole channels: some hundred nanoseconds.</summary>
    private const int PrefetchDistance = 4096;

    /// <summary>
    /// The padded rows of grid rows [gridRow, gridRow + rows) for some channel planes; channel c at scratch + c·channelStride. Writes up
    /// to a vector beyond its last row; reads nothing outside the planes. <paramref name="gridColumn"/>: where a <see cref="PatchGrid.Window"/> begins, else 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(PatchGrid grid, float* planes, int channels, int gridRow, int gridColumn, int rows, float* scratch, nint channelStride)
    {
        if (grid.sw == 1 || (grid.Phases == 1 && grid.Columns == 1)) Fill<UnitRead<S, V>>(grid, planes, channels, gridRow, gridColumn, rows, scratch, channelStride);
        else if (grid.sw == 2 && IsPair(grid) && gridColumn == 0) FillPairs(grid, planes, channels, gridRow, rows, scratch, channelStride);
        else if (grid.sw == 2) Fill<PairRead<S, V>>(grid, planes, channels, gridRow, gridColumn, rows, scratch, channelStride);
        else if (grid.sw == 4) Fill<QuadRead<S, V>>(grid, planes, channels, gridRow, gridColumn, rows, scratch, channelStride);
        else Fill<GatherRead<S, V>>(grid, planes, channels, gridRow, gridColumn, rows, scratch, channelStride);
    }

    /// <summary>Two phases of which each fits a vector.</summary>
    private static bool IsPair(PatchGrid grid) =>
        grid.Phases == 2 && grid.PhaseLength <= S.Width && PlanePiece.AreNeighbours(grid.Pieces[0], grid.Pieces[1]);

    /// <summary>Narrow rows of stride 2: both phases at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillPairs(PatchGrid grid, float* planes, int channels, int gridRow, int rows, float* scratch, nint channelStride)
    {
        int paddedRows = grid.PaddedRowCount(rows), length = grid.PhaseLength, W = grid.W;
        nint plane = (nint)grid.H * W;
        nint ahead = Math.Max(1, PrefetchDistance / plane) * plane;
        PlanePiece first = grid.Pieces[0], second = grid.Pieces[1];
        int begin = Math.Min(first.Source, second.Source);
        bool swaps = second.Source == begin;   // the phase that begins with the earlier pixel has the even ones
        for (int c = 0; c < channels; c++, planes += plane, scratch += channelStride)
        {
            float* row = scratch;
            for (int i = 0; i < paddedRows; i++, row += grid.Pitch)
            {
                int source = grid.SourceRow(gridRow, i);
                if ((uint)source >= (uint)grid.H)
                {
                    Zeros(row, grid.Pitch);
                    continue;
                }

                float* p = planes + ((nint)source * W);
                PrefetchRow(p + ahead, W);
                // The second phase last: what the first writes beyond its place is there.
                RowPairs<S, V>.Load(p + begin, W - begin, out V even, out V odd);
                S.Store(row + first.Begin, swaps ? odd : even);
                S.Store(row + length + second.Begin, swaps ? even : odd);
                RowPairs<S, V>.Lead(row, first.Begin);
                RowPairs<S, V>.Lead(row + length, second.Begin);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill<R>(PatchGrid grid, float* planes, int channels, int gridRow, int gridColumn, int rows, float* scratch, nint channelStride)
        where R : struct, IStridedRead<S, V>
    {
        int paddedRows = grid.PaddedRowCount(rows);
        nint plane = (nint)grid.H * grid.W;
        nint ahead = Math.Max(1, PrefetchDistance / plane) * plane;
        float* end = planes + (channels * plane);
        int seen = gridColumn * grid.sw;   // the first column, but for padding
        ReadOnlySpan<PlanePiece> pieces = grid.Pieces;
        for (int c = 0; c < channels; c++, planes += plane, scratch += channelStride)
        {
            float* row = scratch;
            for (int i = 0; i < paddedRows; i++, row += grid.Pitch)
            {
                int source = grid.SourceRow(gridRow, i);
                if ((uint)source >= (uint)grid.H)
                {
                    Zeros(row, grid.Pitch);
                    continue;
                }

                PrefetchRow(planes + ahead + ((nint)source * grid.W) + seen, Math.Min(grid.W - seen, grid.Columns * grid.sw));
                float* target = row;
                for (int phase = 0; phase < pieces.Length; phase++)
                {
                    PlanePiece piece = gridColumn == 0
                        ? pieces[phase]
                        : PlanePiece.Of(grid.FirstColumn + (gridColumn * grid.sw) + phase, grid.sw, grid.W, grid.PhaseLength);
                    Zeros(target, piece.Begin);
                    Copy<R>(planes + ((nint)source * grid.W) + piece.Source, grid.sw, piece.End - piece.Begin, end, target + piece.Begin);
                    Zeros(target + piece.End, grid.PhaseLength - piece.End);
                    target += grid.PhaseLength;
                }
            }
        }
    }

    /// <summary>Asks for a later channel's row: it may lie in main memory. One at a time, since a processor that has too many lines under way stops.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRow(float* row, int length)
    {
        for (int j = 0; j < length; j += Prefetch.Line) Prefetch.ToL1(row + j);
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
