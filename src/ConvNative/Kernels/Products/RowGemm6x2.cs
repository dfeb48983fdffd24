using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>6 or 4 rows × 2 vectors: 12 accumulators, 2 vectors of B and a broadcast of A fit 16 registers. The contract stands at <see cref="RowGemm"/>.</summary>
internal static unsafe class RowGemm6x2<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The kernel of 6 rows.</summary>
    public static delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Six => &Run6x2;

    /// <summary>The kernel of 4 rows.</summary>
    public static delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Four => &Run4x2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run6x2(nint K, float* a, nint lda, nint step, float* b, nint ldb, float* c, nint ldc, bool add)
    {
        float* a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
        V c00 = S.Zero, c01 = S.Zero;
        V c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero;
        V c50 = S.Zero, c51 = S.Zero;
        if (add)
        {
            Load(c, out c00, out c01);
            Load(c + ldc, out c10, out c11);
            Load(c + (2 * ldc), out c20, out c21);
            Load(c + (3 * ldc), out c30, out c31);
            Load(c + (4 * ldc), out c40, out c41);
            Load(c + (5 * ldc), out c50, out c51);
        }

        for (nint k = 0; K > 0; K--, k += step, b += ldb)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + k), b0, b1, ref c00, ref c01);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + k), b0, b1, ref c10, ref c11);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + k), b0, b1, ref c20, ref c21);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + k), b0, b1, ref c30, ref c31);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + k), b0, b1, ref c40, ref c41);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + k), b0, b1, ref c50, ref c51);
        }

        TileRow<S, V>.Store(c, c00, c01);
        TileRow<S, V>.Store(c + ldc, c10, c11);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run4x2(nint K, float* a, nint lda, nint step, float* b, nint ldb, float* c, nint ldc, bool add)
    {
        float* a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
        V c00 = S.Zero, c01 = S.Zero;
        V c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero;
        if (add)
        {
            Load(c, out c00, out c01);
            Load(c + ldc, out c10, out c11);
            Load(c + (2 * ldc), out c20, out c21);
            Load(c + (3 * ldc), out c30, out c31);
        }

        for (nint k = 0; K > 0; K--, k += step, b += ldb)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + k), b0, b1, ref c00, ref c01);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + k), b0, b1, ref c10, ref c11);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + k), b0, b1, ref c20, ref c21);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + k), b0, b1, ref c30, ref c31);
        }

        TileRow<S, V>.Store(c, c00, c01);
        TileRow<S, V>.Store(c + ldc, c10, c11);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* c, out V c0, out V c1)
    {
        c0 = S.Load(c);
        c1 = S.Load(c + S.Width);
    }
}
