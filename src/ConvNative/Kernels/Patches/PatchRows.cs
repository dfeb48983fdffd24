using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Grid points that stand side by side in the source: a piece of one grid row.</summary>
/// <param name="Source">Where the first of them reads, for the first channel and a tap offset of 0.</param>
/// <param name="Target">Its column of B.</param>
/// <param name="Count">How many.</param>
internal readonly record struct Run(nint Source, int Target, int Count);

/// <summary>What patches are cut from: padded rows in scratch, or the image itself where no point sees its padding.</summary>
internal readonly unsafe struct PatchSource(float* pixels, float* end, nint channelStride, int pointStride)
{
    /// <summary>The first channel's place 0.</summary>
    public readonly float* Pixels = pixels;

    /// <summary>Nothing at or beyond it is read.</summary>
    public readonly float* End = end;

    /// <summary>Floats from a channel to the next.</summary>
    public readonly nint ChannelStride = channelStride;

    /// <summary>Floats from a point of a run to the next.</summary>
    public readonly int PointStride = pointStride;
}

/// <summary>
/// Second step of <see cref="PatchGrid"/>: B for the micro-kernel, cut from the source by plain vector copies. It stands row by row: a panel of it would
/// cut the grid's rows once more, and the micro-kernel steps through rows as fast.
/// </summary>
internal static unsafe class PatchRows<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Channels that are copied run by run: the lines of B that neighbouring runs share are still in L1.</summary>
    private const int ChannelsAtOnce = 32;

    /// <summary>
    /// rows[(c·Taps + t)·ld + Target(run) + i] = source[c·ChannelStride + offsets[t] + Source(run) + i·PointStride], i &lt; Count(run), c &lt; channels.
    /// Runs are in the order of the points; what follows the last in a row, for which ld has a vector's room, holds anything.
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
        for (int c = 0; c < channels; c += ChannelsAtOnce)
        {
            int count = Math.Min(ChannelsAtOnce, channels - c);
            float* plane = source.Pixels + (c * source.ChannelStride), target = rows + (c * taps * ld);
            for (int t = 0; t < taps; t++, target += ld)
            {
                // What is written beyond a run is written again by the next one.
                foreach (ref readonly Run run in runs) Copy<R>(source, plane + offsets[t] + run.Source, run.Count, count, target + run.Target, taps * ld);
            }
        }
    }

    /// <summary>One run of some channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<R>(in PatchSource source, float* p, int count, int channels, float* target, nint ld)
        where R : struct, IStridedRead<S, V>
    {
        nint step = source.ChannelStride;
        int stride = source.PointStride, vectors = (count + S.Width - 1) / S.Width;
        nint vector = (nint)S.Width * stride;
        // Channels whose last vector does not reach beyond the end. Counted in floats: a pointer that far before the end may wrap round.
        nint room = (nint)(source.End - p) - (vectors * vector);
        int whole = room >= (channels - 1) * step ? channels : room < 0 ? 0 : (int)(room / step) + 1;
        if (vectors == 1)
        {
            for (int c = 0; c < whole; c++, p += step, target += ld) S.Store(target, R.Inner(p, stride));
        }
        else if (vectors == 2)
        {
            for (int c = 0; c < whole; c++, p += step, target += ld)
            {
                S.Store(target, R.Inner(p, stride));
                S.Store(target + S.Width, R.Inner(p + vector, stride));
            }
        }
        else
        {
            for (int c = 0; c < whole; c++, p += step, target += ld)
                for (int i = 0; i < vectors; i++) S.Store(target + (i * S.Width), R.Inner(p + (i * vector), stride));
        }

        for (int c = whole; c < channels; c++, p += step, target += ld)
        {
            int i = 0;
            for (; i + S.Width < count; i += S.Width) S.Store(target + i, R.Inner(p + ((nint)i * stride), stride));
            S.Store(target + i, R.Last(p + ((nint)i * stride), stride, count - i, source.End));
        }
    }
}
