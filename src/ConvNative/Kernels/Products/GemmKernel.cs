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
/// reads all MR rows of A and whole vectors of B: whoever packs them fills the rest (with zeros). With rows in the lanes it is whole vectors of A,
/// and of B what the tile has. C is written and never read, unless it is the addend. K = 0 stores the epilogue of 0. No alignment is needed
/// but for <see cref="TileStore.Streams"/>; 64 bytes for packed panels is fastest.
/// Every element is summed over k = 0, 1, 2 … in one chain, in edge tiles too; those of a narrow tile, a column more or a tail in several, always
/// the same.
/// </summary>
internal readonly unsafe struct GemmKernel(
    string name,
    int mr,
    int nr,
    int vector,
    delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> run,
    delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> runRows,
    int tail = 0)
{
    /// <summary>MR × NR, for descriptions.</summary>
    public string Name { get; } = name;

    /// <summary>Rows of the tile.</summary>
    public int MR { get; } = mr;

    /// <summary>Columns of the tile: a whole number of vectors, or one more.</summary>
    public int NR { get; } = nr;

    /// <summary>So many columns more the last panel of a matrix may have where A is by rows: <see cref="TileStore.LastColumn"/> holds them.</summary>
    public int Tail { get; } = tail;

    /// <summary>Columns of a vector; 1: <see cref="HasRowsInLanes"/>.</summary>
    public int Vector { get; } = vector;

    /// <summary>A vector is rows of one column, and B is read number by number: panels are as equal as columns allow.</summary>
    public bool HasRowsInLanes => Vector == 1;

    /// <summary>(K, a, lda, b, ldb, c, ldc, store), A by columns.</summary>
    public delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> Run { get; } = run;

    /// <summary>The same, A by rows.</summary>
    public delegate*<nint, float*, nint, float*, nint, float*, nint, TileStore*, void> RunRows { get; } = runRows;

    /// <summary>Columns of the first panel of so many columns.</summary>
    public int PanelOf(int columns) =>
        columns <= NR + Tail ? columns : HasRowsInLanes ? BlockSizes.CeilDiv(columns, BlockSizes.CeilDiv(columns, NR)) : NR;

    /// <summary>The kernel that covers so many columns in the least time.</summary>
    public static GemmKernel For(Isa isa, long columns, bool byRows)
    {
        GemmKernel wide = isa switch
        {
            Isa.Avx512 => Gemm8x3<Simd512, Vector512<float>>.WideKernel,
            Isa.Avx2 => Gemm4x3<Simd256, Vector256<float>>.WideKernel,
            _ => Gemm4x3<Simd128, Vector128<float>>.WideKernel,
        };
        GemmKernel kernel = Better(For(isa), wide, columns);
        return isa == Isa.Avx512 && byRows ? Better(kernel, Gemm8x3<Simd512, Vector512<float>>.TailKernel, columns) : kernel;
    }

    private static GemmKernel Better(in GemmKernel kernel, in GemmKernel other, long columns) =>
        other.CoveredColumns(columns) < kernel.CoveredColumns(columns) ? other : kernel;

    /// <summary>
    /// The time for so many columns, in columns of a full tile: a panel's last vector counts whole, its one column more counts as 2, a tail as 6. With
    /// rows in the lanes fewer columns than multiply-adds are under way at once take as long as these.
    /// </summary>
    public long CoveredColumns(long columns)
    {
        const int UnderWay = 4;
        if (HasRowsInLanes) return Math.Max(columns, UnderWay * BlockSizes.CeilDiv(columns, NR));
        bool isWide = NR % Vector != 0;
        (long panels, long rest) = Math.DivRem(columns, NR);
        if (rest > 0 && rest <= Tail && panels > 0) return (panels * NR) + 6;
        return (panels * (isWide ? NR + 1 : NR)) + ((rest + Vector - 1) / Vector * Vector);
    }

    /// <summary>The kernel for an instruction set: as large a tile as its registers hold.</summary>
    public static GemmKernel For(Isa isa) => isa switch
    {
        Isa.Avx512 => Gemm8x3<Simd512, Vector512<float>>.Kernel,
        Isa.Avx2 => Gemm4x3<Simd256, Vector256<float>>.Kernel,
        _ => Gemm4x3<Simd128, Vector128<float>>.Kernel,
    };
}
