using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Rows of results that are not written where they belong at once: the phases of strided backward-data are woven together, and
/// those of small images. Rows are finished from the top, so that a vector may reach beyond its row into what is written later; only the plane's end needs
/// partial stores, which are slow on some machines.
/// </summary>
internal static unsafe class DepthwiseOutput
{
    /// <summary>The rows of so many steps, from rows of results (step, row phase, column phase).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Band<S, V>(DepthwiseStencil t, int first, int steps, float* result, float* plane)
        where S : struct, ISimd<V>
        where V : struct
    {
        int columns = t.Columns.Outputs;
        nint length = (nint)t.Rows.Outputs * columns, pitch = (nint)t.ResultPitch * t.Columns.Phases;
        nint at = (nint)first * t.Rows.Phases * columns;
        for (int i = steps * t.Rows.Phases; i > 0 && at < length; i--, result += pitch, at += columns)
        {
            if (t.Columns.Phases <= 2) Weave<S, V>(t, result, plane + at, plane + length);
            else WeaveAny(t, result, plane + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weave<S, V>(DepthwiseStencil t, float* result, float* row, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        int columns = t.Columns.Outputs;
        if (t.Columns.Phases == 1)
        {
            for (int j = 0; j < columns; j += S.Width) Put<S, V>(row + j, S.Load(result + j), (int)Math.Min(S.Width, end - (row + j)));
            return;
        }

        for (int j = 0; j < columns; j += 2 * S.Width)
        {
            V even = S.Load(result + (j / 2)), odd = S.Load(result + t.ResultPitch + (j / 2));
            Put<S, V>(row + j, S.InterleaveLow(even, odd), (int)Math.Min(S.Width, end - (row + j)));
            if (j + S.Width < columns) Put<S, V>(row + j + S.Width, S.InterleaveHigh(even, odd), (int)Math.Min(S.Width, end - (row + j + S.Width)));
        }
    }

    private static void WeaveAny(DepthwiseStencil t, float* result, float* row)
    {
        (int column, int phase) = (0, 0);
        for (int j = 0; j < t.Columns.Outputs; j++)
        {
            row[j] = result[(phase * t.ResultPitch) + column];
            if (++phase == t.Columns.Phases) (phase, column) = (0, column + 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<S, V>(float* to, V value, int count)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (count >= S.Width) S.Store(to, value);
        else S.StorePartial(to, value, count);
    }
}
