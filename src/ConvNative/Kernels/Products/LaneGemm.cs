using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 32 rows × up to 14 columns with the rows in the lanes, for an A by columns: 28 accumulators, two vectors of A and a broadcast of B fit 32
/// registers. B is read a number at a time: its rows may begin anywhere, and 196 or 49 columns leave nothing over. The tile is turned when it is
/// stored. The contract stands at <see cref="GemmKernel"/>.
/// </summary>
internal static unsafe class LaneGemm
{
    private const int Width = 16, MR = 2 * Width, NR = 14;

    public static GemmKernel Kernel => new($"{MR}x{NR}", MR, NR, vector: 1, &Run, null);

    /// <summary>
    /// Whether it takes less time than the kernel that has columns in the lanes, for columns that are read where they stand and rows that are stored
    /// there. To turn a tile takes as long as some values of k. The other's vectors of B lie on two lines each, and where its panels are several,
    /// they share lines of C (all measured on Zen 5).
    /// </summary>
    public static bool Pays(Isa isa, in GemmKernel other, long columns, int K)
    {
        const double Turning = 3.8, OnePanel = 0.99, SeveralPanels = 1.02;
        double otherTime = (columns > other.NR ? SeveralPanels : OnePanel) * other.CoveredColumns(columns);
        return isa == Isa.Avx512 && (1 + (Turning / K)) * Kernel.CoveredColumns(columns) < otherTime;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        if (store->Rows % Width != 0 || store->Bias != null || store->Activation != Activation.None) Edge(K, a, lda, b, ldb, c, ldc, store);
        else RunColumns(K, a, lda, b, ldb, c, ldc, store);
    }

    /// <summary>Computed beside C and copied from there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void Edge(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        float* tile = stackalloc float[MR * Width];
        TileStore whole = new() { Rows = store->Rows, Columns = store->Columns, Ahead = store->Ahead };
        RunColumns(K, a, lda, b, ldb, tile, Width, &whole);
        store->StoreFrom<Simd512, Vector512<float>>(tile, Width, c, ldc);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunColumns(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        switch (store->Columns)
        {
            case 1: RunRows<One>(K, a, lda, b, ldb, c, ldc, store); break;
            case 2: RunRows<Two>(K, a, lda, b, ldb, c, ldc, store); break;
            case 3: RunRows<Three>(K, a, lda, b, ldb, c, ldc, store); break;
            case 4: RunRows<Four>(K, a, lda, b, ldb, c, ldc, store); break;
            case 5: RunRows<Five>(K, a, lda, b, ldb, c, ldc, store); break;
            case 6: RunRows<Six>(K, a, lda, b, ldb, c, ldc, store); break;
            case 7: RunRows<Seven>(K, a, lda, b, ldb, c, ldc, store); break;
            case 8: RunRows<Eight>(K, a, lda, b, ldb, c, ldc, store); break;
            case 9: RunRows<Nine>(K, a, lda, b, ldb, c, ldc, store); break;
            case 10: RunRows<Ten>(K, a, lda, b, ldb, c, ldc, store); break;
            case 11: RunRows<Eleven>(K, a, lda, b, ldb, c, ldc, store); break;
            case 12: RunRows<Twelve>(K, a, lda, b, ldb, c, ldc, store); break;
            case 13: RunRows<Thirteen>(K, a, lda, b, ldb, c, ldc, store); break;
            default: RunRows<Fourteen>(K, a, lda, b, ldb, c, ldc, store); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunRows<N>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where N : struct, ICount
    {
        if (store->Rows > Width) Run<Two, N>(K, a, lda, b, ldb, c, ldc, store);
        else Run<One, N>(K, a, lda, b, ldb, c, ldc, store);
    }

    /// <summary>M vectors of rows, N columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<M, N>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where M : struct, ICount
        where N : struct, ICount
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default;
        Vector512<float> c7 = default, c8 = default, c9 = default, c10 = default, c11 = default, c12 = default, c13 = default;
        Vector512<float> d0 = default, d1 = default, d2 = default, d3 = default, d4 = default, d5 = default, d6 = default;
        Vector512<float> d7 = default, d8 = default, d9 = default, d10 = default, d11 = default, d12 = default, d13 = default;
        PrefetchWalk walk = store->Ahead;
        float* ahead = walk.Start;
        nint left = walk.Count;
        for (; K > 0; K--)
        {
            Vector512<float> a0 = Vector512.Load(a), a1 = M.Value > 1 ? Vector512.Load(a + Width) : a0;
            MultiplyAdd<M>(b, a0, a1, ref c0, ref d0);
            if (N.Value > 1) MultiplyAdd<M>(b + 1, a0, a1, ref c1, ref d1);
            if (N.Value > 2) MultiplyAdd<M>(b + 2, a0, a1, ref c2, ref d2);
            if (N.Value > 3) MultiplyAdd<M>(b + 3, a0, a1, ref c3, ref d3);
            if (N.Value > 4) MultiplyAdd<M>(b + 4, a0, a1, ref c4, ref d4);
            if (N.Value > 5) MultiplyAdd<M>(b + 5, a0, a1, ref c5, ref d5);
            if (N.Value > 6) MultiplyAdd<M>(b + 6, a0, a1, ref c6, ref d6);
            if (N.Value > 7) MultiplyAdd<M>(b + 7, a0, a1, ref c7, ref d7);
            if (N.Value > 8) MultiplyAdd<M>(b + 8, a0, a1, ref c8, ref d8);
            if (N.Value > 9) MultiplyAdd<M>(b + 9, a0, a1, ref c9, ref d9);
            if (N.Value > 10) MultiplyAdd<M>(b + 10, a0, a1, ref c10, ref d10);
            if (N.Value > 11) MultiplyAdd<M>(b + 11, a0, a1, ref c11, ref d11);
            if (N.Value > 12) MultiplyAdd<M>(b + 12, a0, a1, ref c12, ref d12);
            if (N.Value > 13) MultiplyAdd<M>(b + 13, a0, a1, ref c13, ref d13);
            Prefetch.ToL1(ahead);
            ahead += walk.Step;
            a += lda;
            b += ldb;
            if (--left != 0) continue;
            ahead += walk.Jump;
            left = walk.Count;
        }

        float* addend = store->Addend;
        nint addendStride = store->AddendStride;
        Store<N>(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c, ldc, addend, addendStride);
        if (M.Value == 1) return;
        c += Width * ldc;
        if (addend != null) addend += Width * addendStride;
        Store<N>(d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, c, ldc, addend, addendStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd<M>(float* b, Vector512<float> a0, Vector512<float> a1, ref Vector512<float> c, ref Vector512<float> d)
        where M : struct, ICount
    {
        Vector512<float> x = Vector512.Create(*b);
        c = Simd512.MultiplyAdd(x, a0, c);
        if (M.Value > 1) d = Simd512.MultiplyAdd(x, a1, d);
    }

    /// <summary>Rows 0 … 15 of C, each of N columns: a column of 16 rows is a vector. First in fours, then the fours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<N>(
        Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4,
        Vector512<float> c5, Vector512<float> c6, Vector512<float> c7, Vector512<float> c8, Vector512<float> c9,
        Vector512<float> c10, Vector512<float> c11, Vector512<float> c12, Vector512<float> c13,
        float* c, nint ldc, float* addend, nint addendStride)
        where N : struct, ICount
    {
        Simd512.Transpose(c0, c1, c2, c3, out Vector512<float> r0, out Vector512<float> r1, out Vector512<float> r2, out Vector512<float> r3);
        Simd512.Transpose(c4, c5, c6, c7, out Vector512<float> s0, out Vector512<float> s1, out Vector512<float> s2, out Vector512<float> s3);
        Simd512.Transpose(c8, c9, c10, c11, out Vector512<float> t0, out Vector512<float> t1, out Vector512<float> t2, out Vector512<float> t3);
        Simd512.Transpose(c12, c13, c12, c13, out Vector512<float> u0, out Vector512<float> u1, out Vector512<float> u2, out Vector512<float> u3);
        StoreRows<N>(r0, s0, t0, u0, c, ldc, addend, addendStride);
        StoreRows<N>(r1, s1, t1, u1, c + ldc, ldc, addend == null ? null : addend + addendStride, addendStride);
        StoreRows<N>(r2, s2, t2, u2, c + (2 * ldc), ldc, addend == null ? null : addend + (2 * addendStride), addendStride);
        StoreRows<N>(r3, s3, t3, u3, c + (3 * ldc), ldc, addend == null ? null : addend + (3 * addendStride), addendStride);
    }

    /// <summary>Rows 0, 4, 8 and 12, four columns of each in r, s, t and u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRows<N>(
        Vector512<float> r, Vector512<float> s, Vector512<float> t, Vector512<float> u, float* c, nint ldc, float* addend, nint addendStride)
        where N : struct, ICount
    {
        Vector512<float> rsEven = Simd512.EvenFours(r, s), rsOdd = Simd512.OddFours(r, s);
        Vector512<float> tuEven = Simd512.EvenFours(t, u), tuOdd = Simd512.OddFours(t, u);
        Vector512<float> x0 = Simd512.EvenFours(rsEven, tuEven), x4 = Simd512.EvenFours(rsOdd, tuOdd);
        Vector512<float> x8 = Simd512.OddFours(rsEven, tuEven), x12 = Simd512.OddFours(rsOdd, tuOdd);
        Vector512<float> mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(N.Value)).AsSingle();
        if (addend != null)
        {
            x0 = Simd512.Add(x0, Simd512.LoadWhere(addend, mask));
            x4 = Simd512.Add(x4, Simd512.LoadWhere(addend + (4 * addendStride), mask));
            x8 = Simd512.Add(x8, Simd512.LoadWhere(addend + (8 * addendStride), mask));
            x12 = Simd512.Add(x12, Simd512.LoadWhere(addend + (12 * addendStride), mask));
        }

        Simd512.StoreMasked(c, mask, x0);
        Simd512.StoreMasked(c + (4 * ldc), mask, x4);
        Simd512.StoreMasked(c + (8 * ldc), mask, x8);
        Simd512.StoreMasked(c + (12 * ldc), mask, x12);
    }
}
