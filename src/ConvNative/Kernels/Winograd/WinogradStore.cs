using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Stores what a transform makes, a vector for each point that the tile has.</summary>
internal static unsafe class WinogradStore<S, V, F>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradTile<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Points(float* to, nint stride, V v0, V v1, V v2, V v3, V v4, V v5, V v6, V v7)
    {
        if (F.Has(0)) S.Store(to, v0);
        if (F.Has(1)) S.Store(to + stride, v1);
        if (F.Has(2)) S.Store(to + (2 * stride), v2);
        if (F.Has(3)) S.Store(to + (3 * stride), v3);
        if (F.Has(4)) S.Store(to + (4 * stride), v4);
        if (F.Has(5)) S.Store(to + (5 * stride), v5);
        if (F.Has(6)) S.Store(to + (6 * stride), v6);
        if (F.Has(7)) S.Store(to + (7 * stride), v7);
    }
}
