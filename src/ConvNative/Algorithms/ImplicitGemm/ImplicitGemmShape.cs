using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>Sizes that all products of a pass share, and the blocking.</summary>
internal sealed class ImplicitGemmShape
{
    /// <summary>Panels of a block where sums are short; columns where an image that is read as it stands had best give whole planes.</summary>
    private const int MostPanels = 16, MostPlaneColumns = 1440;

    /// <summary>So many items of an image let a thread that comes late leave some to the others.</summary>
    private const int ItemsPerThread = 4;

    /// <summary>The part of L2 that holds results till they are folded.</summary>
    private const int KeptResults = 4;

    private readonly bool _forward;
    private readonly bool _isDeep;
    private readonly bool _collides;   // channels' rows of a panel of the image, where panels are to stay in L1
    private readonly int _rowUnit;     // an item's rows are a multiple of it
    private int _sharers = 1;          // threads that share out the column blocks of an image

    public ImplicitGemmShape(PlanContext context, Direction direction)
    {
        Folded = direction == Direction.BackwardData && context.Sizes.PatchesAreApart ? context.Sizes : null;
        Context = Folded is { } image ? context with { Sizes = image.OfTaps() } : context;
        ConvSizes s = Context.Sizes;
        bool forward = _forward = direction == Direction.Forward;
        int points = forward ? s.OutputPixels : BlockSizes.CeilDiv(s.IH, s.sh) * BlockSizes.CeilDiv(s.IW, s.sw);
        // Blocks that span images waste no lanes, but go through scratch.
        bool byRows = FilterPanels.AreByRows(s, forward);
        GemmKernel ofImage = GemmKernel.For(context.Isa, points, byRows), ofAll = GemmKernel.For(context.Isa, (long)points * s.N, byRows);
        bool isPointwise = s is { KH: 1, KW: 1, sh: 1, sw: 1, pt: 0, pl: 0 } && s.InputPixels == s.OutputPixels;
        bool standsAlone = s.N == 1 || points >= LaneGemm.Kernel.NR;   // smaller images are merged with others
        if (!forward && isPointwise && standsAlone && LaneGemm.Pays(context.Isa, ofImage, points, s.GroupOC)) ofImage = LaneGemm.Kernel;
        MergesImages = (long)points * s.N <= int.MaxValue && ofAll.CoveredColumns((long)points * s.N) < 15 / 16.0 * s.N * ofImage.CoveredColumns(points);
        Kernel = MergesImages ? ofAll : ofImage;
        (Packer, Patches) = (PanelPacker.For(context.Isa), PatchPacker.For(context.Isa));
        // Not backward-data, whose weights stand by columns, read as they are or packed: a cache line and a page of their own for each k.
        _isDeep = forward && s.KH * s.KW == 1;
        Blocks = BlockSizes.For(Kernel, CacheSizes.Machine, isDeep: _isDeep);
        (M, Channels) = forward ? (s.GroupOC, s.GroupIC) : (s.GroupIC, s.GroupOC);
        (OutH, OutW) = forward ? (s.OH, s.OW) : (s.IH, s.IW);
        (OutStepH, OutStepW) = forward ? (1, 1) : (s.sh, s.sw);
        PaddedM = BlockSizes.RoundUp(M, Kernel.MR);
        _rowUnit = Folded is { } folded ? (int)Math.Min(PaddedM, BlockSizes.LeastCommonMultiple(Kernel.MR, folded.KW)) : Kernel.MR;
        _collides = BlockSizes.KeepsPanelsInL1(Kernel) && CacheSizes.Machine.Collide(ChannelsPerBlock(taps: 1), sizeof(float) * (long)points);
    }

    /// <summary>What is multiplied; not the problem itself where <see cref="Folded"/> is.</summary>
    public PlanContext Context { get; }

    /// <summary>Backward-data of patches apart: the problem whose taps are the product's rows, and whose patches are its columns.</summary>
    public ConvSizes? Folded { get; }

    public GemmKernel Kernel { get; }

    public BlockSizes Blocks { get; private set; }

    public PanelPacker Packer { get; }

    public PatchPacker Patches { get; }

    /// <summary>Rows of the product: output channels of a group.</summary>
    public int M { get; }

    /// <summary>M in whole panels.</summary>
    public int PaddedM { get; }

    /// <summary>Channels that are summed over.</summary>
    public int Channels { get; }

    public int OutH { get; }

    public int OutW { get; }

    /// <summary>Output rows from a grid row to the next.</summary>
    public int OutStepH { get; }

    public int OutStepW { get; }

    /// <summary>The most grid points of a block, but for a tail.</summary>
    public int NC { get; private set; }

    /// <summary>Grid points of a last block, which takes what is left for the tail of its last panel.</summary>
    public int MostColumns => NC + Kernel.Tail;

    /// <summary>
    /// Floats from a row of packed patches to the next, with room for a vector beyond the last point: an odd number of cache lines, so that rows do not
    /// share their place in L1.
    /// </summary>
    public int PatchesLd => (BlockSizes.CeilDiv(MostColumns + Prefetch.Line - 1, Prefetch.Line) | 1) * Prefetch.Line;

    /// <summary>Rows of a block.</summary>
    public int RowsPerItem { get; private set; }

    /// <summary>The points of all images count on: blocks may span images.</summary>
    public bool MergesImages { get; }

    public int Workers { get; private set; }

    public long ScratchLength { get; private set; }

    public long PanelsLength { get; private set; }

    /// <summary>The part of the panels' memory that holds the last columns of panels of one column more than whole vectors, or a tail.</summary>
    public long LastColumnsLength { get; private set; }

    public long ResultLength { get; private set; }

    public long FilterLength { get; private set; }

    /// <summary>Floats of one worker's scratch.</summary>
    public long WorkerLength => ScratchLength + PanelsLength + ResultLength + FilterLength;

    // Whole cache lines of a row of weights, where channels are neighbours.
    public int ChannelsPerBlock(int taps) => BlockSizes.Balance(Channels, Math.Max(1, Blocks.KC / taps), taps == 1 ? Prefetch.Line : 1);

    /// <summary>B is the image as it stands: one that need not be merged with others, and whose rows do not push each other out of L1.</summary>
    public bool ReadsImage(PatchGrid grid) => grid.IsIdentity && !MergesImages && !_collides;

    /// <summary>Whether a block copies only the part of a grid's one row that it sees.</summary>
    public bool TakesWindow(PatchGrid grid) => grid.Rows == 1 && grid.Columns > MostColumns && !MergesImages && !grid.ReadsInPlace;

    /// <summary>Weights that are not packed are read as they stand.</summary>
    public bool ReadsWeights { get; private set; }

    /// <summary>Weights that are not packed are read as they stand, or packed in the run because no two items need the same.</summary>
    public bool PacksInRun { get; private set; }

    /// <summary>Rows of A that are packed at once in the run: they stay in L2 beside a block of B. Whole lines, where rows are neighbours.</summary>
    public int FilterRows => ReadsWeights ? Kernel.MR : Math.Min(RowsPerItem, BlockSizes.RoundUp(Blocks.MC / 4, Prefetch.Line));

    public int Images => MergesImages ? 1 : Context.Sizes.N;

    public int Points(PatchGrid grid) => MergesImages ? grid.Points * Context.Sizes.N : grid.Points;

    /// <summary>Columns of the packed panel beside an image that is read as it stands: one where a vector would reach beyond the image's row.</summary>
    public int EdgeColumns(PatchGrid grid) => NeedsEdge(grid.Points) ? Kernel.NR : 0;

    /// <summary>The last panel of so many columns has neither whole vectors nor a tail.</summary>
    public bool NeedsEdge(int columns) => Tail(columns) == 0 && columns % Kernel.NR % Kernel.Vector != 0;

    /// <summary>Columns of so many that are the last panel's tail.</summary>
    public int Tail(int columns) => columns > Kernel.NR && columns % Kernel.NR <= Kernel.Tail ? columns % Kernel.NR : 0;

    public FilterPanels Filter(ImplicitGemmPart part) => new(Packer, Kernel.MR, Context.Sizes, part.Kernel, _forward);

    public int ColumnBlocks(PatchGrid grid) => ColumnBlocks(Points(grid));

    /// <summary>As few as NC allows, and shared out evenly where threads share an image.</summary>
    private int ColumnBlocks(int points)
    {
        int panels = Pieces(points, Kernel.NR);
        return Math.Min(panels, BlockSizes.RoundUp(BlockSizes.CeilDiv(panels, NC / Kernel.NR), _sharers));
    }

    /// <summary>Where a block begins, or the last one ends: some have a panel more than others.</summary>
    public int FirstColumn(PatchGrid grid, long block)
    {
        int points = Points(grid), blocks = ColumnBlocks(points);
        return block == blocks ? points : (int)(Pieces(points, Kernel.NR) * block / blocks) * Kernel.NR;
    }

    public int RowBlocks => BlockSizes.CeilDiv(M, RowsPerItem);

    /// <summary>Whether tiles go straight into the output.</summary>
    public bool StoresDirectly => !MergesImages && Folded is null && OutStepH == 1 && OutStepW == 1;

    /// <summary>Whether whole tiles of an output whose planes begin with cache lines go past the caches, for a part that is summed in one go.</summary>
    public bool Streams(ImplicitGemmPart part) =>
        StoresDirectly && Kernel.Vector == Prefetch.Line && Kernel.NR % Prefetch.Line == 0 && OutH * OutW % Prefetch.Line == 0
        && ChannelsPerBlock(part.Grid.Taps) >= Channels && (_forward ? Context.Sizes.BytesOfY : Context.Sizes.BytesOfX) > StreamingStores.NearBytes;

    /// <summary>Settles NC, rows per item and the workers, so that the workspace stays within its limit.</summary>
    public void Block(ImplicitGemmPart[] products)
    {
        PatchGrid[] grids = Array.ConvertAll(products, product => product.Grid);
        ConvSizes s = Context.Sizes;
        int points = grids.Max(grid => grid.Points);
        ReadsWeights = Array.TrueForAll(products, product => Filter(product).StandsInPlace);
        bool readsImages = Array.TrueForAll(grids, ReadsImage);
        Blocks = BlockSizes.For(Kernel, CacheSizes.Machine, grids.Max(grid => ChannelsPerBlock(grid.Taps) * grid.Taps), _isDeep);
        int panels = Folded is { } && readsImages ? MostPlaneColumns / Kernel.NR : Math.Min(Blocks.NC / Kernel.NR, MostPanels);
        long images = (long)Images * s.G;
        bool sharesImages = images >= ItemsPerThread * (long)Context.Threads || images % Context.Threads == 0;
        if (Folded is { }) CutTaps(images, Points(grids[0]), panels);
        else if (!sharesImages && readsImages) CutImage(points, panels);
        else Cut(images, grids.Max(Points), panels, fewestTiles: readsImages ? 1 : 8, mayShareColumns: !sharesImages);
        FitWorkspace(grids);
    }

    /// <summary>
    /// Smaller blocks until one worker's memory fits. The depth, on which sums depend, comes last, when nothing is left that depends on the threads.
    /// </summary>
    private void FitWorkspace(PatchGrid[] grids)
    {
        while (true)
        {
            Measure(grids);
            Workers = (int)Math.Min(Context.Threads, Context.MaxWorkspaceBytes / (WorkerLength * sizeof(float)));
            if (Workers > 0) return;
            if (NC > Kernel.NR) NC = BlockSizes.RoundUp(NC / 2, Kernel.NR);
            else if (RowsPerItem > _rowUnit) RowsPerItem = BlockSizes.RoundUp(RowsPerItem / 2, _rowUnit);
            else if (Blocks.KC > 1) Blocks = Blocks with { KC = Blocks.KC / 2 };
            else return;
        }
    }

    private void Cut(long images, int points, int panels, int fewestTiles, bool mayShareColumns)
    {
        NC = BalancedColumns(points, panels);
        int tiles = PaddedM / Kernel.MR, groups = Math.Min(Context.Threads, Math.Max(1, tiles / fewestTiles));
        double columns = Unevenness(Pieces(points, Kernel.NR)), rows = groups < Context.Threads ? Unevenness(groups) : Unevenness(tiles);
        ShareColumns(points, mayShareColumns && columns <= 1.1 * rows);
        long items = images * ColumnBlocks(points);
        // Each part of the rows packs the patches anew, so there are only as many as even out the work.
        int parts = 1;
        while (items * parts < ItemsPerThread * (long)Context.Threads && items * parts % Context.Threads != 0) parts++;
        RowsPerItem = Math.Min(PaddedM, BlockSizes.RoundUp(Math.Max(BlockSizes.CeilDiv(M, parts), fewestTiles * Kernel.MR), Kernel.MR));
    }

    /// <summary>
    /// What is folded is the output with the zeros between, several times what is computed: best plane after plane, from one end to the other, and from
    /// results that are still in L2. Rows of taps are whole.
    /// </summary>
    private void CutTaps(long images, int points, int panels)
    {
        NC = BalancedColumns(points, panels);
        ShareColumns(points, evenly: false);
        long items = images * ColumnBlocks(points);
        int parts = BlockSizes.CeilDiv(M, Math.Max(1, CacheSizes.Machine.L2 / KeptResults / (sizeof(float) * NC)));
        while (items * parts < ItemsPerThread * (long)Context.Threads && items * parts % Context.Threads != 0) parts++;
        RowsPerItem = Math.Min(PaddedM, BlockSizes.RoundUp(BlockSizes.CeilDiv(M, parts), _rowUnit));
    }

    /// <summary>
    /// An image that is read as it stands may be cut anywhere. Threads that own columns write into common cache lines where a plane is not whole
    /// lines; threads that own rows all read the image, which is less where there are more rows than channels, and leaves each panel of weights to one
    /// thread where these are read for one panel after the other.
    /// </summary>
    private void CutImage(int points, int panels)
    {
        int all = Pieces(points, Kernel.NR), tiles = PaddedM / Kernel.MR;
        double columns = Unevenness(all), rows = Unevenness(tiles);
        bool byRows = rows < 0.85 * columns
            || (rows < 1.15 * columns && (Kernel.HasRowsInLanes || (M > Channels && OutH * OutW % Prefetch.Line != 0)));
        if (!byRows) panels = Math.Clamp(all / ((Kernel.HasRowsInLanes ? 1 : ItemsPerThread) * Context.Threads), 1, panels);
        NC = BalancedColumns(points, panels);
        ShareColumns(points, !byRows);
        RowsPerItem = byRows ? BlockSizes.CeilDiv(tiles, Context.Threads) * Kernel.MR : PaddedM;
    }

    /// <summary>Settles whether the blocks are a multiple of the threads, and as wide as they then are.</summary>
    private void ShareColumns(int points, bool evenly)
    {
        _sharers = evenly ? Context.Threads : 1;
        NC = BlockSizes.CeilDiv(Pieces(points, Kernel.NR), ColumnBlocks(points)) * Kernel.NR;
    }

    /// <summary>Pieces of so many columns, of which the last one takes the tail too.</summary>
    private int Pieces(int points, int columns) => Math.Max(1, BlockSizes.CeilDiv(points - Kernel.Tail, columns));

    /// <summary>At most so many panels a block, in blocks as equal as panels allow.</summary>
    private int BalancedColumns(int points, int panels) =>
        BlockSizes.RoundUp(BlockSizes.Balance(Math.Max(1, points - Kernel.Tail), panels * Kernel.NR, Kernel.NR), Kernel.NR);

    /// <summary>The largest share of so many equal pieces over the mean.</summary>
    private double Unevenness(int pieces) => BlockSizes.CeilDiv(pieces, Context.Threads) * Context.Threads / (double)pieces;

    private void Measure(PatchGrid[] grids)
    {
        (ScratchLength, PanelsLength, LastColumnsLength, FilterLength) = (0, 0, 0, 0);
        bool isPointwise = Context.Sizes.KH * Context.Sizes.KW == 1;
        PacksInRun = ReadsWeights || (isPointwise && Images == 1 && Array.TrueForAll(grids, grid => ColumnBlocks(grid) == 1));
        int slack = 2 * Kernel.NR;   // whole-vector writes beyond the last run
        foreach (PatchGrid grid in grids)
        {
            int channels = ChannelsPerBlock(grid.Taps);
            int images = MergesImages ? Math.Min(Context.Sizes.N, ((MostColumns - 1) / grid.Points) + 2) : 1;
            int rows = MergesImages ? grid.Rows : Math.Min(grid.Rows, ((MostColumns + grid.Columns - 2) / grid.Columns) + 1);
            int pitch = TakesWindow(grid) ? grid.PitchOf(MostColumns) : grid.Pitch;
            long scratch = grid.ReadsInPlace ? 0 : ((long)images * channels * grid.PaddedRowCount(rows) * pitch) + slack;
            ScratchLength = Math.Max(ScratchLength, BlockSizes.RoundUp(scratch, Prefetch.Line));
            int panelColumns = ReadsImage(grid) ? EdgeColumns(grid) : PatchesLd;
            PanelsLength = Math.Max(PanelsLength, ((long)channels * grid.Taps * panelColumns) + slack);
            if (PacksInRun) FilterLength = Math.Max(FilterLength, (long)channels * grid.Taps * FilterRows);
        }

        int lastColumns = Kernel.Tail > 0 ? GemmTail.Columns : Kernel.NR % Kernel.Vector != 0 ? NC / Kernel.NR : 0;
        LastColumnsLength = grids.Max(grid => BlockSizes.RoundUp((long)ChannelsPerBlock(grid.Taps) * grid.Taps * lastColumns, Prefetch.Line));
        PanelsLength = BlockSizes.RoundUp(PanelsLength, Prefetch.Line) + LastColumnsLength;
        ResultLength = StoresDirectly ? 0 : BlockSizes.RoundUp(((long)RowsPerItem * MostColumns) + Prefetch.Line, Prefetch.Line);   // a line to spare for whole vectors at the end
        FilterLength = BlockSizes.RoundUp(FilterLength, Prefetch.Line);
    }
}
