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
                Run<Simd512, Vector512<float>>(rows, columns, a, lda, b, ldb);
                break;
            case Isa.Avx2:
                Run<Simd256, Vector256<float>>(rows, columns, a, lda, b, ldb);
                break;
            default:
                Run<Simd128, Vector128<float>>(rows, columns, a, lda, b, ldb);
                break;
        }
    }

    /// <summary>The same; of few rows in narrower vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<S, V>(nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (rows >= S.Width) RunAtWidth<S, V>(rows, columns, a, lda, b, ldb);
        else if (S.Width > Simd256.Width && rows >= Simd256.Width) RunAtWidth<Simd256, Vector256<float>>(rows, columns, a, lda, b, ldb);
        else RunAtWidth<Simd128, Vector128<float>>(rows, columns, a, lda, b, ldb);
    }

    /// <summary>Some lines of some rows of b at a time: not of many rows, which may share their place in the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunAtWidth<S, V>(nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        nint step = columns < 8 ? 4 : Math.Min(8, S.Width), strip = 2 * step, height = 4 * S.Width;
        if (rows < S.Width || columns < step)
        {
            Scalar(rows, columns, a, lda, b, ldb);
            return;
        }

        // The last blocks begin so that they end with the matrix; they may repeat values.
        for (nint top = 0; top < rows; top += height)
        for (nint left = 0; left < columns; left += strip)
        for (nint i = top; i < Math.Min(top + height, rows); i += S.Width)
        {
            nint row = Math.Min(i, rows - S.Width);
            float* from = a + (row * lda);
            for (nint j = left; j < Math.Min(left + strip, columns); j += step)
            {
                nint column = Math.Min(j, columns - step);
                if (step == 8) Octs<S, V>(from + column, lda, b + (column * ldb) + row, ldb);
                else Quads<S, V>(from + column, lda, b + (column * ldb) + row, ldb);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Octs<S, V>(float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.LoadOcts(a, lda, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
        Store<S, V>(c0, c1, c2, c3, b, ldb);
        Store<S, V>(c4, c5, c6, c7, b + (4 * ldb), ldb);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads<S, V>(float* a, nint lda, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.LoadQuads(a, lda, out V c0, out V c1, out V c2, out V c3);
        Store<S, V>(c0, c1, c2, c3, b, ldb);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<S, V>(V c0, V c1, V c2, V c3, float* b, nint ldb)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.Store(b, c0);
        S.Store(b + ldb, c1);
        S.Store(b + (2 * ldb), c2);
        S.Store(b + (3 * ldb), c3);
    }

    /// <summary>The shorter side inside: its few rows, of a or of b, stay in the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scalar(nint rows, nint columns, float* a, nint lda, float* b, nint ldb)
    {
        if (columns < rows)
        {
            for (nint i = 0; i < rows; i++)
            for (nint j = 0; j < columns; j++) b[(j * ldb) + i] = a[(i * lda) + j];
            return;
        }

        for (nint j = 0; j < columns; j++)
        for (nint i = 0; i < rows; i++) b[(j * ldb) + i] = a[(i * lda) + j];
    }
}
