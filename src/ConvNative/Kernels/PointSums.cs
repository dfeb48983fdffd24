using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Sums beside the products of the weight gradient.</summary>
internal static unsafe class PointSums<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>sums[r] += Σₖ rows[r, k]: a run's points in float vectors, the runs in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(in PointRows rows, int count, double* sums)
    {
        for (int r = 0; r < count; r++)
            for (int i = 0; i < rows.Count; i++) sums[r] += SumRun(rows.Source + rows.Rows[r] + rows.Runs[i], rows.Length);
    }

    /// <summary>sums[c] += Σ of y over some points of a channel, channels <paramref name="stride"/> apart: in float vectors, added to double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumChannels(float* y, nint stride, int points, int channels, double* sums)
    {
        for (int c = 0; c < channels; c++, y += stride) sums[c] += SumRun(y, points);
    }

    /// <summary>sum[i] += part[i]</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* sum, float* part, nint length)
    {
        for (; length >= S.Width; length -= S.Width, sum += S.Width, part += S.Width) S.Store(sum, S.Add(S.Load(sum), S.Load(part)));
        S.StorePartial(sum, S.Add(S.LoadPartial(sum, (int)length), S.LoadPartial(part, (int)length)), (int)length);
    }

    /// <summary>
    /// C[r, j] = (accumulate ? C[r, j] : 0) + tile[r, j] for some lanes j; <paramref name="width"/>: floats from row to row of the tile.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreTile(float* tile, int width, int rows, int lanes, float* c, nint ldc, bool accumulate)
    {
        var store = new TileStore { Rows = rows, Columns = lanes, Addend = accumulate ? c : null, AddendStride = ldc };
        store.StoreFrom<S, V>(tile, width, c, ldc);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumRun(float* p, int length)
    {
        V sum0 = S.Zero, sum1 = S.Zero, sum2 = S.Zero, sum3 = S.Zero;
        int i = 0;
        for (; i <= length - (4 * S.Width); i += 4 * S.Width)
        {
            sum0 = S.Add(sum0, S.Load(p + i));
            sum1 = S.Add(sum1, S.Load(p + i + S.Width));
            sum2 = S.Add(sum2, S.Load(p + i + (2 * S.Width)));
            sum3 = S.Add(sum3, S.Load(p + i + (3 * S.Width)));
        }

        for (; i <= length - S.Width; i += S.Width) sum0 = S.Add(sum0, S.Load(p + i));
        if (i < length) sum1 = S.Add(sum1, S.LoadPartial(p + i, length - i));
        return S.Sum(S.Add(S.Add(sum0, sum1), S.Add(sum2, sum3)));
    }
}
