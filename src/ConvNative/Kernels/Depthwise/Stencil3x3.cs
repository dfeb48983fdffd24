namespace ConvNative.Kernels;

/// <summary>What a strip's vectors read.</summary>
internal enum StripKind
{
    /// <summary>Whole vectors with a neighbour on either side.</summary>
    Inner,

    /// <summary>Whole vectors; a neighbour may be missing.</summary>
    Side,

    /// <summary>Parts of vectors.</summary>
    Edge,

    /// <summary>Parts of vectors with a neighbour before them, none of which is read after them.</summary>
    Tail,

    /// <summary>A whole row that is shorter than what a strip reads, and has one zero before it.</summary>
    Turn,

    /// <summary>The same of two planes, one in each half of the lanes.</summary>
    Pair,
}

/// <summary>
/// How the planes of a 3×3 stencil are cut into vectors: strips of as many columns as a vector has lanes, each worked on from the top row
/// to the bottom. What a strip may read at the edges of the image is a table of masks, so that planes need no padded copy. Rows
/// that are not half as long as a vector are taken from two planes at once, one in each half of the lanes.
/// </summary>
internal sealed class Stencil3x3
{
    /// <summary>Masks of a strip; the first four are for reading, and what they mean is up to the kind of stencil.</summary>
    public const int Masks = 6;

    /// <summary>The mask that has the columns of the output on, of the first plane where there are two.</summary>
    public const int OutputMask = 4;

    /// <summary>Where rows are woven, the mask of the outputs after which there is one.</summary>
    public const int NextMask = 1;

    /// <summary>The same of the second plane.</summary>
    public const int SecondMask = 5;

    private const int BandFloats = 4096;   // 16 KiB of the source: it stays in L1 from strip to strip

    private Stencil3x3(int sourceH, int sourceW, int outputH, int outputW, int stride, int pt, int pl, int width, int lanes, bool isWoven = false)
    {
        IsWoven = isWoven;
        (SourceH, SourceW, OutputH, OutputW) = (sourceH, sourceW, outputH, outputW);
        (Stride, Top, Left, Width, Lanes) = (stride, pt, pl, width, lanes);
        Planes = width / lanes;
        BandRows = BlockSizes.Balance(outputH, Math.Max(8, BandFloats / sourceW / stride / 2 * 2), 2);
    }

    public int SourceH { get; }

    public int SourceW { get; }

    public int OutputH { get; }

    public int OutputW { get; }

    /// <summary>1 or 2; in the transposed stencil the step from one pixel of the source to the next in the output.</summary>
    public int Stride { get; }

    /// <summary>Zeros above the source; in the transposed stencil pt.</summary>
    public int Top { get; }

    /// <summary>Zeros on the left of the source; in the transposed stencil pl.</summary>
    public int Left { get; }

    /// <summary>Lanes of a vector.</summary>
    public int Width { get; }

    /// <summary>Lanes of one plane: all, or half of them.</summary>
    public int Lanes { get; }

    public bool IsPair => Lanes < Width;

    /// <summary>Whether rows of a gradient are read by <see cref="WovenTaps{S, V}"/>, of two planes as well.</summary>
    public bool IsWoven { get; }

    /// <summary>Whether the strips of a gradient can be summed in one go: all are whole but for the last.</summary>
    public bool CanJoinStrips { get; private init; }

    /// <summary>Where the lanes of a gradient's planes are.</summary>
    public LanePlanes LanePlanes => !IsPair ? LanePlanes.One : IsWoven ? LanePlanes.Twos : LanePlanes.Halves;

    /// <summary>Planes that are computed at once.</summary>
    public int Planes { get; }

    /// <summary>First column of the output of each strip.</summary>
    public int[] Starts { get; private init; } = [];

    /// <summary>How each strip reads.</summary>
    public StripKind[] Kinds { get; private init; } = [];

    /// <summary>Per strip <see cref="Masks"/> vectors, a lane being 0 or −1.</summary>
    public int[] MaskTable { get; private init; } = [];

    /// <summary>Rows of the output that are computed together: all, or an even number, much the same in each band.</summary>
    public int BandRows { get; }

    /// <summary>Whether a plane is several bands: L1 has no room for what is read after a band, so that it is asked for into L2.</summary>
    public bool IsBanded => BandRows < OutputH;

    /// <summary>Floats of the source that are a strip's share of the rows, of all planes, under a row of the output.</summary>
    public int SourceShare { get; private init; }

    /// <summary>The same of the output.</summary>
    public int OutputShare { get; private init; }

    public nint SourcePixels => (nint)SourceH * SourceW;

    /// <summary>Pixels of the output that are computed together.</summary>
    public nint BandPixels => (nint)BandRows * OutputW;

    public nint OutputPixels => (nint)OutputH * OutputW;

    /// <summary>
    /// Whether only the first and last rows of taps may lie outside of the image, so that the kernels need not ask elsewhere.
    /// </summary>
    public static bool Fits(in ConvSizes s) => s.pt <= 3 - s.sh && ((s.OH - 1) * s.sh) + 1 - s.pt < s.IH + 2 - s.sh;

    /// <summary>y from x; the strips of the gradient may not overlap.</summary>
    public static Stencil3x3 Forward(in ConvSizes s, int width, bool overlap) =>
        Reading(s.IH, s.IW, s.OH, s.OW, s.sh, s.pt, s.pl, width, overlap);

    /// <summary>dx from dy with stride 1: y from x with the kernel turned round.</summary>
    public static Stencil3x3 BackwardData(in ConvSizes s, int width) =>
        Reading(s.OH, s.OW, s.IH, s.IW, 1, 2 - s.pt, 2 - s.pl, width, overlap: true);

    /// <summary>
    /// dx from dy with stride 2. A vector of dy becomes two of dx, even and odd columns; those of tap 0 read dy[j], j = (column + pl)/2, those
    /// of tap 2 dy[j − 1].
    /// </summary>
    public static Stencil3x3 Transposed(in ConvSizes s, int width)
    {
        (int outputs, int columns, int pl) = (s.OW, s.IW, s.pl);
        bool pairs = width >= 8 && pl == 1 && outputs < width / 2 && columns <= width;
        int lanes = pairs ? width / 2 : width;
        // A last strip of one vector stores one, where another that overlaps stores two.
        int[] starts = Cut(columns, 2 * lanes, overlap: columns % (2 * lanes) != lanes);
        for (int i = 0; i < starts.Length; i++) starts[i] += starts[i] % 2;
        int[] table = Table(starts, width, IsOn);
        var kinds = new StripKind[starts.Length];
        for (int i = 0; i < kinds.Length; i++)
        {
            ReadOnlySpan<int> masks = table.AsSpan(i * Masks * width, 2 * width);
            kinds[i] = pairs ? StripKind.Pair : masks[..^1].IndexOf(0) < 0 ? StripKind.Side : masks[^1] == 0 ? StripKind.Turn : StripKind.Edge;
        }

        return new Stencil3x3(s.OH, s.OW, s.IH, s.IW, 2, s.pt, pl, width, lanes) { Starts = starts, MaskTable = table, Kinds = kinds };

        // Masks 0 and 1: of dy[j − 1] and dy[j], or of dy[j − 1] in both planes. The others: of the four vectors of dx.
        bool IsOn(int start, int mask, int lane)
        {
            int j = ((start + pl - 1) >> 1) + (lane % lanes) + (pairs ? 0 : mask);
            if (mask < 2) return j >= 0 && j < outputs && (!pairs || lane / lanes == mask);
            return mask == OutputMask ? start + lane < columns : mask == SecondMask && (pairs ? lane : start + width + lane) < columns;
        }
    }

    private static Stencil3x3 Reading(
        int sourceH, int sourceW, int outputH, int outputW, int stride, int pt, int pl, int width, bool overlap)
    {
        int reach = Math.Max(sourceW, outputW * stride);
        bool turns = pl == 1 && reach < width * stride && (stride == 2 || sourceW == outputW);
        bool pairs = turns && width >= 8 && reach < width / 2 * stride;
        bool woven = stride == 2 && pl == 1 && !overlap;
        int lanes = pairs ? width / 2 : width;
        int[] starts = Cut(outputW, lanes, overlap), table = Table(starts, width, IsOn);
        var kinds = new StripKind[starts.Length];
        for (int i = 0; i < kinds.Length; i++)
        {
            // Vectors from the last lane of the one before what is read to the first of the one after; masks that are not used are on.
            ReadOnlySpan<int> masks = table.AsSpan(i * Masks * width, Masks * width);
            int vectors = stride == 1 ? 2 : 4;
            bool isWhole = masks[width..(vectors * width)].IndexOf(0) < 0 && masks[(OutputMask * width)..].IndexOf(0) < 0;
            bool isInner = isWhole && masks[width - 1] != 0 && masks[vectors * width] != 0;
            bool isTail = masks[width - 1] != 0 && masks[((OutputMask + 1) * width) - 1] == 0;
            if (woven) isInner = isWhole && i + 1 < kinds.Length;
            kinds[i] = pairs ? StripKind.Pair : isInner ? StripKind.Inner : woven ? StripKind.Edge
                : isWhole ? StripKind.Side : turns ? StripKind.Turn : isTail ? StripKind.Tail : StripKind.Edge;
        }

        return new Stencil3x3(sourceH, sourceW, outputH, outputW, stride, pt, pl, width, lanes, woven)
        {
            Starts = starts, MaskTable = table, Kinds = kinds, CanJoinStrips = !overlap && CanJoin(kinds, woven),
            SourceShare = BlockSizes.CeilDiv(width / lanes * stride * sourceW, starts.Length),
            OutputShare = BlockSizes.CeilDiv(width / lanes * outputW, starts.Length),
        };

        // Stride 1: mask 1 of the vector under tap 1. Stride 2: masks 2 and 3 of two vectors from tap 1 on, or mask 2 of both planes' and
        // mask 3 of the outputs of both; mask 1 is used by woven rows alone. Masks 0 and, with stride 1, 2: of their neighbours, of which one
        // lane is read.
        bool IsOn(int start, int mask, int lane)
        {
            if (mask >= OutputMask) return start + (lane % lanes) < outputW && (!pairs || lane / lanes == mask - OutputMask);
            if (stride == 2 && mask == NextMask) return !woven || start + (lane % lanes) + 1 < outputW;
            if (stride == 2 && pairs && mask == 3) return start + (lane % lanes) < outputW;
            bool isNeighbour = mask == 0 || (stride == 1 && mask == 2);
            if (isNeighbour && lane != (mask == 0 ? width - 1 : 0)) return false;
            int vector = mask == 0 ? -1 : stride == 1 ? mask - 1 : mask - 2, at = (vector * width) + (pairs && stride == 1 ? lane % lanes : lane);
            int column = (start * stride) + at + 1 - pl;
            return column >= 0 && column < sourceW && (stride == 1 || start + (at / stride) < outputW);
        }
    }

    private static bool CanJoin(ReadOnlySpan<StripKind> kinds, bool woven) =>
        kinds.Length > 1 && kinds[0] == (woven ? StripKind.Inner : StripKind.Side) && kinds[^1] == (woven ? StripKind.Edge : StripKind.Tail)
        && !kinds[1..^1].ContainsAnyExcept(StripKind.Inner);

    /// <summary>Begin of each strip; the last may begin early enough to be whole.</summary>
    private static int[] Cut(int columns, int lanes, bool overlap)
    {
        int[] starts = new int[(columns + lanes - 1) / lanes];
        for (int i = 0; i < starts.Length; i++) starts[i] = overlap ? Math.Max(0, Math.Min(i * lanes, columns - lanes)) : i * lanes;
        return starts;
    }

    private static int[] Table(int[] starts, int width, Func<int, int, int, bool> isOn)
    {
        int[] table = new int[starts.Length * Masks * width];
        for (int i = 0; i < table.Length; i++) table[i] = isOn(starts[i / width / Masks], i / width % Masks, i % width) ? -1 : 0;
        return table;
    }
}
