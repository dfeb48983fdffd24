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
    private const int SmallestBand = 4;        // steps: what the row-blocked kernel takes at once
    private const int LargestVector = 16;
    private const int LanesBandFloats = 8192;  // 32 KiB: eight or sixteen planes at once

    private DepthwiseStencil(StencilAxis rows, StencilAxis columns, int split, int planes, int lanes = 1)
    {
        (Rows, Columns, Split, Planes, Lanes) = (rows, columns, split, planes, lanes);
        Is3x3 = planes == 1 && rows is { Taps: 3, Phases: 1 } && columns is { Taps: 3, Phases: 1 };
        // Vectors along a row reach one beyond the last column, on both the way in and out.
        long set = lanes > 1 ? columns.Extent * lanes : RoundUp(((columns.Extent + split - 1) / split) + (2 * LargestVector));
        SetPitch = (int)Math.Min(set, int.MaxValue / 4);
        RowPitch = (long)SetPitch * split;
        StepPitch = RowPitch * rows.StepLength;
        Taps = rows.Taps * columns.Taps;
        long span = rows.Extent - ((rows.Steps - 1L) * rows.StepLength);
        long fitting = (((lanes > 1 ? LanesBandFloats : BandFloats) / RowPitch / planes) - span) / rows.StepLength;
        int largest = (int)Math.Clamp(fitting + 1, Math.Min(SmallestBand, rows.Steps), rows.Steps);
        Bands = BlockSizes.CeilDiv(rows.Steps, largest);
        BandSteps = BlockSizes.CeilDiv(rows.Steps, Bands);
        Bands = BlockSizes.CeilDiv(rows.Steps, BandSteps);
        PlanePitch = (((BandSteps - 1L) * rows.StepLength) + span) * RowPitch;
        Span = (int)Math.Min(span, int.MaxValue);
        ResultPitch = lanes > 1 ? (long)columns.Outputs * lanes : RoundUp(columns.Steps);
        SourceLength = RoundUp((long)Math.Min((double)PlanePitch * planes, long.MaxValue / 64));   // of which no workspace holds the most
        ResultLength = RoundUp((long)BandSteps * rows.Phases * (lanes > 1 ? 1 : columns.Phases) * ResultPitch);
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

    /// <summary>Floats of the weights in the order of the taps.</summary>
    public long WeightsLength { get; }

    /// <summary>Taps of phase (p, q) are [First[p·Columns.Phases + q], First[that + 1]).</summary>
    public int[] First { get; private set; } = [];

    /// <summary>Offset of each tap, in floats, in ascending order within a phase.</summary>
    public int[] Offsets { get; private set; } = [];

    /// <summary>Which weight each tap is: kh·KW + kw.</summary>
    public int[] Weights { get; private set; } = [];

    public int Taps { get; }

    /// <summary>One phase of one plane with 3×3 taps: <see cref="Depthwise3x3"/> can do it.</summary>
    public bool Is3x3 { get; }

    /// <summary>Each step's second row of taps is the next one's first: rows can stay in registers.</summary>
    public bool Slides { get; private set; }

    /// <summary>The weights lie in the order of the taps already.</summary>
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
        var offsets = new List<int>();
        var weights = new List<int>();
        for (int p = 0; p < Rows.Phases; p++)
        for (int q = 0; q < Columns.Phases; q++)
        {
            first.Add(offsets.Count);
            var taps =
                from kh in Enumerable.Range(0, Rows.Taps)
                from kw in Enumerable.Range(0, Columns.Taps)
                where Rows.Reads(p, kh) && Columns.Reads(q, kw)
                orderby Rows.Position(p, kh), Columns.Position(q, kw)
                select (Rows.Position(p, kh), Columns.Position(q, kw), (kh * Columns.Taps) + kw);
            foreach ((long row, long column, int weight) in taps)
            {
                offsets.Add((int)((row * RowPitch) + (column % Split * SetPitch) + (column / Split * Lanes)));
                weights.Add(weight);
            }
        }

        first.Add(offsets.Count);
        (First, Offsets, Weights) = ([.. first], [.. offsets], [.. weights]);
        Slides = Is3x3 && Offsets[3] - Offsets[0] == StepPitch;
        IsOrdered = weights.SequenceEqual(Enumerable.Range(0, Taps));
        return this;
    }

    private static long RoundUp(long value) => BlockSizes.RoundUp(value, LargestVector);
}
