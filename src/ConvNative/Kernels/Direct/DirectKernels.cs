using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The kernels of <see cref="DirectKernel"/>, rows × vectors. B is read where it stands, each vector once for all rows: the fewer rows,
/// the more vectors, so that 8 to 12 accumulators hide an FMA's latency and loads stay below two per FMA pair; 12 accumulators,
/// the broadcast weights of up to 3 rows and a vector of B fill 16 registers. With 32 registers 7 and 8 rows are possible too.
/// </summary>
internal static unsafe class DirectKernels<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run1x8(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 8 * S.Width, c += 8 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero, c04 = S.Zero, c05 = S.Zero, c06 = S.Zero, c07 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 1)
            {
                float* b = points + product->Offsets[k];
                V a0 = S.Broadcast(a);
                Column(S.Load(b), a0, ref c00);
                Column(S.Load(b + S.Width), a0, ref c01);
                Column(S.Load(b + (2 * S.Width)), a0, ref c02);
                Column(S.Load(b + (3 * S.Width)), a0, ref c03);
                Column(S.Load(b + (4 * S.Width)), a0, ref c04);
                Column(S.Load(b + (5 * S.Width)), a0, ref c05);
                Column(S.Load(b + (6 * S.Width)), a0, ref c06);
                Column(S.Load(b + (7 * S.Width)), a0, ref c07);
            }

            Finish(product, c, c00, c01, c02, c03);
            Finish(product, c + (4 * S.Width), c04, c05, c06, c07);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run2x6(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 6 * S.Width, c += 6 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero, c04 = S.Zero, c05 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c13 = S.Zero, c14 = S.Zero, c15 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 2)
            {
                float* b = points + product->Offsets[k];
                V a0 = S.Broadcast(a), a1 = S.Broadcast(a + 1);
                Column(S.Load(b), a0, a1, ref c00, ref c10);
                Column(S.Load(b + S.Width), a0, a1, ref c01, ref c11);
                Column(S.Load(b + (2 * S.Width)), a0, a1, ref c02, ref c12);
                Column(S.Load(b + (3 * S.Width)), a0, a1, ref c03, ref c13);
                Column(S.Load(b + (4 * S.Width)), a0, a1, ref c04, ref c14);
                Column(S.Load(b + (5 * S.Width)), a0, a1, ref c05, ref c15);
            }

            Finish(product, c, c00, c01, c02);
            Finish(product, c + (3 * S.Width), c03, c04, c05);
            Finish(product, c + product->StrideC, c10, c11, c12);
            Finish(product, c + product->StrideC + (3 * S.Width), c13, c14, c15);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run3x4(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 4 * S.Width, c += 4 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c13 = S.Zero;
            V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c23 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 3)
            {
                float* b = points + product->Offsets[k];
                V a0 = S.Broadcast(a), a1 = S.Broadcast(a + 1), a2 = S.Broadcast(a + 2);
                Column(S.Load(b), a0, a1, a2, ref c00, ref c10, ref c20);
                Column(S.Load(b + S.Width), a0, a1, a2, ref c01, ref c11, ref c21);
                Column(S.Load(b + (2 * S.Width)), a0, a1, a2, ref c02, ref c12, ref c22);
                Column(S.Load(b + (3 * S.Width)), a0, a1, a2, ref c03, ref c13, ref c23);
            }

            Finish(product, c, c00, c01, c02, c03);
            Finish(product, c + product->StrideC, c10, c11, c12, c13);
            Finish(product, c + (2 * product->StrideC), c20, c21, c22, c23);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run4x3(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 3 * S.Width, c += 3 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
            V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero;
            V c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 4)
            {
                float* b = points + product->Offsets[k];
                V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + (2 * S.Width));
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
            }

            Finish(product, c, c00, c01, c02);
            Finish(product, c + product->StrideC, c10, c11, c12);
            Finish(product, c + (2 * product->StrideC), c20, c21, c22);
            Finish(product, c + (3 * product->StrideC), c30, c31, c32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run5x2(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 2 * S.Width, c += 2 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero;
            V c20 = S.Zero, c21 = S.Zero;
            V c30 = S.Zero, c31 = S.Zero;
            V c40 = S.Zero, c41 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 5)
            {
                float* b = points + product->Offsets[k];
                V b0 = S.Load(b), b1 = S.Load(b + S.Width);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, ref c00, ref c01);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, ref c10, ref c11);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, ref c20, ref c21);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, ref c30, ref c31);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, ref c40, ref c41);
            }

            Finish(product, c, c00, c01);
            Finish(product, c + product->StrideC, c10, c11);
            Finish(product, c + (2 * product->StrideC), c20, c21);
            Finish(product, c + (3 * product->StrideC), c30, c31);
            Finish(product, c + (4 * product->StrideC), c40, c41);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run6x2(DirectProduct* product)
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 2 * S.Width, c += 2 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero;
            V c20 = S.Zero, c21 = S.Zero;
            V c30 = S.Zero, c31 = S.Zero;
            V c40 = S.Zero, c41 = S.Zero;
            V c50 = S.Zero, c51 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += 6)
            {
                float* b = points + product->Offsets[k];
                V b0 = S.Load(b), b1 = S.Load(b + S.Width);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, ref c00, ref c01);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, ref c10, ref c11);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, ref c20, ref c21);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, ref c30, ref c31);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, ref c40, ref c41);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5), b0, b1, ref c50, ref c51);
            }

            Finish(product, c, c00, c01);
            Finish(product, c + product->StrideC, c10, c11);
            Finish(product, c + (2 * product->StrideC), c20, c21);
            Finish(product, c + (3 * product->StrideC), c30, c31);
            Finish(product, c + (4 * product->StrideC), c40, c41);
            Finish(product, c + (5 * product->StrideC), c50, c51);
        }
    }

    /// <summary>Of 7 or 8 rows, for 32 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunMx3<M>(DirectProduct* product)
        where M : struct, ICount
    {
        float* c = product->C;
        for (nint p = 0; p < product->Points; p += 3 * S.Width, c += 3 * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero;
            V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
            V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero;
            V c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
            V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero;
            V c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
            V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero;
            V c70 = S.Zero, c71 = S.Zero, c72 = S.Zero;
            float* a = product->A;
            float* points = product->B + p;
            for (nint k = 0; k < product->K; k++, a += M.Value)
            {
                float* b = points + product->Offsets[k];
                V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + (2 * S.Width));
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                if (M.Value > 7) TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
            }

            Finish(product, c, c00, c01, c02);
            Finish(product, c + product->StrideC, c10, c11, c12);
            Finish(product, c + (2 * product->StrideC), c20, c21, c22);
            Finish(product, c + (3 * product->StrideC), c30, c31, c32);
            Finish(product, c + (4 * product->StrideC), c40, c41, c42);
            Finish(product, c + (5 * product->StrideC), c50, c51, c52);
            Finish(product, c + (6 * product->StrideC), c60, c61, c62);
            if (M.Value > 7) Finish(product, c + (7 * product->StrideC), c70, c71, c72);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(V b, V a0, ref V c0)
    {
        c0 = S.MultiplyAdd(a0, b, c0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(V b, V a0, V a1, ref V c0, ref V c1)
    {
        c0 = S.MultiplyAdd(a0, b, c0);
        c1 = S.MultiplyAdd(a1, b, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(V b, V a0, V a1, V a2, ref V c0, ref V c1, ref V c2)
    {
        c0 = S.MultiplyAdd(a0, b, c0);
        c1 = S.MultiplyAdd(a1, b, c1);
        c2 = S.MultiplyAdd(a2, b, c2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(DirectProduct* product, float* c, V x0, V x1)
    {
        Finish(product, c, x0);
        Finish(product, c + S.Width, x1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(DirectProduct* product, float* c, V x0, V x1, V x2)
    {
        Finish(product, c, x0, x1);
        Finish(product, c + (2 * S.Width), x2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(DirectProduct* product, float* c, V x0, V x1, V x2, V x3)
    {
        Finish(product, c, x0, x1);
        Finish(product, c + (2 * S.Width), x2, x3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(DirectProduct* product, float* c, V x) => S.Store(c, product->Adds ? S.Add(S.Load(c), x) : x);
}
