namespace ConvNative.Kernels;

/// <summary>The part of the rows of a column phase that stands in the source: [Begin, End), zeros around; Begin is source column Source.</summary>
internal readonly record struct PlanePiece(int Begin, int End, int Source)
{
    /// <summary>Of each phase, whose column q is source column <paramref name="firstColumn"/> + phase + q·<paramref name="sw"/>, of W.</summary>
    public static PlanePiece[] OfPhases(int phases, int firstColumn, int sw, int W, int length)
    {
        var pieces = new PlanePiece[phases];
        for (int phase = 0; phase < phases; phase++) pieces[phase] = Of(firstColumn + phase, sw, W, length);
        return pieces;
    }

    /// <summary>Of the phase whose column q is source column <paramref name="first"/> + q·<paramref name="sw"/>, of W.</summary>
    public static PlanePiece Of(int first, int sw, int W, int length)
    {
        int begin = Math.Clamp(CeilDiv(-first, sw), 0, length);
        return new(begin, Math.Clamp(CeilDiv(W - first, sw), begin, length), first + (begin * sw));
    }

    /// <summary>Whether both stand in the source, and begin with pixels beside each other.</summary>
    public static bool AreNeighbours(in PlanePiece a, in PlanePiece b) => a.Begin < a.End && b.Begin < b.End && Math.Abs(a.Source - b.Source) == 1;

    private static int CeilDiv(int a, int b) => (a / b) + (a % b > 0 ? 1 : 0);
}

/// <summary>
/// Where the rows of a strip of grid points stand in scratch so that each tap of every point is one fixed distance away (the points
/// and taps of <see cref="PatchGrid"/>, another order of the padded rows): every sh-th row and every sw-th column of a channel forms
/// a zero-padded plane of its own, [channel][row phase][column phase][row][Pitch]. Grid point (r, j) is number r·Pitch + j, and tap t
/// of point p stands at p + TapOffset(t): consecutive numbers are consecutive floats for all taps, over the ends of rows too. The
/// Pitch − Columns numbers behind each row are no points; what is computed for them is thrown away.
/// </summary>
internal sealed unsafe class PhasePlanes
{
    private readonly int _lastRow;
    private readonly int _lastColumn;
    private readonly PlanePiece[] _pieces;

    /// <param name="H">Source rows.</param>
    /// <param name="W">Source columns.</param>
    /// <param name="rows">Grid rows.</param>
    /// <param name="columns">Grid columns.</param>
    /// <param name="sh">Source rows from one grid row to the next.</param>
    /// <param name="sw">Source columns from one grid column to the next.</param>
    /// <param name="taps">What a point reads.</param>
    /// <param name="alignsRows">Rows begin with a cache line: for those who go row by row.</param>
    /// <param name="isDense">Rows and planes follow each other without gaps, and several threads may fill some rows each.</param>
    public PhasePlanes(int H, int W, int rows, int columns, int sh, int sw, ReadOnlySpan<Tap> taps, bool alignsRows = false, bool isDense = false)
    {
        IsDense = isDense;
        (this.H, this.W, Rows, Columns, this.sh, this.sw, StripRows) = (H, W, rows, columns, sh, sw, rows);
        (FirstRow, FirstColumn, _lastRow, _lastColumn) = (int.MaxValue, int.MaxValue, int.MinValue, int.MinValue);
        foreach (Tap tap in taps)
        {
            (FirstRow, FirstColumn) = (Math.Min(FirstRow, tap.Row), Math.Min(FirstColumn, tap.Column));
            (_lastRow, _lastColumn) = (Math.Max(_lastRow, tap.Row), Math.Max(_lastColumn, tap.Column));
        }

        RowLength = Columns + ((_lastColumn - FirstColumn) / sw);
        Pitch = alignsRows ? (int)OddLines(RowLength) : RowLength;
        _pieces = PlanePiece.OfPhases(ColumnPhases, FirstColumn, sw, W, RowLength);
    }

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

    /// <summary>Smallest tap row.</summary>
    public int FirstRow { get; }

    /// <summary>Smallest tap column.</summary>
    public int FirstColumn { get; }

    /// <summary>The most grid rows that stand in scratch at once.</summary>
    public int StripRows { get; set; }

    /// <summary>Row phases that some tap reads.</summary>
    public int RowPhases => Math.Min(sh, _lastRow - FirstRow + 1);

    /// <summary>Column phases that some tap reads.</summary>
    public int ColumnPhases => Math.Min(sw, _lastColumn - FirstColumn + 1);

    /// <summary>Rows of a plane beyond those of the grid.</summary>
    public int ExtraRows => (_lastRow - FirstRow) / sh;

    /// <summary>Floats of a row that some tap reads.</summary>
    public int RowLength { get; }

    /// <summary>Floats from a grid row to the next.</summary>
    public int Pitch { get; }

    /// <summary>Whether there are no gaps.</summary>
    public bool IsDense { get; }

    /// <summary>Floats of one plane, and, unless they are dense, of a vector beyond its last row.</summary>
    public nint PlaneLength => ((nint)(StripRows + ExtraRows) * Pitch) + (IsDense ? 0 : Prefetch.Line);

    /// <summary>Floats from a channel to the next; where huge strides make it more than any memory has, no more than just that.</summary>
    public nint ChannelStride => IsDense
        ? RowPhases * ColumnPhases * PlaneLength
        : OddLines((nint)Math.Min((double)RowPhases * ColumnPhases * PlaneLength, 1L << 32));

    /// <summary>Numbers from the first point of a strip to its last.</summary>
    public int Points(int rows) => ((rows - 1) * Pitch) + Columns;

    /// <summary>Where the rows of a column phase come from.</summary>
    public PlanePiece Piece(int columnPhase) => _pieces[columnPhase];

    /// <summary>Distance from a point to the tap.</summary>
    public nint TapOffset(Tap tap)
    {
        (int row, int rowPhase) = Math.DivRem(tap.Row - FirstRow, sh);
        (int column, int columnPhase) = Math.DivRem(tap.Column - FirstColumn, sw);
        return ((((nint)rowPhase * ColumnPhases) + columnPhase) * PlaneLength) + ((nint)row * Pitch) + column;
    }

    /// <summary>At least so many floats in an odd number of cache lines: what lies that far apart falls into different sets of a cache.</summary>
    public static nint OddLines(nint floats) => (((floats + 15) / 16) | 1) * 16;
}
