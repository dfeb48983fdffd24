using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// M rows, 6 or 4, × N vectors, 1 to 4, or 8 × 1: 24 accumulators, 4 vectors of B and a broadcast of A fit 32 registers, half of them 16. The contract stands at
/// <see cref="RowGemm"/>.
/// </summary>
internal static unsafe class RowGemmTile<S, V, M, N>
    where S : struct, ISimd<V>
    where V : struct
    where M : struct, ICount
    where N : struct, ICount
{
    // Rows of B in advance, where six rows of A, or eight of a panel of one vector, are the first to read them: B may come from beyond L2, where the processor asks for it too
    // late. With four rows in all, or twice four, memory is the limit, and to ask is slower.
    private const int Ahead = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(nint K, float* a, nint lda, nint step, float* b, nint ldb, float* c, nint ldc, bool add)
    {
        float* a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda, a6 = a5 + lda, a7 = a6 + lda;
        Start(c, add, out V c00, out V c01, out V c02, out V c03);
        Start(c + ldc, add, out V c10, out V c11, out V c12, out V c13);
        Start(c + (2 * ldc), add, out V c20, out V c21, out V c22, out V c23);
        Start(c + (3 * ldc), add, out V c30, out V c31, out V c32, out V c33);
        Start(c + (4 * ldc), add && M.Value > 4, out V c40, out V c41, out V c42, out V c43);
        Start(c + (5 * ldc), add && M.Value > 4, out V c50, out V c51, out V c52, out V c53);
        if (M.Value == 8 && add) (c01, c11) = (S.Load(c + (6 * ldc)), S.Load(c + (7 * ldc)));   // of one vector rows 6 and 7 have what others have for a second one
        for (nint k = 0; K > 0; K--, k += step, b += ldb)
        {
            if (M.Value >= 6 && S.Registers >= 32) Ask(b + (Ahead * ldb));
            Load(b, out V b0, out V b1, out V b2, out V b3);
            MultiplyAdd(S.Broadcast(a0 + k), b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            MultiplyAdd(S.Broadcast(a1 + k), b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13);
            MultiplyAdd(S.Broadcast(a2 + k), b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23);
            MultiplyAdd(S.Broadcast(a3 + k), b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33);
            if (M.Value == 4) continue;
            MultiplyAdd(S.Broadcast(a4 + k), b0, b1, b2, b3, ref c40, ref c41, ref c42, ref c43);
            MultiplyAdd(S.Broadcast(a5 + k), b0, b1, b2, b3, ref c50, ref c51, ref c52, ref c53);
            if (M.Value == 6) continue;
            c01 = S.MultiplyAdd(S.Broadcast(a6 + k), b0, c01);
            c11 = S.MultiplyAdd(S.Broadcast(a7 + k), b0, c11);
        }

        Store(c, c00, c01, c02, c03);
        Store(c + ldc, c10, c11, c12, c13);
        Store(c + (2 * ldc), c20, c21, c22, c23);
        Store(c + (3 * ldc), c30, c31, c32, c33);
        if (M.Value == 4) return;
        Store(c + (4 * ldc), c40, c41, c42, c43);
        Store(c + (5 * ldc), c50, c51, c52, c53);
        if (M.Value == 6) return;
        S.Store(c + (6 * ldc), c01);
        S.Store(c + (7 * ldc), c11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(float* b)
    {
        Prefetch.ToL1(b);
        if (N.Value > 1) Prefetch.ToL1(b + S.Width);
        if (N.Value > 2) Prefetch.ToL1(b + (2 * S.Width));
        if (N.Value > 3) Prefetch.ToL1(b + (3 * S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(float* c, bool add, out V c0, out V c1, out V c2, out V c3)
    {
        c0 = c1 = c2 = c3 = S.Zero;
        if (add) Load(c, out c0, out c1, out c2, out c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* b, out V b0, out V b1, out V b2, out V b3)
    {
        b0 = S.Load(b);
        b1 = N.Value > 1 ? S.Load(b + S.Width) : S.Zero;
        b2 = N.Value > 2 ? S.Load(b + (2 * S.Width)) : S.Zero;
        b3 = N.Value > 3 ? S.Load(b + (3 * S.Width)) : S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(V a, V b0, V b1, V b2, V b3, ref V c0, ref V c1, ref V c2, ref V c3)
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        if (N.Value > 1) c1 = S.MultiplyAdd(a, b1, c1);
        if (N.Value > 2) c2 = S.MultiplyAdd(a, b2, c2);
        if (N.Value > 3) c3 = S.MultiplyAdd(a, b3, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, V c0, V c1, V c2, V c3)
    {
        S.Store(c, c0);
        if (N.Value > 1) S.Store(c + S.Width, c1);
        if (N.Value > 2) S.Store(c + (2 * S.Width), c2);
        if (N.Value > 3) S.Store(c + (3 * S.Width), c3);
    }
}
