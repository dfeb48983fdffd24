using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 4 rows × 3 vectors: 12 accumulators, 3 vectors of B and a broadcast of A fit 16 registers, and 12 chains hide an FMA latency of up to 6 cycles
/// at two FMAs a cycle. Four rows divide the usual channel counts and a cache line, three vectors of 8 all but one of 7×7 points. The contract stands at
/// <see cref="GemmKernel"/>.
/// </summary>
internal static unsafe class Gemm4x3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int MR = 4;

    private static int NR => 3 * S.Width;

    public static GemmKernel Kernel => new($"{MR}x{NR}", MR, NR, S.Width, &Run<ByColumns>, &Run<ByRows>);

    /// <summary>One column more: see <see cref="RunWide"/>.</summary>
    public static GemmKernel WideKernel => new($"{MR}x{NR + 1}", MR, NR + 1, S.Width, &RunWide<ByColumns>, &RunWide<ByRows>);

    // Optimised at its first call: a pointer to it is taken early, and unoptimised vector code is a hundred times slower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        if (store->Rows < MR || store->Columns < NR)
        {
            Edge<L>(K, a, lda, b, ldb, c, ldc, store);
            return;
        }

        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
        PrefetchWalk walk = store->Ahead;
        float* ahead = walk.Start;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, left = walk.Count;
        AskFor(c, ldc);
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + 2 * S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + row), b0, b1, b2, ref c10, ref c11, ref c12);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2 * row), b0, b1, b2, ref c20, ref c21, ref c22);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3 * row), b0, b1, b2, ref c30, ref c31, ref c32);
            Prefetch.ToL1(ahead);
            ahead += walk.Step;
            a += step;
            b += ldb;
            if (--left != 0) continue;
            ahead += walk.Jump;
            a += skip;
            left = walk.Count;
        }

        Finish(c, ldc, store, ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32);
    }

    /// <summary>
    /// The tile of C, which may be far away. All at once: one for each k, as tiles of 8 rows do it, is a tenth slower with AVX2. Of three lines the middle one gains
    /// nothing (measured on Zen 4).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AskFor(float* c, nint ldc)
    {
        for (int r = 0; r < MR; r++, c += ldc)
        {
            Prefetch.ToL1(c);
            Prefetch.ToL1(c + NR - 1);
        }
    }

    /// <summary>
    /// One column more than 3 vectors, summed after them: there is no register left for it. A plane of 7×7 = 2·24 + 1 points is two panels.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunWide<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        int columns = store->Columns;
        store->Columns = Math.Min(columns, NR);
        Run<L>(K, a, lda, b, ldb, c, ldc, store);
        store->Columns = columns;
        if (columns <= NR) return;
        if (typeof(L) == typeof(ByRows)) ColumnOfRows(K, a, lda, c + NR, ldc, store);
        else ColumnOfColumns(K, a, lda, b + NR, ldb, c + NR, ldc, store);
    }

    /// <summary>The last column of a tile whose A stands by columns: its rows are lanes, and four sums take turns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColumnOfColumns(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        Vector128<float> c0 = default, c1 = default, c2 = default, c3 = default;
        for (; K >= 4; K -= 4, a += 4 * lda, b += 4 * ldb)
        {
            c0 = Simd128.MultiplyAdd(Simd128.Broadcast(b), Simd128.Load(a), c0);
            c1 = Simd128.MultiplyAdd(Simd128.Broadcast(b + ldb), Simd128.Load(a + lda), c1);
            c2 = Simd128.MultiplyAdd(Simd128.Broadcast(b + 2 * ldb), Simd128.Load(a + 2 * lda), c2);
            c3 = Simd128.MultiplyAdd(Simd128.Broadcast(b + 3 * ldb), Simd128.Load(a + 3 * lda), c3);
        }

        for (; K > 0; K--, a += lda, b += ldb) c0 = Simd128.MultiplyAdd(Simd128.Broadcast(b), Simd128.Load(a), c0);
        FinishColumn(c, ldc, store, c0 + c1 + (c2 + c3));
    }

    /// <summary>
    /// The last column of a tile whose A stands by rows: 4 products of a row and <see cref="TileStore.LastColumn"/>, each summed in the lanes of a
    /// vector.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColumnOfRows(nint K, float* a, nint lda, float* c, nint ldc, TileStore* store)
    {
        float* b = store->LastColumn;
        nint segment = store->Segment == 0 ? K : store->Segment;
        V c0 = S.Zero, c1 = S.Zero, c2 = S.Zero, c3 = S.Zero;
        for (; K > 0; K -= segment, a += store->SkipA)
        {
            nint left = segment;
            for (; left >= S.Width; left -= S.Width)
            {
                V x = S.Load(b);
                c0 = S.MultiplyAdd(x, S.Load(a), c0);
                c1 = S.MultiplyAdd(x, S.Load(a + lda), c1);
                c2 = S.MultiplyAdd(x, S.Load(a + 2 * lda), c2);
                c3 = S.MultiplyAdd(x, S.Load(a + 3 * lda), c3);
                a += S.Width;
                b += S.Width;
            }

            int rest = (int)left;
            if (rest == 0) continue;
            V last = S.LoadPartial(b, rest);
            c0 = S.MultiplyAdd(last, S.LoadPartial(a, rest), c0);
            c1 = S.MultiplyAdd(last, S.LoadPartial(a + lda, rest), c1);
            c2 = S.MultiplyAdd(last, S.LoadPartial(a + 2 * lda, rest), c2);
            c3 = S.MultiplyAdd(last, S.LoadPartial(a + 3 * lda, rest), c3);
            a += rest;
            b += rest;
        }

        FinishColumn(c, ldc, store, Vector128.Create(S.Sum(c0), S.Sum(c1), S.Sum(c2), S.Sum(c3)));
    }

    /// <summary>The first 2 vectors of the tile, without epilogue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow2<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, TileStore* store)
        where L : struct, ILayoutA
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero, c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, segment = store->Ahead.Count, left = segment;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, ref c00, ref c01);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + row), b0, b1, ref c10, ref c11);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2 * row), b0, b1, ref c20, ref c21);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3 * row), b0, b1, ref c30, ref c31);
            a += step;
            b += ldb;
            if (--left != 0) continue;
            a += skip;
            left = segment;
        }

        TileRow<S, V>.Store(c, c00, c01);
        TileRow<S, V>.Store(c + NR, c10, c11);
        TileRow<S, V>.Store(c + 2 * NR, c20, c21);
        TileRow<S, V>.Store(c + 3 * NR, c30, c31);
    }

    /// <summary>The first vector of the tile, without epilogue. Two sums take turns: four chains would wait for themselves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, TileStore* store)
        where L : struct, ILayoutA
    {
        V c0 = S.Zero, c1 = S.Zero, c2 = S.Zero, c3 = S.Zero, d0 = S.Zero, d1 = S.Zero, d2 = S.Zero, d3 = S.Zero;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, segment = store->Segment == 0 ? K : store->Segment;
        for (; K > 0; K -= segment, a += skip)
        {
            nint left = segment;
            for (; left >= 2; left -= 2, a += 2 * step, b += 2 * ldb)
            {
                Column(a, row, S.Load(b), ref c0, ref c1, ref c2, ref c3);
                Column(a + step, row, S.Load(b + ldb), ref d0, ref d1, ref d2, ref d3);
            }

            if (left == 0) continue;
            Column(a, row, S.Load(b), ref c0, ref c1, ref c2, ref c3);
            a += step;
            b += ldb;
        }

        S.Store(c, S.Add(c0, d0));
        S.Store(c + NR, S.Add(c1, d1));
        S.Store(c + 2 * NR, S.Add(c2, d2));
        S.Store(c + 3 * NR, S.Add(c3, d3));
    }

    /// <summary>An edge tile is computed beside C and copied from there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void Edge<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        float* tile = stackalloc float[MR * NR];
        TileStore whole = new() { Rows = MR, Columns = NR, Ahead = store->Ahead, SkipA = store->SkipA };
        if (store->Columns <= S.Width) Narrow1<L>(K, a, lda, b, ldb, tile, store);
        else if (store->Columns <= 2 * S.Width) Narrow2<L>(K, a, lda, b, ldb, tile, store);
        else Run<L>(K, a, lda, b, ldb, tile, NR, &whole);
        store->StoreFrom<S, V>(tile, NR, c, ldc);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* a, nint row, V b0, ref V c0, ref V c1, ref V c2, ref V c3)
    {
        c0 = S.MultiplyAdd(S.Broadcast(a), b0, c0);
        c1 = S.MultiplyAdd(S.Broadcast(a + row), b0, c1);
        c2 = S.MultiplyAdd(S.Broadcast(a + 2 * row), b0, c2);
        c3 = S.MultiplyAdd(S.Broadcast(a + 3 * row), b0, c3);
    }

    /// <summary>The epilogue, in registers: a branch for each of its parts, since short sums would feel one for each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        float* c, nint ldc, TileStore* store,
        ref V c00, ref V c01, ref V c02, ref V c10, ref V c11, ref V c12, ref V c20, ref V c21, ref V c22, ref V c30, ref V c31, ref V c32)
    {
        if (store->Bias != null)
        {
            TileRow<S, V>.AddBias(store->Bias, ref c00, ref c01, ref c02);
            TileRow<S, V>.AddBias(store->Bias + 1, ref c10, ref c11, ref c12);
            TileRow<S, V>.AddBias(store->Bias + 2, ref c20, ref c21, ref c22);
            TileRow<S, V>.AddBias(store->Bias + 3, ref c30, ref c31, ref c32);
        }

        if (store->Addend != null)
        {
            float* addend = store->Addend;
            nint stride = store->AddendStride;
            TileRow<S, V>.Add(addend, ref c00, ref c01, ref c02);
            TileRow<S, V>.Add(addend + stride, ref c10, ref c11, ref c12);
            TileRow<S, V>.Add(addend + 2 * stride, ref c20, ref c21, ref c22);
            TileRow<S, V>.Add(addend + 3 * stride, ref c30, ref c31, ref c32);
        }

        if (store->Activation != Activation.None)
        {
            TileRow<S, V>.Activate(store, ref c00, ref c01, ref c02);
            TileRow<S, V>.Activate(store, ref c10, ref c11, ref c12);
            TileRow<S, V>.Activate(store, ref c20, ref c21, ref c22);
            TileRow<S, V>.Activate(store, ref c30, ref c31, ref c32);
        }

        TileRow<S, V>.Store(c, c00, c01, c02);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12);
        TileRow<S, V>.Store(c + 2 * ldc, c20, c21, c22);
        TileRow<S, V>.Store(c + 3 * ldc, c30, c31, c32);
    }

    /// <summary>The epilogue of the last column, whose rows are lanes; there may be fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishColumn(float* c, nint ldc, TileStore* store, Vector128<float> x)
    {
        for (int r = 0; r < store->Rows; r++)
        {
            float sum = x[r];
            if (store->Bias != null) sum += store->Bias[r];
            if (store->Addend != null) sum += store->Addend[(r * store->AddendStride) + NR];
            c[r * ldc] = store->Activate<Simd128, Vector128<float>>(Vector128.Create(sum))[0];
        }
    }
}
