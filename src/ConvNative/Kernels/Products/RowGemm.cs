using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Micro-kernels for a matrix A as it stands, row-major or column-major, and panels of B:
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
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> six,
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> four,
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> sixNarrow,
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> fourNarrow)
{
    private const int MR = 6, FewRows = 4, NarrowVectors = 2;

    /// <summary>Columns of a whole panel.</summary>
    public int NR { get; } = width * vectors;

    private int KC { get; } = Math.Max(8, CacheSizes.Machine.L1 * 2 / 3 / (sizeof(float) * width * vectors));

    /// <summary>Columns of the narrowest panel.</summary>
    public int Unit { get; } = width * NarrowVectors;

    /// <summary>Rows × columns, for descriptions.</summary>
    public string Name => $"{MR}x{NR}";

    /// <summary>Rows that are computed for so many: a sum of sixes and fours.</summary>
    public static int RowsOf(int rows) => Math.Max(FewRows, BlockSizes.RoundUp(rows, 2));

    /// <summary>Columns of memory for so many.</summary>
    public int ColumnsOf(int columns) => BlockSizes.RoundUp(columns, Unit);

    /// <summary>Columns that are computed for so many: those of the panels.</summary>
    public int CoveredColumns(int columns) => (columns / NR * NR) + (columns % NR == 0 ? 0 : PanelWidth(columns % NR));

    /// <summary>Columns of the panel that begins where so many columns are left, a multiple of <see cref="Unit"/>.</summary>
    public int PanelWidth(int columns) => columns > Unit ? NR : Unit;

    /// <summary>
    /// The product; A[r, k] = a[r·lda + k·step]. Panel p of B begins at p·K·NR and has rows of <see cref="PanelWidth"/> floats; a part of it that fits the first-level
    /// cache stays there while all rows of A pass over it.
    /// </summary>
    public void Multiply(int rows, int columns, int K, float* a, nint lda, nint step, float* b, float* c, nint ldc, bool add)
    {
        for (int j = 0; j < columns; j += NR, c += NR)
        {
            int panel = PanelWidth(columns - j), k = 0;
            do
            {
                int depth = Math.Min(KC, K - k);
                MultiplyPart(rows, panel, depth, a + (k * step), lda, step, b, c, ldc, add || k > 0);
                b += (nint)depth * panel;
                k += depth;
            }
            while (k < K);
        }
    }

    private void MultiplyPart(int rows, int panel, int K, float* a, nint lda, nint step, float* b, float* c, nint ldc, bool add)
    {
        int all = RowsOf(rows), odd = all % MR, sixes = all - (odd == 0 ? 0 : odd == FewRows ? FewRows : 2 * FewRows);
        bool whole = panel == NR;
        int row = 0;
        for (; row < sixes; row += MR, a += MR * lda, c += MR * ldc) (whole ? six : sixNarrow)(K, a, lda, step, b, panel, c, ldc, add);
        for (; row < all; row += FewRows, a += FewRows * lda, c += FewRows * ldc) (whole ? four : fourNarrow)(K, a, lda, step, b, panel, c, ldc, add);
    }

    /// <summary>The kernels for a kind of vector: as large a tile as its registers hold.</summary>
    public static RowGemm For<S, V>()
        where S : struct, ISimd<V>
        where V : struct => S.Registers >= 32
            ? new(S.Width, 4, RowGemm6x4<S, V>.Six, RowGemm6x4<S, V>.Four, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four)
            : new(S.Width, 2, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four, RowGemm6x2<S, V>.Six, RowGemm6x2<S, V>.Four);
}
