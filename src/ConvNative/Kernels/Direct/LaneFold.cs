using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Sums whose parts stand in the lanes of a vector each.</summary>
internal static unsafe class LaneFold<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>sums[i] += the lanes of the i-th of 16 vectors, neighbours added first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add16(
        V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, V a10, V a11, V a12, V a13, V a14, V a15, float* sums)
    {
        V b0 = S.SumFours(a0, a1, a2, a3), b1 = S.SumFours(a4, a5, a6, a7), b2 = S.SumFours(a8, a9, a10, a11), b3 = S.SumFours(a12, a13, a14, a15);
        if (S.Width == 4)
        {
            Add(sums, b0);
            Add(sums + 4, b1);
            Add(sums + 8, b2);
            Add(sums + 12, b3);
            return;
        }

        b0 = AddFours(b0, b1);
        b2 = AddFours(b2, b3);
        if (S.Width == 8)
        {
            Add(sums, b0);
            Add(sums + 8, b2);
            return;
        }

        Add(sums, AddFours(b0, b2));
    }

    /// <summary>In the first lanes the sums of the lanes of R vectors, 4 or 8 (of 16 lanes), in the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sums<R>(V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7)
        where R : struct, ICount
    {
        V b = S.SumFours(a0, a1, a2, a3);
        if (S.Width == 4) return b;
        b = AddFours(b, R.Value == 4 ? b : S.SumFours(a4, a5, a6, a7));
        return S.Width == 8 ? b : AddFours(b, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddFours(V low, V high) => S.Add(S.EvenFours(low, high), S.OddFours(low, high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sums, V value) => S.Store(sums, S.Add(S.Load(sums), value));
}
