using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 8 rows × 2 or 3 vectors: 24 accumulators, 3 vectors of points and a weight fit 32 registers.
/// The contract stands at <see cref="DirectTile"/>.
/// </summary>
internal static unsafe class DirectTile8x3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>3 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run3(DirectTileProduct* product)
    {
        float* start = product->Start;
        V c00 = S.Broadcast(start), c01 = c00, c02 = c00;
        V c10 = S.Broadcast(start + 1), c11 = c10, c12 = c10;
        V c20 = S.Broadcast(start + 2), c21 = c20, c22 = c20;
        V c30 = S.Broadcast(start + 3), c31 = c30, c32 = c30;
        V c40 = S.Broadcast(start + 4), c41 = c40, c42 = c40;
        V c50 = S.Broadcast(start + 5), c51 = c50, c52 = c50;
        V c60 = S.Broadcast(start + 6), c61 = c60, c62 = c60;
        V c70 = S.Broadcast(start + 7), c71 = c70, c72 = c70;
        float* a = product->A, points = product->B, ahead = product->Ahead;
        nint* offset = product->Offsets;
        for (nint k = product->K; k > 0; k--, offset++, a += 8, ahead += Prefetch.Line)
        {
            float* b = points + *offset;
            Prefetch.ToL2(ahead);
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + (2 * S.Width));
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
        }

        if (product->Clips)
        {
            V low = S.Create(product->Low), high = S.Create(product->High);
            TileRow<S, V>.Clamp(low, high, ref c00, ref c01, ref c02);
            TileRow<S, V>.Clamp(low, high, ref c10, ref c11, ref c12);
            TileRow<S, V>.Clamp(low, high, ref c20, ref c21, ref c22);
            TileRow<S, V>.Clamp(low, high, ref c30, ref c31, ref c32);
            TileRow<S, V>.Clamp(low, high, ref c40, ref c41, ref c42);
            TileRow<S, V>.Clamp(low, high, ref c50, ref c51, ref c52);
            TileRow<S, V>.Clamp(low, high, ref c60, ref c61, ref c62);
            TileRow<S, V>.Clamp(low, high, ref c70, ref c71, ref c72);
        }

        float* c = product->C;
        nint ldc = product->StrideC;
        if (product->Streams)
        {
            TileRow<S, V>.StoreLines(c, c00, c01, c02);
            TileRow<S, V>.StoreLines(c + ldc, c10, c11, c12);
            TileRow<S, V>.StoreLines(c + (2 * ldc), c20, c21, c22);
            TileRow<S, V>.StoreLines(c + (3 * ldc), c30, c31, c32);
            TileRow<S, V>.StoreLines(c + (4 * ldc), c40, c41, c42);
            TileRow<S, V>.StoreLines(c + (5 * ldc), c50, c51, c52);
            TileRow<S, V>.StoreLines(c + (6 * ldc), c60, c61, c62);
            TileRow<S, V>.StoreLines(c + (7 * ldc), c70, c71, c72);
            return;
        }

        TileRow<S, V>.Store(c, c00, c01, c02);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21, c22);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31, c32);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41, c42);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51, c52);
        TileRow<S, V>.Store(c + (6 * ldc), c60, c61, c62);
        TileRow<S, V>.Store(c + (7 * ldc), c70, c71, c72);
    }

    /// <summary>2 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run2(DirectTileProduct* product)
    {
        float* start = product->Start;
        V c00 = S.Broadcast(start), c01 = c00;
        V c10 = S.Broadcast(start + 1), c11 = c10;
        V c20 = S.Broadcast(start + 2), c21 = c20;
        V c30 = S.Broadcast(start + 3), c31 = c30;
        V c40 = S.Broadcast(start + 4), c41 = c40;
        V c50 = S.Broadcast(start + 5), c51 = c50;
        V c60 = S.Broadcast(start + 6), c61 = c60;
        V c70 = S.Broadcast(start + 7), c71 = c70;
        float* a = product->A, points = product->B, ahead = product->Ahead;
        nint* offset = product->Offsets;
        for (nint k = product->K; k > 0; k--, offset++, a += 8, ahead += Prefetch.Line)
        {
            float* b = points + *offset;
            Prefetch.ToL2(ahead);
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, ref c00, ref c01);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, ref c10, ref c11);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, ref c20, ref c21);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, ref c30, ref c31);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, ref c40, ref c41);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5), b0, b1, ref c50, ref c51);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6), b0, b1, ref c60, ref c61);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7), b0, b1, ref c70, ref c71);
        }

        if (product->Clips)
        {
            V low = S.Create(product->Low), high = S.Create(product->High);
            TileRow<S, V>.Clamp(low, high, ref c00, ref c01);
            TileRow<S, V>.Clamp(low, high, ref c10, ref c11);
            TileRow<S, V>.Clamp(low, high, ref c20, ref c21);
            TileRow<S, V>.Clamp(low, high, ref c30, ref c31);
            TileRow<S, V>.Clamp(low, high, ref c40, ref c41);
            TileRow<S, V>.Clamp(low, high, ref c50, ref c51);
            TileRow<S, V>.Clamp(low, high, ref c60, ref c61);
            TileRow<S, V>.Clamp(low, high, ref c70, ref c71);
        }

        float* c = product->C;
        nint ldc = product->StrideC;
        if (product->Streams)
        {
            TileRow<S, V>.StoreLines(c, c00, c01);
            TileRow<S, V>.StoreLines(c + ldc, c10, c11);
            TileRow<S, V>.StoreLines(c + (2 * ldc), c20, c21);
            TileRow<S, V>.StoreLines(c + (3 * ldc), c30, c31);
            TileRow<S, V>.StoreLines(c + (4 * ldc), c40, c41);
            TileRow<S, V>.StoreLines(c + (5 * ldc), c50, c51);
            TileRow<S, V>.StoreLines(c + (6 * ldc), c60, c61);
            TileRow<S, V>.StoreLines(c + (7 * ldc), c70, c71);
            return;
        }

        TileRow<S, V>.Store(c, c00, c01);
        TileRow<S, V>.Store(c + ldc, c10, c11);
        TileRow<S, V>.Store(c + (2 * ldc), c20, c21);
        TileRow<S, V>.Store(c + (3 * ldc), c30, c31);
        TileRow<S, V>.Store(c + (4 * ldc), c40, c41);
        TileRow<S, V>.Store(c + (5 * ldc), c50, c51);
        TileRow<S, V>.Store(c + (6 * ldc), c60, c61);
        TileRow<S, V>.Store(c + (7 * ldc), c70, c71);
    }
}
