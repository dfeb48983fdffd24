using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Grid points that stand side by side in the source: a piece of one grid row.</summary>
/// <param name="Source">Where the first of them reads, for the first channel and a tap offset of 0.</param>
/// <param name="Target">Its column of B.</param>
/// <param name="Count">How many.</param>
internal readonly record struct Run(nint Source, int Target, int Count);

/// <summary>What patches are cut from: padded rows in scratch, or the image itself where no point sees its padding.</summary>
internal readonly unsafe struct PatchSource(float* pixels, float* end, nint channelStride, int pointStride, bool isFar)
{
    /// <summary>The first channel's place 0.</summary>
    public readonly float* Pixels = pixels;

    /// <summary>Nothing at or beyond it is read.</summary>
    public readonly float* End = end;

    /// <summary>Floats from a channel to the next.</summary>
    public readonly nint ChannelStride = channelStride;

    /// <summary>Floats from a point of a run to the next.</summary>
    public readonly int PointStride = pointStride;

    /// <summary>It may lie in main memory: channels are asked for before their turn.</summary>
    public readonly bool IsFar = isFar;
}

/// <summary>
/// Second step of <see cref="PatchGrid"/>: B for the micro-kernel, cut from the source by plain vector copies. It stands row by row: a panel of it would
/// cut the grid's rows once more, and the micro-kernel steps through rows as fast.
/// </summary>
internal static unsafe class PatchRows<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// rows[(c·Taps + t)·ld + Target(run) + i] = source[c·ChannelStride + offsets[t] + Source(run) + i·PointStride], i &lt; Count(run), c &lt; channels.
    /// Runs are in the order of the points; what follows the last in a row holds anything, and up to a vector after the last row is written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(in PatchSource source, int channels, nint* offsets, int taps, ReadOnlySpan<Run> runs, nint ld, float* rows)
    {
        if (source.PointStride == 1) Pack<UnitRead<S, V>>(source, channels, offsets, taps, runs, ld, rows);
        else if (source.PointStride == 2) Pack<PairRead<S, V>>(source, channels, offsets, taps, runs, ld, rows);
        else Pack<GatherRead<S, V>>(source, channels, offsets, taps, runs, ld, rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack<R>(in PatchSource source, int channels, nint* offsets, int taps, ReadOnlySpan<Run> runs, nint ld, float* rows)
        where R : struct, IStridedRead<S, V>
    {
        float* plane = source.Pixels, end = source.End;
        int stride = source.PointStride;
        for (int c = 0; c < channels; c++, plane += source.ChannelStride)
        {
            if (source.IsFar) PrefetchRuns(plane + PrefetchDistance(source.ChannelStride), stride, runs);
            for (int t = 0; t < taps; t++, rows += ld)
            {
                // What is written beyond a run is written again by the next one or with the next row.
                float* p = plane + offsets[t];
                foreach (ref readonly Run run in runs) Copy<R>(p + run.Source, stride, run.Count, end, rows + run.Target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<R>(float* p, int stride, int count, float* end, float* target)
        where R : struct, IStridedRead<S, V>
    {
        int i = 0;
        for (; i + S.Width < count; i += S.Width) S.Store(target + i, R.Inner(p + ((nint)i * stride), stride));
        S.Store(target + i, R.Last(p + ((nint)i * stride), stride, count - i, end));
    }

    /// <summary>Whole channels, at least 16 KB: what memory takes some hundred nanoseconds for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint PrefetchDistance(nint channelStride) => Math.Max(1, 4096 / channelStride) * channelStride;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRuns(float* plane, int stride, ReadOnlySpan<Run> runs)
    {
        foreach (ref readonly Run run in runs)
        {
            for (nint i = 0; i < (nint)run.Count * stride; i += Prefetch.Line) Prefetch.ToL1(plane + run.Source + i);
        }
    }
}
