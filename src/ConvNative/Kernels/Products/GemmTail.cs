using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Up to four columns of B beyond a panel's whole vectors, for the 8 rows of A that are near just then: a plane of 14×14 = 4·48 + 4 points is four
/// panels. A lane belongs to one of the columns and to one of four values of k, so that they take the time of a fifth of a vector. A stands by rows.
/// </summary>
internal static unsafe class GemmTail
{
    /// <summary>Columns of B, [K][4]; those that do not exist are 0.</summary>
    public const int Columns = 4;

    private const int MR = 8;

    /// <summary>C[r, j] = epilogue(Σₖ A[r, k]·b[k, j]), r &lt; store.Rows, j &lt; store.Columns: <paramref name="c"/> and the addend stand at the first of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Run(nint K, float* a, nint lda, float* b, float* c, nint ldc, in TileStore store)
    {
        float* sums = stackalloc float[MR * Columns];
        Multiply(K, a, lda, b, store.Segment == 0 ? K : store.Segment, store.SkipA, sums);
        store.StoreFrom<Simd128, Vector128<float>>(sums, Columns, c, ldc);
    }

    // Apart from what calls: vectors that live across a call lie in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(nint K, float* a, nint lda, float* b, nint segment, nint skip, float* sums)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
        for (; K > 0; K -= segment, a += skip)
        {
            nint left = segment;
            for (; left >= 4; left -= 4, a += 4, b += 4 * Columns)
            {
                Vector512<float> x = Vector512.Load(b);
                c0 = Simd512.MultiplyAdd(EachFourTimes(a), x, c0);
                c1 = Simd512.MultiplyAdd(EachFourTimes(a + lda), x, c1);
                c2 = Simd512.MultiplyAdd(EachFourTimes(a + (2 * lda)), x, c2);
                c3 = Simd512.MultiplyAdd(EachFourTimes(a + (3 * lda)), x, c3);
                c4 = Simd512.MultiplyAdd(EachFourTimes(a + (4 * lda)), x, c4);
                c5 = Simd512.MultiplyAdd(EachFourTimes(a + (5 * lda)), x, c5);
                c6 = Simd512.MultiplyAdd(EachFourTimes(a + (6 * lda)), x, c6);
                c7 = Simd512.MultiplyAdd(EachFourTimes(a + (7 * lda)), x, c7);
            }

            int rest = (int)left;
            if (rest == 0) continue;
            Vector512<float> last = Simd512.LoadPartial(b, rest * Columns);
            c0 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a, rest)), last, c0);
            c1 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + lda, rest)), last, c1);
            c2 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (2 * lda), rest)), last, c2);
            c3 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (3 * lda), rest)), last, c3);
            c4 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (4 * lda), rest)), last, c4);
            c5 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (5 * lda), rest)), last, c5);
            c6 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (6 * lda), rest)), last, c6);
            c7 = Simd512.MultiplyAdd(EachFourTimes(Simd512.LoadPartial(a + (7 * lda), rest)), last, c7);
            a += rest;
            b += rest * Columns;
        }

        StoreSum(sums, c0);
        StoreSum(sums + Columns, c1);
        StoreSum(sums + (2 * Columns), c2);
        StoreSum(sums + (3 * Columns), c3);
        StoreSum(sums + (4 * Columns), c4);
        StoreSum(sums + (5 * Columns), c5);
        StoreSum(sums + (6 * Columns), c6);
        StoreSum(sums + (7 * Columns), c7);
    }

    /// <summary>x₀ x₀ x₀ x₀ x₁ … of four numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> EachFourTimes(float* x) => EachFourTimes(Vector128.Load(x).ToVector256Unsafe().ToVector512Unsafe());

    /// <summary>x₀ x₀ x₀ x₀ x₁ …; the lanes from the fourth on are not looked at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> EachFourTimes(Vector512<float> x) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32(x, Vector512.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3))
        : Vector512.Create(
            Vector256.Create(Vector128.Create(x.GetElement(0)), Vector128.Create(x.GetElement(1))),
            Vector256.Create(Vector128.Create(x.GetElement(2)), Vector128.Create(x.GetElement(3))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSum(float* sums, Vector512<float> x)
    {
        Vector256<float> half = x.GetLower() + x.GetUpper();
        Vector128.Store(half.GetLower() + half.GetUpper(), sums);
    }
}
