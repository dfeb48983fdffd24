namespace ConvNative.Kernels;

/// <summary>Where element (r, k) of a panel of A stands: a + r·RowStep + k·KStep.</summary>
internal interface ILayoutA
{
    static abstract nint RowStep(nint lda);

    static abstract nint KStep(nint lda);
}

/// <summary>A's columns are rows of memory: packed panels, or a transposed matrix as it stands.</summary>
internal readonly struct ByColumns : ILayoutA
{
    public static nint RowStep(nint lda) => 1;

    public static nint KStep(nint lda) => lda;
}

/// <summary>A's rows are rows of memory.</summary>
internal readonly struct ByRows : ILayoutA
{
    public static nint RowStep(nint lda) => lda;

    public static nint KStep(nint lda) => 1;
}

/// <summary>A matrix A in panels of MR rows: packed, or as it stands.</summary>
/// <param name="data">The first panel.</param>
/// <param name="ld">The kernel's lda.</param>
/// <param name="panelStep">Floats from a panel to the next.</param>
/// <param name="byRows">The layout.</param>
/// <param name="edge">A last panel of fewer rows, packed; null: it lies among the others.</param>
/// <param name="edgeLd">Its lda.</param>
/// <param name="ahead">What the first tile asks for.</param>
/// <param name="segment"><see cref="TileStore.Segment"/></param>
/// <param name="skip"><see cref="TileStore.SkipA"/>, but for the edge</param>
/// <param name="tilesBack">From the last tile to the first, a tile asks for what the one so many before it does forwards.</param>
internal readonly unsafe struct OperandA(
    float* data, nint ld, nint panelStep, bool byRows, float* edge, nint edgeLd, PrefetchWalk ahead, nint segment = 0, nint skip = 0, int tilesBack = 2)
{
    /// <summary>Floats of a packed A that are asked for ahead, some hundred nanoseconds: weights that are used once come from main memory.</summary>
    private const int PrefetchDistance = 1024;

    public readonly float* Data = data;
    public readonly nint Ld = ld;
    public readonly nint PanelStep = panelStep;
    public readonly bool IsByRows = byRows;
    public readonly float* Edge = edge;
    public readonly nint EdgeLd = edgeLd;
    public readonly PrefetchWalk Ahead = ahead;
    public readonly nint Segment = segment;
    public readonly nint Skip = skip;
    public readonly int TilesBack = tilesBack;

    /// <summary>panels[⌈M/MR⌉][K][MR]</summary>
    public static OperandA PackedColumns(float* panels, int MR, int K) => new(panels, MR, (nint)K * MR, false, null, 0, Following(panels, MR, K));

    /// <summary>panels[⌈M/MR⌉][MR][K]</summary>
    public static OperandA PackedRows(float* panels, int MR, int K, int segment) =>
        new(panels, K, (nint)K * MR, true, null, 0, Following(panels, MR, K), segment);

    /// <summary>
    /// A row-major matrix: a tile asks for the next tile's rows, a line further on than its own, since rows a power of two apart share their place
    /// in L1. Edge: [MR][K].
    /// </summary>
    public static OperandA Rows(float* a, nint lda, int MR, float* edge, int K) => new(
        a,
        lda,
        MR * lda,
        true,
        edge,
        K,
        new() { Start = a + (MR * lda) + Prefetch.Line, Step = lda, Count = MR, Jump = MR - (MR * lda), TileStep = MR * lda });

    /// <summary>Rows, <paramref name="lda"/> apart, whose elements stand in segments, <paramref name="segmentStep"/> apart. Edge: [MR][K].</summary>
    public static OperandA Segments(float* a, int lda, int segment, nint segmentStep, int MR, float* edge, int K) => new(
        a,
        lda,
        MR * lda,
        true,
        edge,
        K,
        new() { Start = a + (MR * lda), Step = MR, Count = segment, Jump = segmentStep - (MR * segment), TileStep = MR * lda },
        segment,
        segmentStep - segment);

    /// <summary>A transposed matrix: a tile asks for the line of each of its rows that follows. Edge: [K][MR].</summary>
    public static OperandA Columns(float* a, nint lda, int MR, float* edge) => new(
        a, lda, MR, false, edge, MR, new() { Start = a + Prefetch.Line, Step = lda, Count = 1, TileStep = MR }, tilesBack: 2 * Prefetch.Line / MR);

    private static PrefetchWalk Following(float* panels, int MR, int K) =>
        new() { Start = panels + PrefetchDistance, Step = MR, Count = K, TileStep = (nint)K * MR };
}

/// <summary>A matrix B in panels of NR columns: packed, or as it stands.</summary>
/// <param name="data">The first panel.</param>
/// <param name="ld">The kernel's ldb.</param>
/// <param name="panelStep">Floats from a panel to the next.</param>
/// <param name="edge">A last panel of fewer columns, packed; null: it lies among the others.</param>
/// <param name="lastColumns"><see cref="TileStore.LastColumn"/>: K floats for each panel, or of the last panel its tail.</param>
/// <param name="following">The panel that is read after these, of a B as it stands, which may come from main memory; null: they are near.</param>
internal readonly unsafe struct OperandB(float* data, nint ld, nint panelStep, float* edge, float* lastColumns, float* following = null)
{
    public readonly float* Data = data;
    public readonly nint Ld = ld;
    public readonly nint PanelStep = panelStep;
    public readonly float* Edge = edge;
    public readonly float* LastColumns = lastColumns;
    public readonly float* Following = following;

    /// <summary>⌈N/NR⌉ packed panels.</summary>
    public static OperandB Packed(float* panels, int NR, int K) => new(panels, NR, (nint)K * NR, null, null);

    /// <summary>
    /// The first tiles of a panel ask for the lines of the next one in place of A's: each for a part of its rows. Start is null where nothing is to
    /// be asked for.
    /// </summary>
    public PrefetchWalk Next(float* panel, bool isLast, int NR, int K)
    {
        int lines = LinesOf(NR);
        return new()
        {
            Start = Following == null ? null : isLast ? Following : panel + PanelStep,
            Step = Prefetch.Line,
            Count = lines,
            Jump = Ld - (lines * Prefetch.Line),
            TileStep = BlockSizes.CeilDiv(K, lines) * Ld,
        };
    }

    /// <summary>Cache lines of a panel's row, wherever it begins.</summary>
    public static int LinesOf(int NR) => ((NR + Prefetch.Line - 2) / Prefetch.Line) + 1;
}
