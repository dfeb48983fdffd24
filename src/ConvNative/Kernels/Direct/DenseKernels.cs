using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Dot products of rows: <code>Y[n, r] = Σ over k &lt; K of X[n, k] · W[r, k], or that added to Y     n &lt; Images, r &lt; Rows</code></summary>
internal unsafe struct DenseDotsProduct
{
    public float* X;

    /// <summary>Floats from an image to the next in X.</summary>
    public nint StrideX;

    public float* W;

    /// <summary>Floats from a row to the next in W.</summary>
    public nint StrideW;

    public float* Y;

    /// <summary>Floats from an image to the next in Y.</summary>
    public nint StrideY;

    public int Images;

    /// <summary>1 … <see cref="DenseKernels.MostTerms"/>.</summary>
    public int Rows;

    public nint K;

    /// <summary>Y is added to.</summary>
    public bool Adds;
}

/// <summary>
/// Sums of scaled rows: <code>C[r, j] = Σ over t of A[r, t] · B[t, j], or that added to From[r, j]     r &lt; Rows, j &lt; Columns, A[r, t] = A[r·StrideA + t·StepA]</code>
/// </summary>
internal unsafe struct DenseRowsProduct
{
    public float* A;

    /// <summary>Floats from a row to the next in A.</summary>
    public nint StrideA;

    /// <summary>Floats from a term to the next in A.</summary>
    public nint StepA;

    public float* B;

    /// <summary>Floats from a row to the next in B.</summary>
    public nint StrideB;

    /// <summary>Read where <see cref="Adds"/>; it may be C.</summary>
    public float* From;

    public nint StrideFrom;

    public bool Adds;

    public float* C;

    /// <summary>Floats from a row to the next in C.</summary>
    public nint StrideC;

    public int Rows;

    public int Columns;

    /// <summary>C goes past the caches: its rows begin with cache lines and are whole lines. A fence must follow before another thread reads them.</summary>
    public bool Streams;
}

/// <summary>
/// The micro-kernels of a dense layer, whose matrices are read where they stand, along their rows. Nothing is packed or turned: for one image each weight is used once.
/// <code>
///    DenseDots                                      DenseRows
///    W: 8 rows, a vector of each at a time          A: 3 × 8 numbers, each in a vector of its own
///          ┌───────┐                                      ┌───────┐
///    X: 3  │ 3 × 8 │  a vector of sums each         C: 3  │ 3 × 8 │ · B: 8 rows, a vector of each at a time
///          └───────┘                                      └───────┘
/// </code>
/// With 16 registers there are 4 rows in the place of 8. An element of DenseDots is Width chains over k, one to a lane, which are added up at the end, one of DenseRows a chain
/// over t: it does not depend on what else is in its tile.
/// </summary>
internal readonly unsafe struct DenseKernels(int mostTerms, delegate*<in DenseDotsProduct, void> dots, delegate*<in DenseRowsProduct, int, void> rows)
{
    /// <summary>The most rows of Y or C of a tile.</summary>
    public const int TileRows = 3;

    /// <summary>The most rows of W or B of a tile.</summary>
    public int MostTerms { get; } = mostTerms;

    /// <summary>The sums of a <see cref="DenseDotsProduct"/>.</summary>
    public delegate*<in DenseDotsProduct, void> Dots { get; } = dots;

    /// <summary>The sums of a <see cref="DenseRowsProduct"/> of so many terms, a number of <see cref="TermsOf"/>.</summary>
    public delegate*<in DenseRowsProduct, int, void> Rows { get; } = rows;

    /// <summary>How many of so many terms there is a kernel for: 1, 2, 4 or 8, as far as <see cref="MostTerms"/>.</summary>
    public int TermsOf(int terms) => Math.Min(MostTerms, terms >= 8 ? 8 : terms >= 4 ? 4 : terms >= 2 ? 2 : 1);

    public static DenseKernels For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    private static DenseKernels Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(S.Registers >= 32 ? 8 : 4, &DenseDots<S, V>.Run, &DenseRows<S, V>.Run);
}
