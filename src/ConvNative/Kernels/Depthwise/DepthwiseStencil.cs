namespace ConvNative.Kernels;

/// <summary>
/// How one plane of a depthwise convolution is computed: bands of the source are copied into scratch memory with their padding as
/// zeros and their columns split by the stride, so that every tap of every output is a load at a fixed offset and no kernel
/// looks at edges. Scratch column c of a row lies in set c mod s, at c div s: there each tap of strided outputs is contiguous.
/// <code>out(i, j) = Σ_planes Σ_taps w[tap] · scratch[plane·PlanePitch + i·StepPitch + Offset[tap] + j]</code>
/// for each phase of the output's rows and columns (several only in backward-data with strides), with taps of its own.
/// </summary>
internal sealed class DepthwiseStencil
{
    private const int BandFloats = 4096;       // 16 KiB: half of L1, beside the result
    private const int LargestVector = 16;
    private const int LanesBandFloats = 8192;  // 32 KiB: eight or sixteen planes at once

    private DepthwiseStencil(StencilAxis rows, StencilAxis columns, int split, int planes, int lanes = 1)
    {
        (Rows, Columns, Split, Planes, Lanes) = (rows, columns, split, planes, lanes);
        // Vectors along a row reach one beyond the last column, on both the way in and out.
        long set = InRows ? RoundUp(((columns.Extent + split - 1) / split) + (2 * LargestVector)) : columns.Extent * lanes;
        SetPitch = (int)Math.Min(set, int.MaxValue / 4);
        RowPitch = (long)SetPitch * split;
        StepPitch = RowPitch * rows.StepLength;
        Taps = rows.Taps * columns.Taps;
        long span = rows.Extent - ((rows.Steps - 1L) * rows.StepLength);
        long fitting = (((InRows ? BandFloats : LanesBandFloats) / RowPitch / planes) - span) / rows.StepLength;
        int largest = (int)Math.Clamp(fitting + 1, Math.Min(DepthwiseTaps.FewestRows, rows.Steps), rows.Steps);
        BandSteps = BlockSizes.CeilDiv(rows.Steps, BlockSizes.CeilDiv(rows.Steps, largest));
        if (InRows && BandSteps < rows.Steps) BandSteps = DepthwiseTaps.WholeBlocks(BandSteps, largest);
        Bands = BlockSizes.CeilDiv(rows.Steps, BandSteps);
        int mostSteps = InRows ? Math.Max(BandSteps, DepthwiseTaps.FewestRows) : BandSteps;
        PlanePitch = (((mostSteps - 1L) * rows.StepLength) + span) * RowPitch;
        Span = (int)Math.Min(span, int.MaxValue);
        ResultPitch = InRows ? RoundUp(columns.Steps) : (long)columns.Outputs * lanes;
        SourceLength = RoundUp((long)Math.Min((double)PlanePitch * planes, long.MaxValue / 64));   // of which no workspace holds the most
        ResultLength = RoundUp((long)mostSteps * rows.Phases * (InRows ? columns.Phases : 1) * ResultPitch);
        WeightsLength = RoundUp((long)rows.Taps * columns.Taps * planes * lanes);
    }

    public StencilAxis Rows { get; }

    public StencilAxis Columns { get; }

    /// <summary>Sets that the columns of a scratch row are split into.</summary>
    public int Split { get; }

    /// <summary>Source planes that are summed.</summary>
    public int Planes { get; }

    /// <summary>Channels whose pixels lie side by side in the band; 1: one plane.</summary>
    public int Lanes { get; }

    /// <summary>Vectors lie along the rows, else channels are in the lanes.</summary>
    public bool InRows => Lanes == 1;

    /// <summary>Vectors that are summed at once are of one row, since there are fewer rows than a block has, and rows of as many vectors: columns have one tap then.</summary>
    public bool GoesAlongRows => InRows && Rows.Steps < DepthwiseTaps.FewestRows && Columns.Steps >= DepthwiseTaps.FewestRows * LargestVector;

    /// <summary>Floats between the sets of a row.</summary>
    public int SetPitch { get; }

    /// <summary>Floats between the rows of a band.</summary>
    public long RowPitch { get; }

    /// <summary>Floats between the planes of a band.</summary>
    public long PlanePitch { get; }

    /// <summary>Floats between the rows of the steps.</summary>
    public long StepPitch { get; }

    /// <summary>Rows of the band that one step reads.</summary>
    public int Span { get; }

    /// <summary>Steps of a band; the last may have fewer.</summary>
    public int BandSteps { get; }

    public int Bands { get; }

    /// <summary>Floats between the rows of a result band.</summary>
    public long ResultPitch { get; }

    /// <summary>Floats of a band.</summary>
    public long SourceLength { get; }

    /// <summary>Floats of a band's result: rows (step, row phase, column phase).</summary>
    public long ResultLength { get; }

    /// <summary>With channels in the lanes: floats of the weights in the order of the taps.</summary>
    public long WeightsLength { get; }

    /// <summary>Taps of phase (p, q) are [First[p·Columns.Phases + q], First[that + 1]).</summary>
    public int[] First { get; private set; } = [];

    /// <summary>Columns of taps of each phase; with channels in the lanes none.</summary>
    public TapColumns[][] PhaseColumns { get; private set; } = [];

    /// <summary>Offset of each tap, in floats: within a phase by columns, or with channels in the lanes in ascending order.</summary>
    public int[] Offsets { get; private set; } = [];

    /// <summary>Which weight each tap is: kh·KW + kw.</summary>
    public int[] Weights { get; private set; } = [];

    public int Taps { get; }

    /// <summary>With channels in the lanes: the weights lie in the order of the taps already.</summary>
    public bool IsOrdered { get; private set; }

    public static DepthwiseStencil Forward(in ConvSizes s) => new DepthwiseStencil(
        StencilAxis.Forward(s.IH, s.OH, s.KH, s.sh, s.dh, s.pt), StencilAxis.Forward(s.IW, s.OW, s.KW, s.sw, s.dw, s.pl), s.sw, 1);

    public static DepthwiseStencil BackwardData(in ConvSizes s) => new DepthwiseStencil(
        StencilAxis.Transposed(s.IH, s.OH, s.KH, s.sh, s.dh, s.pt), StencilAxis.Transposed(s.IW, s.OW, s.KW, s.sw, s.dw, s.pl), 1, s.GroupOC);

    /// <summary>The same with so many channels in the lanes of each pixel: columns need no split then.</summary>
    public static DepthwiseStencil ForwardLanes(in ConvSizes s, int lanes)
    {
        DepthwiseStencil t = Forward(s);
        return new DepthwiseStencil(t.Rows, t.Columns, 1, 1, lanes);
    }

    /// <summary>The same with so many channels in the lanes of each pixel.</summary>
    public static DepthwiseStencil BackwardDataLanes(in ConvSizes s, int lanes)
    {
        DepthwiseStencil t = BackwardData(s);
        return new DepthwiseStencil(t.Rows, t.Columns, 1, 1, lanes);
    }

    /// <summary>Fills the tables of taps: only where the lengths were found to be of a sane size.</summary>
    public DepthwiseStencil WithTaps()
    {
        var first = new List<int>();
        var ordered = new List<StencilTap>();
        var columns = new List<TapColumns[]>();
        for (int p = 0; p < Rows.Phases; p++)
        for (int q = 0; q < Columns.Phases; q++)
        {
            first.Add(ordered.Count);
            StencilTap[] taps = TapsOf(p, q);
            if (!InRows) ordered.AddRange(taps);
            else columns.Add(TapColumns.Append(taps, Columns.TapsOf(q).Length, Rows.StepLength, GoesAlongRows ? 1 : TapColumns.Longest, ordered));
        }

        first.Add(ordered.Count);
        (First, PhaseColumns) = ([.. first], [.. columns]);
        (Offsets, Weights) = (new int[ordered.Count], new int[ordered.Count]);
        for (int i = 0; i < ordered.Count; i++) (Offsets[i], Weights[i]) = (Offset(ordered[i]), ordered[i].Weight);
        IsOrdered = !InRows && Weights.SequenceEqual(Enumerable.Range(0, Taps));
        return this;
    }

    /// <summary>In ascending order of rows and columns.</summary>
    private StencilTap[] TapsOf(int rowPhase, int columnPhase)
    {
        int[] rows = Rows.TapsOf(rowPhase), columns = Columns.TapsOf(columnPhase);
        var taps = new StencilTap[rows.Length * columns.Length];
        int i = 0;
        foreach (int kh in rows)
        foreach (int kw in columns)
            taps[i++] = new StencilTap(Rows.Position(rowPhase, kh), Columns.Position(columnPhase, kw), (kh * Columns.Taps) + kw);
        return taps;
    }

    private int Offset(StencilTap tap) =>
        (int)((tap.Row * RowPitch) + (tap.Column % Split * SetPitch) + (tap.Column / Split * Lanes));

    private static long RoundUp(long value) => BlockSizes.RoundUp(value, LargestVector);
}
