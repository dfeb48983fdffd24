using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A micro-kernel: the product of one panel of A and one panel of B, kept in registers while k runs.
/// <code>
/// C[r, j] = epilogue( Σₖ A[r, k]·B[k, j] ),   r &lt; MR, j &lt; NR          (TileStore says what the epilogue is)
///
///            b ──►  NR floats for k = 0      a by columns: K groups of MR floats, lda apart (lda = MR: a packed panel), group k holds A[0 … MR, k]
///        + ldb ──►  NR floats for k = 1        by rows: MR rows of K floats, lda apart
///                                            b: K rows of NR floats, ldb apart (ldb = NR: a packed panel)
///   a            ┌───────────────┐           c: row-major, rows ldc apart
///   MR floats    │  MR × NR tile │
///   for each k   └───────────────┘
/// </code>
/// The kernel owns edges: with Rows &lt; MR or Columns &lt; NR it touches only that part of C, bias and addend, but it always
/// reads all MR rows of A and whole vectors of B: whoever packs them fills the rest (with zeros). C is written and never read, unless
/// it is the addend. K = 0 stores the epilogue of 0. No alignment is needed; 64 bytes for packed panels is fastest.
/// Every element is summed over k = 0, 1, 2 … in one chain, in edge tiles too.
/// </summary>
internal readonly unsafe struct GemmKernel(
    string name,
    int mr,
    int nr,
    int vector,
    delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> run,
    delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> runRows)
{
    /// <summary>MR × NR, for descriptions.</summary>
    public string Name { get; } = name;

    /// <summary>Rows of the tile.</summary>
    public int MR { get; } = mr;

    /// <summary>Columns of the tile: a whole number of vectors, or one more.</summary>
    public int NR { get; } = nr;

    /// <summary>Floats of a vector.</summary>
    public int Vector { get; } = vector;

    /// <summary>(K, a, lda, b, ldb, c, ldc, store), A by columns.</summary>
    public delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> Run { get; } = run;

    /// <summary>The same, A by rows.</summary>
    public delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> RunRows { get; } = runRows;

    /// <summary>The kernel that covers so many columns in the least time.</summary>
    public static GemmKernel For(Isa isa, long columns)
    {
        GemmKernel kernel = For(isa);
        if (isa != Isa.Avx512) return kernel;
        GemmKernel wide = Gemm8x3<Simd512, Vector512<float>>.WideKernel;
        return wide.CoveredColumns(columns) < kernel.CoveredColumns(columns) ? wide : kernel;
    }

    /// <summary>The time for so many columns, in columns of a full tile: a panel's last vector counts whole, its one column more counts as 2.</summary>
    public long CoveredColumns(long columns)
    {
        bool isWide = NR % Vector != 0;
        (long panels, long rest) = Math.DivRem(columns, NR);
        return (panels * (isWide ? NR + 1 : NR)) + ((rest + Vector - 1) / Vector * Vector);
    }

    /// <summary>The kernel for an instruction set: as large a tile as its registers hold.</summary>
    public static GemmKernel For(Isa isa) => isa switch
    {
        Isa.Avx512 => Gemm8x3<Simd512, Vector512<float>>.Kernel,
        Isa.Avx2 => Gemm6x2<Simd256, Vector256<float>>.Kernel,
        _ => Gemm6x2<Simd128, Vector128<float>>.Kernel,
    };
}
