using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>6 or 4 rows × 4 vectors: 24 accumulators, 4 vectors of B and a broadcast of A fit 32 registers. The contract stands at <see cref="RowGemm"/>.</summary>
internal static unsafe class RowGemm6x4<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The kernel of 6 rows.</summary>
    public static delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Six => &Run6x4;

    /// <summary>The kernel of 4 rows.</summary>
    public static delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Four => &Run4x4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run6x4(nint K, float* a, nint lda, nint step, float* b, nint ldb, float* c, nint ldc, bool add)
    {
        float* a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero;
        V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c13 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c23 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c32 = S.Zero, c33 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c43 = S.Zero;
        V c50 = S.Zero, c51 = S.Zero, c52 = S.Zero, c53 = S.Zero;
        if (add)
        {
            Load(c, out c00, out c01, out c02, out c03);
            Load(c + ldc, out c10, out c11, out c12, out c13);
            Load(c + (2 * ldc), out c20, out c21, out c22, out c23);
            Load(c + (3 * ldc), out c30, out c31, out c32, out c33);
            Load(c + (4 * ldc), out c40, out c41, out c42, out c43);
            Load(c + (5 * ldc), out c50, out c51, out c52, out c53);
        }

        for (nint k = 0; K > 0; K--, k += step, b += ldb)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + (2 * S.Width)), b3 = S.Load(b + (3 * S.Width));
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + k), b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + k), b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + k), b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + k), b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a4 + k), b0, b1, b2, b3, ref c40, ref c41, ref c42, ref c43);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a5 + k), b0, b1, b2, b3, ref c50, ref c51, ref c52, ref c53);
        }

        TileRow<S, V>.Store(c, c00, c01, c02, c03);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12, c13);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21, c22, c23);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31, c32, c33);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41, c42, c43);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run4x4(nint K, float* a, nint lda, nint step, float* b, nint ldb, float* c, nint ldc, bool add)
    {
        float* a0 = a, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero;
        V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c13 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c23 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c32 = S.Zero, c33 = S.Zero;
        if (add)
        {
            Load(c, out c00, out c01, out c02, out c03);
            Load(c + ldc, out c10, out c11, out c12, out c13);
            Load(c + (2 * ldc), out c20, out c21, out c22, out c23);
            Load(c + (3 * ldc), out c30, out c31, out c32, out c33);
        }

        for (nint k = 0; K > 0; K--, k += step, b += ldb)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + (2 * S.Width)), b3 = S.Load(b + (3 * S.Width));
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a0 + k), b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a1 + k), b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a2 + k), b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a3 + k), b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33);
        }

        TileRow<S, V>.Store(c, c00, c01, c02, c03);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12, c13);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21, c22, c23);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31, c32, c33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* c, out V c0, out V c1, out V c2, out V c3)
    {
        c0 = S.Load(c);
        c1 = S.Load(c + S.Width);
        c2 = S.Load(c + (2 * S.Width));
        c3 = S.Load(c + (3 * S.Width));
    }
}
