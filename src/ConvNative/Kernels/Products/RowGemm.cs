using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Micro-kernels for a matrix A as it stands, row-major or column-major, and panels of B:
/// <code>
/// C[r, j] = Σₖ A[r, k]·B[k, j], or that added to C     r &lt; rows, j &lt; columns
/// </code>
/// Rows are taken 6 or 4 at a time, with a panel of one vector 8 as far as that goes, so A and C have <see cref="RowsOf"/> rows of memory; columns are whole vectors, in panels of
/// <see cref="NR"/> and one of what is left. Every element is summed
/// over k = 0, 1, 2 … in one chain, also when a later call goes on from C.
/// </summary>
/// <param name="width">Floats of a vector.</param>
/// <param name="vectors">Vectors of a whole panel.</param>
/// <param name="one">The tiles of one vector.</param>
/// <param name="two">Of two.</param>
/// <param name="three">Of three, where a whole panel has more than two.</param>
/// <param name="four">Of four.</param>
internal readonly unsafe struct RowGemm(int width, int vectors, RowGemmTiles one, RowGemmTiles two, RowGemmTiles three, RowGemmTiles four)
{
    private const int MR = 6, FewRows = 4, ManyRows = 2 * FewRows;

    /// <summary>Columns of a whole panel.</summary>
    public int NR { get; } = width * vectors;

    // A part of a panel of two vectors stays in L1 while all rows of A pass over it. One of four comes again from L2, in less time than C is read and written more
    // often (measured on Zen 4: two vectors with half or twice as much are 2 to 10 % slower, four with two thirds 1 %, with a third 4 %, no faster with more).
    private int KC { get; } = Math.Max(8, CacheSizes.Machine.L1 / (vectors > 2 ? 2 : 3) / (sizeof(float) * width));

    /// <summary>Rows × columns, for descriptions.</summary>
    public string Name => $"{MR}x{NR}";

    /// <summary>Rows that are computed for so many: a sum of sixes and fours.</summary>
    public static int RowsOf(int rows) => Math.Max(FewRows, BlockSizes.RoundUp(rows, 2));

    /// <summary>Rows of memory for so many, where the products of any rows that follow each other are computed.</summary>
    public static int RowsOfParts(int rows) => rows + FewRows - 1;

    /// <summary>Columns that are computed for so many, and have memory: whole vectors.</summary>
    public int ColumnsOf(int columns) => BlockSizes.RoundUp(columns, width);

    /// <summary>
    /// The time of so many for many rows, in that of a column of a whole panel: a panel of one vector reads nine numbers for eight multiply-adds, and as many numbers are read as
    /// are multiplied at a time.
    /// </summary>
    public double TimeOf(int columns) => ColumnsOf(columns) + (PanelWidth(columns % NR) == width ? width / 8.0 : 0);

    /// <summary>Columns of the panel that begins where so many columns are left.</summary>
    public int PanelWidth(int columns) => Math.Min(NR, ColumnsOf(columns));

    /// <summary>
    /// The product; A[r, k] = a[r·lda + k·step]. All rows of A pass over a part of a panel of B before the next; the parts are as equal as can be.
    /// </summary>
    public void Multiply(int rows, int columns, int K, float* a, nint lda, nint step, in RowGemmPanels panels, float* c, nint ldc, bool add)
    {
        float* panel = panels.Start;
        int part = K <= KC ? K : BlockSizes.Balance(K, KC, 1), all = RowsOf(rows);
        for (int left = BlockSizes.CeilDiv(columns, width); left > 0; left -= vectors, c += NR, panel += panels.Rows * NR)
        {
            int count = Math.Min(left, vectors), ldb = count * width, k = 0;
            float* b = panel + (panels.First * ldb);
            RowGemmTiles tiles = count switch { 1 => one, 2 => two, 3 => three, _ => four };
            do
            {
                int depth = Math.Min(part, K - k);
                MultiplyPart(tiles, all, ldb, depth, a + (k * step), lda, step, b, c, ldc, add || k > 0);
                b += (nint)depth * ldb;
                k += depth;
            }
            while (k < K);
        }
    }

    private static void MultiplyPart(
        in RowGemmTiles tiles, int rows, int ldb, int K, float* a, nint lda, nint step, float* b, float* c, nint ldc, bool add)
    {
        if (tiles.Eight != null)
        {
            // Ten are six and four, twelve twice six.
            int rest = rows % ManyRows is 2 or 4 ? Math.Min(rows, ManyRows + (rows % ManyRows)) : rows % ManyRows;
            for (; rows > rest; rows -= ManyRows, a += ManyRows * lda, c += ManyRows * ldc) tiles.Eight(K, a, lda, step, b, ldb, c, ldc, add);
        }

        int odd = rows % MR, sixes = rows - (odd == 0 ? 0 : odd == FewRows ? FewRows : 2 * FewRows), row = 0;
        for (; row < sixes; row += MR, a += MR * lda, c += MR * ldc) tiles.Six(K, a, lda, step, b, ldb, c, ldc, add);
        for (; row < rows; row += FewRows, a += FewRows * lda, c += FewRows * ldc) tiles.Four(K, a, lda, step, b, ldb, c, ldc, add);
    }

    /// <summary>The kernels for a kind of vector: as large a tile as its registers hold.</summary>
    public static RowGemm For<S, V>()
        where S : struct, ISimd<V>
        where V : struct => S.Registers >= 32
            ? new(S.Width, 4, RowGemmTiles.Of<S, V, One>(), RowGemmTiles.Of<S, V, Two>(), RowGemmTiles.Of<S, V, Three>(), RowGemmTiles.Of<S, V, Four>())
            : new(S.Width, 2, RowGemmTiles.Of<S, V, One>(), RowGemmTiles.Of<S, V, Two>(), default, default);
}

/// <summary>
/// B, of which a product takes K rows. Panel p begins at p·Rows·NR and has rows of <see cref="RowGemm.PanelWidth"/> floats.
/// </summary>
/// <param name="start">The first panel.</param>
/// <param name="rows">Rows of a panel.</param>
/// <param name="first">The first of the rows that are taken.</param>
internal readonly unsafe struct RowGemmPanels(float* start, nint rows, nint first = 0)
{
    public readonly float* Start = start;
    public readonly nint Rows = rows;
    public readonly nint First = first;
}

/// <summary>The micro-kernels of 6 and of 4 rows of so many vectors; of one vector also of 8, as many chains of multiply-adds as two units of latency 4 ask for.</summary>
internal readonly unsafe struct RowGemmTiles(
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> eight,
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> six,
    delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> four)
{
    /// <summary>Null for more than one vector.</summary>
    public delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Eight { get; } = eight;

    public delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Six { get; } = six;

    public delegate*<nint, float*, nint, nint, float*, nint, float*, nint, bool, void> Four { get; } = four;

    public static RowGemmTiles Of<S, V, N>()
        where S : struct, ISimd<V>
        where V : struct
        where N : struct, ICount => new(
            N.Value == 1 ? &RowGemmTile<S, V, Eight, N>.Run : null, &RowGemmTile<S, V, Six, N>.Run, &RowGemmTile<S, V, Four, N>.Run);
}
