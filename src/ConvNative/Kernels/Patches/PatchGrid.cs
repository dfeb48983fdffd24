namespace ConvNative.Kernels;

/// <summary>One kernel tap seen from a grid point: the distance, in source rows and columns, to the pixel that it reads.</summary>
internal readonly record struct Tap(int Row, int Column);

/// <summary>
/// The patches of an implicit matrix B: B[(c, t), (r, j)] = src[c][r·sh + Row(t)][j·sw + Column(t)], 0 outside H×W, for channels c, taps t
/// and a grid of Rows×Columns points. Forward: src = x, the grid is y, Row = kh·dh − pt. Backward-data, one residue class of
/// the strides: src = dy, sh = sw = 1, Row = (row + pt − kh·dh)/sh.
/// <para>
/// Patches are cut in two steps, so that the second has no edges and no strides: <see cref="PaddedRows{S, V}"/> copies the
/// source rows that some grid rows need into scratch, with zeros around and every sw-th column side by side ("column phases");
/// there tap t of grid point (r, j) stands at r·RowStep + j + TapOffset(t), whatever the padding.
/// </para>
/// </summary>
internal sealed unsafe class PatchGrid
{
    private readonly Tap[] _taps;
    private readonly nint[] _tapOffsets;
    private readonly PlanePiece[] _pieces;
    private readonly bool _rowsOverlap;   // several kernel rows: a padded row may serve several grid rows

    public PatchGrid(int H, int W, int rows, int columns, int sh, int sw, ReadOnlySpan<Tap> taps)
    {
        (this.H, this.W, Rows, Columns, this.sh, this.sw, Taps) = (H, W, rows, columns, sh, sw, taps.Length);
        int lastRow = int.MinValue, lastColumn = int.MinValue;
        (FirstRow, FirstColumn) = (int.MaxValue, int.MaxValue);
        foreach (Tap tap in taps)
        {
            (FirstRow, FirstColumn) = (Math.Min(FirstRow, tap.Row), Math.Min(FirstColumn, tap.Column));
            (lastRow, lastColumn) = (Math.Max(lastRow, tap.Row), Math.Max(lastColumn, tap.Column));
        }

        _taps = taps.ToArray();
        _rowsOverlap = lastRow > FirstRow;
        RowSpan = lastRow - FirstRow;
        Phases = lastColumn > FirstColumn ? Math.Min(sw, lastColumn - FirstColumn + 1) : 1;
        ColumnSpan = (lastColumn - FirstColumn) / sw;
        (PhaseLength, Pitch) = (columns + ColumnSpan, PitchOf(columns));
        _pieces = PlanePiece.OfPhases(Phases, FirstColumn, sw, W, PhaseLength);
        _tapOffsets = GC.AllocateArray<nint>(Taps, pinned: true);
        for (int t = 0; t < taps.Length; t++)
        {
            (int q, int phase) = Math.DivRem(taps[t].Column - FirstColumn, sw);
            _tapOffsets[t] = ((nint)(taps[t].Row - FirstRow) * Pitch) + ((nint)phase * PhaseLength) + q;
        }
    }

    /// <summary>A part of one grid row: the same taps of so many of its columns, wherever they begin.</summary>
    public PatchGrid Window(int columns) => new(H, W, 1, columns, sh, sw, _taps);

    /// <summary>Source rows.</summary>
    public int H { get; }

    /// <summary>Source columns.</summary>
    public int W { get; }

    /// <summary>Grid rows.</summary>
    public int Rows { get; }

    /// <summary>Grid columns.</summary>
    public int Columns { get; }

    /// <summary>Source rows from one grid row to the next.</summary>
    public int sh { get; }

    /// <summary>Source columns from one grid column to the next.</summary>
    public int sw { get; }

    /// <summary>Number of taps.</summary>
    public int Taps { get; }

    /// <summary>Smallest tap row.</summary>
    public int FirstRow { get; }

    /// <summary>Smallest tap column.</summary>
    public int FirstColumn { get; }

    /// <summary>Largest tap row − smallest.</summary>
    public int RowSpan { get; }

    /// <summary>Column phases that a padded row holds.</summary>
    public int Phases { get; }

    /// <summary>Columns of a phase beyond those of the grid.</summary>
    public int ColumnSpan { get; }

    /// <summary>Columns of one phase.</summary>
    public int PhaseLength { get; }

    /// <summary>Where the column phases of a padded row come from.</summary>
    public ReadOnlySpan<PlanePiece> Pieces => _pieces;

    /// <summary>Floats from one padded row to the next.</summary>
    public int Pitch { get; }

    /// <summary>The same of a window.</summary>
    public int PitchOf(int columns) => Phases * (columns + ColumnSpan);

    /// <summary>Grid points of one image.</summary>
    public int Points => Rows * Columns;

    /// <summary>Floats from a grid row to the next in scratch.</summary>
    public nint RowStep => (nint)PaddedRowStep * Pitch;

    /// <summary>Where each tap of grid point (0, 0) stands in scratch; pinned.</summary>
    public nint* TapOffsets => (nint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _tapOffsets[0]);

    /// <summary>Padded rows from a grid row to the next.</summary>
    public int PaddedRowStep => _rowsOverlap ? sh : 1;

    /// <summary>The source is the matrix B already: one tap at the point itself, every point.</summary>
    public bool IsIdentity => Taps == 1 && sh == 1 && sw == 1 && FirstRow == 0 && FirstColumn == 0 && Rows == H && Columns == W;

    /// <summary>Each point reads one pixel, none of the padding: point (r, j) reads (r·sh + FirstRow, j·sw + FirstColumn).</summary>
    public bool ReadsInPlace =>
        Taps == 1 && FirstRow >= 0 && FirstColumn >= 0 && FirstRow + ((Rows - 1) * sh) < H && FirstColumn + ((Columns - 1) * sw) < W;

    /// <summary>Padded rows that <paramref name="rows"/> grid rows need.</summary>
    public int PaddedRowCount(int rows) => ((rows - 1) * PaddedRowStep) + RowSpan + 1;

    /// <summary>The source row that padded row <paramref name="row"/> of a block beginning at grid row <paramref name="gridRow"/> holds; outside [0, H): zeros.</summary>
    public int SourceRow(int gridRow, int row) => (gridRow * sh) + FirstRow + (_rowsOverlap ? row : row * sh);
}
