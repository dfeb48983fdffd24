using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Micro-kernels for a matrix A as it stands, row-major, and panels of B:
/// <code>
/// C[r, j] = Σₖ A[r, k]·B[k, j], or that added to C     r &lt; rows, j &lt; columns
/// </code>
/// Rows are taken 6 or 4 at a time, so A and C have <see cref="RowsOf"/> rows of memory; columns are whole panels. Every element is summed
/// over k = 0, 1, 2 … in one chain, also when a later call goes on from C.
/// </summary>
/// <param name="width">Floats of a vector.</param>
/// <param name="vectors">Vectors of a whole panel.</param>
/// <param name="six">6 rows × a whole panel.</param>
/// <param name="four">4 rows × a whole panel.</param>
/// <param name="sixNarrow">6 rows × 2 vectors.</param>
/// <param name="fourNarrow">4 rows × 2 vectors.</param>
internal readonly unsafe struct RowGemm(
    int width,
    int vectors,
    delegate*<nint, float*, nint, float*, nint, float*, nint, bool, void> six,
    delegate*<nint, float*, nint, float*, nint, float*, nint, bool, void> four,
    delegate*<nint, float*, nint, float*, nint, float*, nint, bool, void> sixNarrow,
    delegate*<nint, float*, nint, float*, nint, float*, nint, bool, void> fourNarrow)
{
    private const int MR = 6, FewRows = 4, NarrowVectors = 2;

    /// <summary>Columns of a whole panel.</summary>
    public int NR { get; } = width * vectors;

    /// <summary>Columns of the narrowest panel.</summary>
    public int Unit { get; } = width * NarrowVectors;

    /// <summary>Rows × columns, for descriptions.</summary>
    public string Name => $"{MR}x{NR}";

    /// <summary>Rows that are computed for so many: a sum of sixes and fours.</summary>
    public static int RowsOf(int rows) => Math.Max(FewRows, BlockSizes.RoundUp(rows, 2));

    /// <summary>Columns of memory for so many.</summary>
    public int ColumnsOf(int columns) => BlockSizes.RoundUp(columns, Unit);

    /// <summary>Columns of the panel that begins where so many columns are left, a multiple of <see cref="Unit"/>.</summary>
    public int PanelWidth(int columns) => columns > Unit ? NR : Unit;

    /// <summary>The product. Panel p of B begins at p·K·NR and has rows of <see cref="PanelWidth"/> floats.</summary>
    public void Multiply(int rows, int columns, int K, float* a, nint lda, float* b, float* c, nint ldc, bool add)
    {
        int most = RowsOf(rows), fours = most % MR / 2 is 0 ? 0 : 3 - (most % MR / 2);
        for (int j = 0; j < columns; j += NR, b += (nint)K * NR)
        {
            nint panel = PanelWidth(columns - j);
            bool whole = panel == NR;
            float* fromA = a, toC = c + j;
            int row = 0;
            for (; row < most - (fours * FewRows); row += MR, fromA += MR * lda, toC += MR * ldc)
                (whole ? six : sixNarrow)(K, fromA, lda, b, panel, toC, ldc, add);
            for (; row < most; row += FewRows, fromA += FewRows * lda, toC += FewRows * ldc)
                (whole ? four : fourNarrow)(K, fromA, lda, b, panel, toC, ldc, add);
        }
    }

    /// <summary>The kernels for a kind of vector: as large a tile as its registers hold.</summary>
    public static RowGemm For<S, V>()
        where S : struct, ISimd<V>
        where V : struct => S.Registers >= 32
            ? new(S.Width, 4, RowGemm6x4<S, V>.Six, RowGemm6x4<S, V>.Four, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four)
            : new(S.Width, 2, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four);
}
