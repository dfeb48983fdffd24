using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Grid points that stand side by side in scratch and in a panel: a piece of one grid row.</summary>
internal readonly record struct Run(nint Source, int Lane, int Count);

/// <summary>Second step of <see cref="PatchGrid"/>: panels of B for the micro-kernel, cut from padded rows by plain vector copies.</summary>
internal static unsafe class PatchPanel<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// panel[(c·Taps + t)·NR + Lane(run) + i] = scratch[c·channelStride + TapOffset(t) + Source(run) + i], i &lt; Count(run). Runs are in the
    /// order of their lanes; lanes after the last run hold anything. Reads and writes up to a vector beyond a run.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(PatchGrid grid, float* scratch, nint channelStride, int channels, ReadOnlySpan<Run> runs, int NR, float* panel)
    {
        if (runs.Length == 1 && NR == 2 * S.Width && runs[0].Count > S.Width) PackTwoVectors(grid, scratch + runs[0].Source, channelStride, channels, panel);
        else if (runs.Length == 1 && NR == 3 * S.Width && runs[0].Count > 2 * S.Width) PackThreeVectors(grid, scratch + runs[0].Source, channelStride, channels, panel);
        else PackRuns(grid, scratch, channelStride, channels, runs, NR, panel);
    }

    private static void PackTwoVectors(PatchGrid grid, float* source, nint channelStride, int channels, float* panel)
    {
        nint* offsets = grid.TapOffsets;
        int taps = grid.Taps;
        for (int c = 0; c < channels; c++, source += channelStride)
        {
            for (int t = 0; t < taps; t++, panel += 2 * S.Width)
            {
                float* p = source + offsets[t];
                V v0 = S.Load(p), v1 = S.Load(p + S.Width);
                S.Store(panel, v0);
                S.Store(panel + S.Width, v1);
            }
        }
    }

    private static void PackThreeVectors(PatchGrid grid, float* source, nint channelStride, int channels, float* panel)
    {
        nint* offsets = grid.TapOffsets;
        int taps = grid.Taps;
        for (int c = 0; c < channels; c++, source += channelStride)
        {
            for (int t = 0; t < taps; t++, panel += 3 * S.Width)
            {
                float* p = source + offsets[t];
                V v0 = S.Load(p), v1 = S.Load(p + S.Width), v2 = S.Load(p + (2 * S.Width));
                S.Store(panel, v0);
                S.Store(panel + S.Width, v1);
                S.Store(panel + (2 * S.Width), v2);
            }
        }
    }

    private static void PackRuns(PatchGrid grid, float* scratch, nint channelStride, int channels, ReadOnlySpan<Run> runs, int NR, float* panel)
    {
        nint* offsets = grid.TapOffsets;
        int taps = grid.Taps;
        for (int c = 0; c < channels; c++, scratch += channelStride)
        {
            for (int t = 0; t < taps; t++, panel += NR)
            {
                float* source = scratch + offsets[t];
                foreach (Run run in runs)
                {
                    for (int i = 0; i < run.Count; i += S.Width) S.Store(panel + run.Lane + i, S.Load(source + run.Source + i));
                }
            }
        }
    }
}
