using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Matrix transposition: between one plane per image and the batch innermost.</summary>
internal static unsafe class Transpose
{
    /// <summary>b[j, i] = a[i, j] for a of rows × columns; lda, ldb: distance between rows, in floats.</summary>
    public static void Run(Isa isa, nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
    {
        switch (isa)
        {
            case Isa.Avx512:
                RunAtWidth<Simd512, Vector512<float>>(rows, columns, a, lda, b, ldb);
                break;
            case Isa.Avx2:
                RunAtWidth<Simd256, Vector256<float>>(rows, columns, a, lda, b, ldb);
                break;
            default:
                RunAtWidth<Simd128, Vector128<float>>(rows, columns, a, lda, b, ldb);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunAtWidth<S, V>(nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (nint j = 0; j < columns; j += S.Width)
        for (nint i = 0; i < rows; i += S.Width)
        {
            nint m = Math.Min(S.Width, rows - i), n = Math.Min(S.Width, columns - j);
            if (m == S.Width && n == S.Width)
                Square<S, V>(a + (i * lda) + j, lda, b + (j * ldb) + i, ldb);
            else
                Edge(m, n, a + (i * lda) + j, lda, b + (j * ldb) + i, ldb);
        }
    }

    /// <summary>
    /// Width × Width values: log₂ Width perfect shuffles of the rows' halves, each of which moves one bit of the row
    /// number into the lane number.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Square<S, V>(float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* from = stackalloc float[S.Width * S.Width];
        float* to = stackalloc float[S.Width * S.Width];
        for (nint i = 0; i < S.Width; i++)
            S.Store(from + (i * S.Width), S.Load(a + (i * lda)));
        for (int half = 1; half < S.Width; half *= 2)
        {
            for (nint i = 0; i < S.Width / 2; i++)
            {
                V upper = S.Load(from + (i * S.Width));
                V lower = S.Load(from + ((i + (S.Width / 2)) * S.Width));
                S.Store(to + (2 * i * S.Width), S.InterleaveLow(upper, lower));
                S.Store(to + (((2 * i) + 1) * S.Width), S.InterleaveHigh(upper, lower));
            }

            float* swap = from;
            from = to;
            to = swap;
        }

        for (nint i = 0; i < S.Width; i++)
            S.Store(b + (i * ldb), S.Load(from + (i * S.Width)));
    }

    /// <summary>Blocks smaller than a square.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Edge(nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
    {
        for (nint j = 0; j < columns; j++)
        for (nint i = 0; i < rows; i++)
            b[(j * ldb) + i] = a[(i * lda) + j];
    }
}
