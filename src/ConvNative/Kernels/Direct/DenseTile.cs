using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>What the tiles of <see cref="DenseKernels"/> have in common.</summary>
internal static unsafe class DenseTile<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>A vector of W or B for the N rows of a tile, 1 to 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<N>(V b, V a0, V a1, V a2, ref V c0, ref V c1, ref V c2)
        where N : struct, ICount
    {
        c0 = S.MultiplyAdd(a0, b, c0);
        if (N.Value > 1) c1 = S.MultiplyAdd(a1, b, c1);
        if (N.Value > 2) c2 = S.MultiplyAdd(a2, b, c2);
    }
}
