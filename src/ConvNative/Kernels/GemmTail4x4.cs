using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// <see cref="GemmTail"/> of tiles of 4 rows: a plane of 14×14 = 8·24 + 4 points is eight panels. A lane belongs to one of the columns and to one of
/// two values of k; two such sums take turns, since four chains would wait for themselves.
/// </summary>
internal static unsafe class GemmTail4x4
{
    private const int MR = 4, Columns = GemmTail.Columns;

    /// <inheritdoc cref="GemmTail.Run"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Run<L>(nint K, float* a, nint lda, float* b, float* c, nint ldc, in TileStore store)
        where L : struct, ILayoutA
    {
        float* sums = stackalloc float[MR * Columns];
        Multiply<L>(K, a, lda, b, store.Segment == 0 ? K : store.Segment, store.SkipA, sums);
        store.StoreFrom<Simd128, Vector128<float>>(sums, Columns, c, ldc);
    }

    // Apart from what calls: vectors that live across a call lie in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<L>(nint K, float* a, nint lda, float* b, nint segment, nint skip, float* sums)
        where L : struct, ILayoutA
    {
        Vector256<float> c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        Vector128<float> e0 = default, e1 = default, e2 = default, e3 = default;
        nint row = L.RowStep(lda), step = L.KStep(lda);
        for (; K > 0; K -= segment, a += skip)
        {
            nint left = segment;
            for (; left >= 4; left -= 4, a += 4 * step, b += 4 * Columns)
            {
                Two<L>(a, row, step, Vector256.Load(b), ref c0, ref c1, ref c2, ref c3);
                Two<L>(a + (2 * step), row, step, Vector256.Load(b + (2 * Columns)), ref d0, ref d1, ref d2, ref d3);
            }

            for (; left > 0; left--, a += step, b += Columns)
            {
                Vector128<float> x = Vector128.Load(b);
                e0 = Simd128.MultiplyAdd(Simd128.Broadcast(a), x, e0);
                e1 = Simd128.MultiplyAdd(Simd128.Broadcast(a + row), x, e1);
                e2 = Simd128.MultiplyAdd(Simd128.Broadcast(a + (2 * row)), x, e2);
                e3 = Simd128.MultiplyAdd(Simd128.Broadcast(a + (3 * row)), x, e3);
            }
        }

        StoreSum(sums, c0 + d0, e0);
        StoreSum(sums + Columns, c1 + d1, e1);
        StoreSum(sums + (2 * Columns), c2 + d2, e2);
        StoreSum(sums + (3 * Columns), c3 + d3, e3);
    }

    /// <summary>Two values of k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Two<L>(
        float* a, nint row, nint step, Vector256<float> b,
        ref Vector256<float> c0, ref Vector256<float> c1, ref Vector256<float> c2, ref Vector256<float> c3)
        where L : struct, ILayoutA
    {
        if (typeof(L) == typeof(ByRows))
        {
            c0 = Simd256.MultiplyAdd(EachFourTimes(a), b, c0);
            c1 = Simd256.MultiplyAdd(EachFourTimes(a + row), b, c1);
            c2 = Simd256.MultiplyAdd(EachFourTimes(a + (2 * row)), b, c2);
            c3 = Simd256.MultiplyAdd(EachFourTimes(a + (3 * row)), b, c3);
            return;
        }

        Vector256<float> rows = Vector256.Create(Vector128.Load(a), Vector128.Load(a + step));
        c0 = Simd256.MultiplyAdd(Vector256.Shuffle(rows, Vector256.Create(0, 0, 0, 0, 4, 4, 4, 4)), b, c0);
        c1 = Simd256.MultiplyAdd(Vector256.Shuffle(rows, Vector256.Create(1, 1, 1, 1, 5, 5, 5, 5)), b, c1);
        c2 = Simd256.MultiplyAdd(Vector256.Shuffle(rows, Vector256.Create(2, 2, 2, 2, 6, 6, 6, 6)), b, c2);
        c3 = Simd256.MultiplyAdd(Vector256.Shuffle(rows, Vector256.Create(3, 3, 3, 3, 7, 7, 7, 7)), b, c3);
    }

    /// <summary>x₀ x₀ x₀ x₀ x₁ x₁ x₁ x₁ of two numbers, which are loaded as one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> EachFourTimes(float* x) =>
        Vector256.Shuffle(Vector256.Create(*(double*)x).AsSingle(), Vector256.Create(0, 0, 0, 0, 5, 5, 5, 5));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSum(float* sums, Vector256<float> x, Vector128<float> rest) => Vector128.Store(x.GetLower() + x.GetUpper() + rest, sums);
}
