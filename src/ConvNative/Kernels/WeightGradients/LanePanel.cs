using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Rows along which points run, turned into a panel in which they are lanes.</summary>
internal static unsafe class LanePanel<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Step = 4;

    /// <summary>
    /// panel[k·pitch + j] = rows[j, k] for k over the points of all runs, j &lt; vectors · Width. Of the rows only the first
    /// <paramref name="lanes"/> exist; what stands in the lanes of the others is not defined. EverySecond: two values are read for each point.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Pack(in PointRows rows, int lanes, int vectors, float* panel, nint pitch)
    {
        float** row = stackalloc float*[S.Width];
        for (int first = 0; first < vectors * S.Width; first += S.Width, panel += S.Width)
        {
            for (int i = 0; i < S.Width; i++) row[i] = rows.Source + rows.Rows[Math.Min(first + i, lanes - 1)];
            float* target = panel;
            for (int i = 0; i < rows.Count; i++, target += rows.Length * pitch)
            {
                if (rows.Length < Step) PackShort(row, rows.Runs[i], rows.EverySecond ? 2 : 1, rows.Length, pitch, target);
                else if (!rows.EverySecond) PackRun(row, rows.Runs[i], rows.Length, pitch, target);
                else PackPairs(row, rows.Runs[i], rows.Length, pitch, target);
            }
        }
    }

    // The last step begins so that it ends with the run; it may repeat points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackRun(float** row, nint run, nint length, nint pitch, float* panel)
    {
        nint k = 0;
        for (; k <= length - (2 * Step); k += 2 * Step, panel += 2 * Step * pitch)
        {
            S.LoadOcts(row, run + k, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
            Store(c0, c1, c2, c3, pitch, panel);
            Store(c4, c5, c6, c7, pitch, panel + (Step * pitch));
        }

        for (; k < length; k += Step, panel += Step * pitch)
        {
            nint back = Math.Max(0, k - (length - Step));
            S.LoadQuads(row, run + k - back, out V c0, out V c1, out V c2, out V c3);
            Store(c0, c1, c2, c3, pitch, panel - (back * pitch));
        }
    }

    /// <summary>The first of every two values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackPairs(float** row, nint run, nint length, nint pitch, float* panel)
    {
        for (nint k = 0; k < length; k += Step, panel += Step * pitch)
        {
            nint back = Math.Max(0, k - (length - Step));
            S.LoadOcts(row, run + (2 * (k - back)), out V c0, out _, out V c2, out _, out V c4, out _, out V c6, out _);
            Store(c0, c2, c4, c6, pitch, panel - (back * pitch));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V c0, V c1, V c2, V c3, nint pitch, float* panel)
    {
        S.Store(panel, c0);
        S.Store(panel + pitch, c1);
        S.Store(panel + (2 * pitch), c2);
        S.Store(panel + (3 * pitch), c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackShort(float** row, nint run, nint stride, nint length, nint pitch, float* panel)
    {
        for (nint k = 0; k < length; k++, panel += pitch)
            for (int i = 0; i < S.Width; i++) panel[i] = row[i][run + (k * stride)];
    }
}
