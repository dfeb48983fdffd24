using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 8 rows × 3 vectors: 24 accumulators, 3 vectors of B and broadcasts of A fit 32 registers. Eight rows divide the usual
/// channel counts, and a narrow last panel costs one vector at a time. The contract stands at <see cref="GemmKernel"/>.
/// </summary>
internal static unsafe class Gemm8x3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int MR = 8;

    private static int NR => 3 * S.Width;

    public static GemmKernel Kernel => new($"{MR}x{NR}", MR, NR, S.Width, &Run<ByColumns>, &Run<ByRows>);

    /// <summary>One column more: see <see cref="RunWide"/>.</summary>
    public static GemmKernel WideKernel => new($"{MR}x{NR + 1}", MR, NR + 1, S.Width, &RunWide, &RunWideByRows);

    /// <summary>Up to four columns more in a last panel, for an A by rows.</summary>
    public static GemmKernel TailKernel => new($"{MR}x{NR}+{GemmTail.Columns}", MR, NR, S.Width, &Run<ByColumns>, &RunWithTail, GemmTail.Columns);

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
        V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero, c70 = S.Zero, c71 = S.Zero, c72 = S.Zero;
        PrefetchWalk walk = store->Ahead;
        float* ahead = walk.Start;
        nint left = walk.Count;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA;
        float* tile = store->Streams ? b : c;   // lines that go past the caches are not asked for, but some of B that are near
        nint tileLd = store->Streams ? 0 : ldc;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + 2 * S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + row), b0, b1, b2, ref c10, ref c11, ref c12);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2 * row), b0, b1, b2, ref c20, ref c21, ref c22);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3 * row), b0, b1, b2, ref c30, ref c31, ref c32);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4 * row), b0, b1, b2, ref c40, ref c41, ref c42);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5 * row), b0, b1, b2, ref c50, ref c51, ref c52);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6 * row), b0, b1, b2, ref c60, ref c61, ref c62);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7 * row), b0, b1, b2, ref c70, ref c71, ref c72);
            Prefetch.ToL1(ahead);
            Prefetch.OfTile(tile, tileLd, (nuint)K, MR, NR);
            ahead += walk.Step;
            a += step;
            b += ldb;
            if (--left != 0) continue;
            ahead += walk.Jump;
            a += skip;
            left = walk.Count;
        }

        Finish(
            c, ldc, store, ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32,
            ref c40, ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
    }

    /// <summary>
    /// One column more than 3 vectors, kept with its 8 rows in the lanes: half a vector more instead of a whole panel. A plane of 7×7 = 3·16 + 1
    /// points is one panel.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunWide(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        if (store->Columns <= NR)
        {
            Run<ByColumns>(K, a, lda, b, ldb, c, ldc, store);
            return;
        }

        if (store->Rows < MR)
        {
            WideEdge(K, a, lda, b, ldb, c, ldc, store);
            return;
        }

        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero, c70 = S.Zero, c71 = S.Zero, c72 = S.Zero;
        Vector256<float> column = default;
        PrefetchWalk walk = store->Ahead;
        float* ahead = walk.Start;
        nint left = walk.Count;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width), b2 = S.Load(b + 2 * S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
            column = Simd256.MultiplyAdd(Simd256.Load(a), Simd256.Broadcast(b + NR), column);
            Prefetch.ToL1(ahead);
            Prefetch.OfTile(c, ldc, (nuint)K, MR, NR);
            ahead += walk.Step;
            if (--left == 0)
            {
                ahead += walk.Jump;
                left = walk.Count;
            }

            a += lda;
            b += ldb;
        }

        Finish(
            c, ldc, store, ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32,
            ref c40, ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
        FinishColumn(c + NR, ldc, store, column);
    }

    /// <summary>
    /// The same for rows of A: its last column is 8 products of a row and <see cref="TileStore.LastColumn"/>, each summed in the lanes of a vector.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunWideByRows(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        RunVectors(K, a, lda, b, ldb, c, ldc, store);
        if (store->Columns > NR) LastColumn(K, a, lda, c + NR, ldc, store);
    }

    /// <summary>The columns that vectors hold, for rows of A.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunVectors(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        int columns = store->Columns;
        store->Columns = Math.Min(columns, NR);
        Run<ByRows>(K, a, lda, b, ldb, c, ldc, store);
        store->Columns = columns;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunWithTail(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        RunVectors(K, a, lda, b, ldb, c, ldc, store);
        if (store->Columns <= NR) return;
        TileStore tail = *store;
        tail.Columns -= NR;
        if (tail.Addend != null) tail.Addend += NR;
        GemmTail.Run(K, a, lda, store->LastColumn, c + NR, ldc, tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LastColumn(nint K, float* a, nint lda, float* c, nint ldc, TileStore* store)
    {
        float* b = store->LastColumn;
        nint segment = store->Segment == 0 ? K : store->Segment;
        V c0 = S.Zero, c1 = S.Zero, c2 = S.Zero, c3 = S.Zero, c4 = S.Zero, c5 = S.Zero, c6 = S.Zero, c7 = S.Zero;
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
                c4 = S.MultiplyAdd(x, S.Load(a + 4 * lda), c4);
                c5 = S.MultiplyAdd(x, S.Load(a + 5 * lda), c5);
                c6 = S.MultiplyAdd(x, S.Load(a + 6 * lda), c6);
                c7 = S.MultiplyAdd(x, S.Load(a + 7 * lda), c7);
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
            c4 = S.MultiplyAdd(last, S.LoadPartial(a + 4 * lda, rest), c4);
            c5 = S.MultiplyAdd(last, S.LoadPartial(a + 5 * lda, rest), c5);
            c6 = S.MultiplyAdd(last, S.LoadPartial(a + 6 * lda, rest), c6);
            c7 = S.MultiplyAdd(last, S.LoadPartial(a + 7 * lda, rest), c7);
            a += rest;
            b += rest;
        }

        var sums = Vector256.Create(S.Sum(c0), S.Sum(c1), S.Sum(c2), S.Sum(c3), S.Sum(c4), S.Sum(c5), S.Sum(c6), S.Sum(c7));
        if (store->Rows == MR) FinishColumn(c, ldc, store, sums);
        else EdgeColumn(sums, c, ldc, *store);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void EdgeColumn(Vector256<float> sums, float* c, nint ldc, TileStore store)
    {
        float* tile = stackalloc float[MR * S.Width];
        for (int r = 0; r < MR; r++) tile[r * S.Width] = sums[r];
        store.Columns = 1;
        if (store.Addend != null) store.Addend += NR;
        store.StoreFrom<S, V>(tile, S.Width, c, ldc);
    }

    /// <summary>The first 2 vectors of the tile, without epilogue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow2<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c70 = S.Zero, c71 = S.Zero;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, segment = store->Ahead.Count, left = segment;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, b1, ref c00, ref c01);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + row), b0, b1, ref c10, ref c11);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2 * row), b0, b1, ref c20, ref c21);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3 * row), b0, b1, ref c30, ref c31);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4 * row), b0, b1, ref c40, ref c41);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5 * row), b0, b1, ref c50, ref c51);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6 * row), b0, b1, ref c60, ref c61);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7 * row), b0, b1, ref c70, ref c71);
            a += step;
            b += ldb;
            if (--left != 0) continue;
            a += skip;
            left = segment;
        }

        S.Store(c, c00);
        S.Store(c + S.Width, c01);
        S.Store(c + ldc, c10);
        S.Store(c + ldc + S.Width, c11);
        S.Store(c + 2 * ldc, c20);
        S.Store(c + 2 * ldc + S.Width, c21);
        S.Store(c + 3 * ldc, c30);
        S.Store(c + 3 * ldc + S.Width, c31);
        S.Store(c + 4 * ldc, c40);
        S.Store(c + 4 * ldc + S.Width, c41);
        S.Store(c + 5 * ldc, c50);
        S.Store(c + 5 * ldc + S.Width, c51);
        S.Store(c + 6 * ldc, c60);
        S.Store(c + 6 * ldc + S.Width, c61);
        S.Store(c + 7 * ldc, c70);
        S.Store(c + 7 * ldc + S.Width, c71);
    }

    /// <summary>The first vector of the tile, without epilogue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        V c00 = S.Zero, c10 = S.Zero, c20 = S.Zero, c30 = S.Zero;
        V c40 = S.Zero, c50 = S.Zero, c60 = S.Zero, c70 = S.Zero;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, segment = store->Ahead.Count, left = segment;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a), b0, ref c00);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + row), b0, ref c10);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 2 * row), b0, ref c20);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 3 * row), b0, ref c30);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 4 * row), b0, ref c40);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 5 * row), b0, ref c50);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 6 * row), b0, ref c60);
            TileRow<S, V>.MultiplyAdd(S.Broadcast(a + 7 * row), b0, ref c70);
            a += step;
            b += ldb;
            if (--left != 0) continue;
            a += skip;
            left = segment;
        }

        S.Store(c, c00);
        S.Store(c + ldc, c10);
        S.Store(c + 2 * ldc, c20);
        S.Store(c + 3 * ldc, c30);
        S.Store(c + 4 * ldc, c40);
        S.Store(c + 5 * ldc, c50);
        S.Store(c + 6 * ldc, c60);
        S.Store(c + 7 * ldc, c70);
    }

    /// <summary>An edge tile is computed beside C and copied from there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void Edge<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        float* tile = stackalloc float[MR * NR];
        TileStore whole = new() { Rows = MR, Columns = NR, Ahead = store->Ahead, SkipA = store->SkipA };
        if (store->Columns <= S.Width) Narrow1<L>(K, a, lda, b, ldb, tile, NR, store);
        else if (store->Columns <= 2 * S.Width) Narrow2<L>(K, a, lda, b, ldb, tile, NR, store);
        else Run<L>(K, a, lda, b, ldb, tile, NR, &whole);
        store->StoreFrom<S, V>(tile, NR, c, ldc);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void WideEdge(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
    {
        int stride = NR + S.Width;
        float* tile = stackalloc float[MR * stride];
        TileStore whole = new() { Rows = MR, Columns = NR + 1, Ahead = store->Ahead, SkipA = store->SkipA };
        RunWide(K, a, lda, b, ldb, tile, stride, &whole);
        store->StoreFrom<S, V>(tile, stride, c, ldc);
    }

    /// <summary>The epilogue, in registers: a branch for each of its parts, since short sums would feel one for each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        float* c, nint ldc, TileStore* store,
        ref V c00, ref V c01, ref V c02, ref V c10, ref V c11, ref V c12, ref V c20, ref V c21, ref V c22, ref V c30, ref V c31, ref V c32,
        ref V c40, ref V c41, ref V c42, ref V c50, ref V c51, ref V c52, ref V c60, ref V c61, ref V c62, ref V c70, ref V c71, ref V c72)
    {
        if (store->Bias != null)
        {
            TileRow<S, V>.AddBias(store->Bias, ref c00, ref c01, ref c02);
            TileRow<S, V>.AddBias(store->Bias + 1, ref c10, ref c11, ref c12);
            TileRow<S, V>.AddBias(store->Bias + 2, ref c20, ref c21, ref c22);
            TileRow<S, V>.AddBias(store->Bias + 3, ref c30, ref c31, ref c32);
            TileRow<S, V>.AddBias(store->Bias + 4, ref c40, ref c41, ref c42);
            TileRow<S, V>.AddBias(store->Bias + 5, ref c50, ref c51, ref c52);
            TileRow<S, V>.AddBias(store->Bias + 6, ref c60, ref c61, ref c62);
            TileRow<S, V>.AddBias(store->Bias + 7, ref c70, ref c71, ref c72);
        }

        if (store->Addend != null)
        {
            float* addend = store->Addend;
            nint stride = store->AddendStride;
            TileRow<S, V>.Add(addend, ref c00, ref c01, ref c02);
            TileRow<S, V>.Add(addend + stride, ref c10, ref c11, ref c12);
            TileRow<S, V>.Add(addend + 2 * stride, ref c20, ref c21, ref c22);
            TileRow<S, V>.Add(addend + 3 * stride, ref c30, ref c31, ref c32);
            TileRow<S, V>.Add(addend + 4 * stride, ref c40, ref c41, ref c42);
            TileRow<S, V>.Add(addend + 5 * stride, ref c50, ref c51, ref c52);
            TileRow<S, V>.Add(addend + 6 * stride, ref c60, ref c61, ref c62);
            TileRow<S, V>.Add(addend + 7 * stride, ref c70, ref c71, ref c72);
        }

        if (store->Activation != Activation.None)
        {
            TileRow<S, V>.Activate(store, ref c00, ref c01, ref c02);
            TileRow<S, V>.Activate(store, ref c10, ref c11, ref c12);
            TileRow<S, V>.Activate(store, ref c20, ref c21, ref c22);
            TileRow<S, V>.Activate(store, ref c30, ref c31, ref c32);
            TileRow<S, V>.Activate(store, ref c40, ref c41, ref c42);
            TileRow<S, V>.Activate(store, ref c50, ref c51, ref c52);
            TileRow<S, V>.Activate(store, ref c60, ref c61, ref c62);
            TileRow<S, V>.Activate(store, ref c70, ref c71, ref c72);
        }

        if (store->Streams)
        {
            TileRow<S, V>.StoreLines(c, c00, c01, c02);
            TileRow<S, V>.StoreLines(c + ldc, c10, c11, c12);
            TileRow<S, V>.StoreLines(c + 2 * ldc, c20, c21, c22);
            TileRow<S, V>.StoreLines(c + 3 * ldc, c30, c31, c32);
            TileRow<S, V>.StoreLines(c + 4 * ldc, c40, c41, c42);
            TileRow<S, V>.StoreLines(c + 5 * ldc, c50, c51, c52);
            TileRow<S, V>.StoreLines(c + 6 * ldc, c60, c61, c62);
            TileRow<S, V>.StoreLines(c + 7 * ldc, c70, c71, c72);
            return;
        }

        TileRow<S, V>.Store(c, c00, c01, c02);
        TileRow<S, V>.Store(c + ldc, c10, c11, c12);
        TileRow<S, V>.Store(c + 2 * ldc, c20, c21, c22);
        TileRow<S, V>.Store(c + 3 * ldc, c30, c31, c32);
        TileRow<S, V>.Store(c + 4 * ldc, c40, c41, c42);
        TileRow<S, V>.Store(c + 5 * ldc, c50, c51, c52);
        TileRow<S, V>.Store(c + 6 * ldc, c60, c61, c62);
        TileRow<S, V>.Store(c + 7 * ldc, c70, c71, c72);
    }

    /// <summary>The epilogue of the last column, whose rows are lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishColumn(float* c, nint ldc, TileStore* store, Vector256<float> x)
    {
        if (store->Bias != null) x = Simd256.Add(x, Simd256.Load(store->Bias));
        if (store->Addend != null) x = Simd256.Add(x, Column(store->Addend + NR, store->AddendStride));
        x = store->Activate<Simd256, Vector256<float>>(x);
        c[0] = x[0];
        c[ldc] = x[1];
        c[2 * ldc] = x[2];
        c[3 * ldc] = x[3];
        c[4 * ldc] = x[4];
        c[5 * ldc] = x[5];
        c[6 * ldc] = x[6];
        c[7 * ldc] = x[7];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Column(float* p, nint ld) =>
        Vector256.Create(p[0], p[ld], p[2 * ld], p[3 * ld], p[4 * ld], p[5 * ld], p[6 * ld], p[7 * ld]);
}
