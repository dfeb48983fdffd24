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
    /// <paramref name="lanes"/> exist; what stands in the lanes of the others is not defined.
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
                if (rows.Length >= Step) PackRun(row, rows.Runs[i], rows.Length, pitch, target);
                else PackShort(row, rows.Runs[i], rows.Length, pitch, target);
            }
        }
    }

    // The last step begins so that it ends with the run; it may repeat points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackRun(float** row, nint run, nint length, nint pitch, float* panel)
    {
        nint k = 0;
        for (; k <= length - (2 * Step); k += 2 * Step, panel += 2 * Step * pitch) PackSteps(row, run + k, pitch, panel);
        for (; k <= length - Step; k += Step, panel += Step * pitch) PackStep(row, run + k, pitch, panel);
        if (k < length) PackStep(row, run + length - Step, pitch, panel - ((k - (length - Step)) * pitch));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackSteps(float** row, nint at, nint pitch, float* panel)
    {
        S.LoadOcts(row, at, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
        S.Store(panel, c0);
        S.Store(panel + pitch, c1);
        S.Store(panel + (2 * pitch), c2);
        S.Store(panel + (3 * pitch), c3);
        panel += 4 * pitch;
        S.Store(panel, c4);
        S.Store(panel + pitch, c5);
        S.Store(panel + (2 * pitch), c6);
        S.Store(panel + (3 * pitch), c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackStep(float** row, nint at, nint pitch, float* panel)
    {
        S.LoadQuads(row, at, out V c0, out V c1, out V c2, out V c3);
        S.Store(panel, c0);
        S.Store(panel + pitch, c1);
        S.Store(panel + (2 * pitch), c2);
        S.Store(panel + (3 * pitch), c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackShort(float** row, nint run, nint length, nint pitch, float* panel)
    {
        for (nint k = 0; k < length; k++, panel += pitch)
            for (int i = 0; i < S.Width; i++) panel[i] = row[i][run + k];
    }
}
