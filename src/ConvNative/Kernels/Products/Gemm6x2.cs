using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 6 rows × 2 vectors: 12 accumulators, 2 vectors of B and a broadcast of A fit 16 registers, and 12 chains hide an FMA
/// latency of up to 6 cycles at two FMAs a cycle. The contract stands at <see cref="GemmKernel"/>.
/// </summary>
internal static unsafe class Gemm6x2<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int MR = 6;

    private static int NR => 2 * S.Width;

    public static GemmKernel Kernel => new($"{MR}x{NR}", MR, NR, S.Width, &Run<ByColumns>, &Run<ByRows>);

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

        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        PrefetchWalk walk = store->Ahead;
        float* ahead = walk.Start;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, left = walk.Count;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            Row(S.Broadcast(a), b0, b1, ref c00, ref c01);
            Row(S.Broadcast(a + row), b0, b1, ref c10, ref c11);
            Row(S.Broadcast(a + 2 * row), b0, b1, ref c20, ref c21);
            Row(S.Broadcast(a + 3 * row), b0, b1, ref c30, ref c31);
            Row(S.Broadcast(a + 4 * row), b0, b1, ref c40, ref c41);
            Row(S.Broadcast(a + 5 * row), b0, b1, ref c50, ref c51);
            Prefetch.ToL1(ahead);
            ahead += walk.Step;
            a += step;
            b += ldb;
            if (--left != 0) continue;
            ahead += walk.Jump;
            a += skip;
            left = walk.Count;
        }

        if (store->Bias != null)
        {
            AddBias(store->Bias, ref c00, ref c01);
            AddBias(store->Bias + 1, ref c10, ref c11);
            AddBias(store->Bias + 2, ref c20, ref c21);
            AddBias(store->Bias + 3, ref c30, ref c31);
            AddBias(store->Bias + 4, ref c40, ref c41);
            AddBias(store->Bias + 5, ref c50, ref c51);
        }

        if (store->Addend != null)
        {
            float* addend = store->Addend;
            nint stride = store->AddendStride;
            AddRow(addend, ref c00, ref c01);
            AddRow(addend + stride, ref c10, ref c11);
            AddRow(addend + 2 * stride, ref c20, ref c21);
            AddRow(addend + 3 * stride, ref c30, ref c31);
            AddRow(addend + 4 * stride, ref c40, ref c41);
            AddRow(addend + 5 * stride, ref c50, ref c51);
        }

        if (store->Activation != Activation.None)
        {
            Activate(store, ref c00, ref c01);
            Activate(store, ref c10, ref c11);
            Activate(store, ref c20, ref c21);
            Activate(store, ref c30, ref c31);
            Activate(store, ref c40, ref c41);
            Activate(store, ref c50, ref c51);
        }

        StoreRow(c, c00, c01);
        StoreRow(c + ldc, c10, c11);
        StoreRow(c + 2 * ldc, c20, c21);
        StoreRow(c + 3 * ldc, c30, c31);
        StoreRow(c + 4 * ldc, c40, c41);
        StoreRow(c + 5 * ldc, c50, c51);
    }

    /// <summary>The first vector of the tile, without epilogue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1<L>(nint K, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, TileStore* store)
        where L : struct, ILayoutA
    {
        V c00 = S.Zero, c10 = S.Zero, c20 = S.Zero;
        V c30 = S.Zero, c40 = S.Zero, c50 = S.Zero;
        nint row = L.RowStep(lda), step = L.KStep(lda), skip = store->SkipA, segment = store->Ahead.Count, left = segment;
        for (; K > 0; K--)
        {
            V b0 = S.Load(b);
            Row(S.Broadcast(a), b0, ref c00);
            Row(S.Broadcast(a + row), b0, ref c10);
            Row(S.Broadcast(a + 2 * row), b0, ref c20);
            Row(S.Broadcast(a + 3 * row), b0, ref c30);
            Row(S.Broadcast(a + 4 * row), b0, ref c40);
            Row(S.Broadcast(a + 5 * row), b0, ref c50);
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
        else Run<L>(K, a, lda, b, ldb, tile, NR, &whole);
        store->StoreFrom<S, V>(tile, NR, c, ldc);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(V a, V b0, V b1, ref V c0, ref V c1)
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        c1 = S.MultiplyAdd(a, b1, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(V a, V b0, ref V c0) => c0 = S.MultiplyAdd(a, b0, c0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBias(float* bias, ref V x0, ref V x1)
    {
        V b = S.Broadcast(bias);
        x0 = S.Add(x0, b);
        x1 = S.Add(x1, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(float* addend, ref V x0, ref V x1)
    {
        x0 = S.Add(x0, S.Load(addend));
        x1 = S.Add(x1, S.Load(addend + S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Activate(TileStore* store, ref V x0, ref V x1)
    {
        x0 = store->Activate<S, V>(x0);
        x1 = store->Activate<S, V>(x1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* c, V x0, V x1)
    {
        S.Store(c, x0);
        S.Store(c + S.Width, x1);
    }
}
