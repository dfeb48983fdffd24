using System.Runtime.CompilerServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="ImplicitGemm"/>: dw[OC × (ic, kh, kw)] = dy · (patches of x)ᵀ. Both operands run along the points
/// that are summed over, so one of them is turned, a panel at a time, for its rows to become lanes: the patches, which gives dw as it stands,
/// or dy, which gives dwᵀ. The other one is read where it is. x is dense already, or turned from where it is if its one tap reads no padding, or copied
/// to padded rows in which a tap is a constant offset, so that patches are never written down.
/// <code>
/// for g, part of the points, output-channel chunk, input-channel chunk         shared out
///   for block of points (images × rows) of the part                            always in this order: sums do not depend on the chunks
///     pad x, unless each tap leaves out the points that read padding
///     for panel of lanes                       turned, in L2
///       for MR rows                            C += rows · panel               WeightGradientKernel
/// dw = Σ parts of C (turned back)
/// </code>
/// How points are cut, into parts where dw is too small to be shared out, depends on the shape, the caches and the workspace limit, never on threads.
/// </summary>
internal sealed unsafe partial class ImplicitGemmWeights : ConvPass
{
    private const int MostGroups = 1024;   // of a prefetch queue
    private const int WorkerGap = 1 << 12, FarWorkerGap = 1 << 17;

    // In multiply-adds, measured on Zen 5: a point of a copied x, a lane of a vector that is turned, of every second pixel that a second thread turns
    // too; and in vectors: one is at the mercy of latency.
    private const double Copying = 24, Turning = 0.55, TurningPairs = 2.75, LeastVectors = 1.4;

    // In vectors, measured on Zen 5: a panel begun, for which the rows are read again; as much once more where they take three times L2.
    private const double PanelStart = 0.33;

    private readonly PlanContext _context;
    private readonly ConvSizes _s;
    private readonly PatchGrid _grid;
    private readonly WeightGradientKernel _kernel;
    private readonly PatchPacker _patches;
    private readonly nint[] _xRows;
    private readonly nint[] _dyRows;
    private readonly double _shareInside;   // of the pairs of point and tap
    private readonly bool _isDense;         // x is read where it is, by all rows of C at once
    private readonly bool _canTurnInPlace;  // the one tap reads at most every second pixel of a row, none of the padding
    private readonly bool _skippingPays;
    private bool _turnsX;
    private int _blockPoints;
    private int _blockImages;
    private int _parts;
    private Chunks _ICs;   // of an item
    private Chunks _OCs;
    private long _workerGap = WorkerGap;

    public ImplicitGemmWeights(PlanContext context, PatchGrid grid)
    {
        (_context, _s, _grid) = (context, context.Sizes, grid);
        (_kernel, _patches) = (WeightGradientKernel.For(context.Isa), PatchPacker.For(context.Isa));
        _shareInside = (double)_s.TapsInside / Taps / _grid.Points;
        _isDense = grid.IsIdentity;
        _canTurnInPlace = !_isDense && grid.ReadsInPlace && _s.sw <= 2 && _s.sw * grid.Columns <= _s.IW - grid.FirstColumn;
        // Runs are shorter and tiles more: a tenth less pays for them (measured on Zen 5).
        _skippingPays = !_isDense && _s is { sh: 1, sw: 1 } && SkippingRows < 0.9 * BlockSizes.RoundUp(_s.PatchLength, _kernel.MR);
        ChooseBlocks();
        _turnsX = Cost(_kernel.MR, turnsX: true) < Cost(_kernel.MR, turnsX: false);
        // It has narrower panels: where they are no more than the others' (measured: 64 channels gain nothing).
        WeightGradientKernel nines = WeightGradientKernel.ForNines(context.Isa);
        if (_s.GroupOC <= nines.MostVectors * nines.Width && Cost(nines.MR, turnsX: false) < Cost(_kernel.MR, _turnsX)) (_kernel, _turnsX) = (nines, false);
        ChooseChunks();
        FitWorkspace();
        if (SkipsPadding && Workers > 1)
        {
            long free = (_context.MaxWorkspaceBytes / sizeof(float)) - SharedLength - (Workers * WorkerLength);
            _workerGap = Math.Clamp(free / (Workers - 1) / Prefetch.Line * Prefetch.Line, WorkerGap, FarWorkerGap);
        }

        _xRows = GC.AllocateUninitializedArray<nint>(CopiesX ? _ICs.Longest * Taps : _ICs.Longest, pinned: true);
        for (int r = 0; r < _xRows.Length; r++) _xRows[r] = CopiesX ? (r / Taps * ChannelStride) + _grid.TapOffsets[r % Taps] : r * (nint)_s.InputPixels;
        _dyRows = GC.AllocateUninitializedArray<nint>(_OCs.Longest, pinned: true);
        for (int r = 0; r < _dyRows.Length; r++) _dyRows[r] = (nint)r * _s.OutputPixels;
    }

    /// <summary>How many items run at once; 0: not one fits the workspace limit.</summary>
    public int Workers { get; private set; }

    public override long WorkspaceBytes => (SharedLength + (WorkerStep * Workers) - (Workers > 0 ? _workerGap : 0)) * sizeof(float);

    public override string Details =>
        $"kernel {_kernel.Name}, {(_turnsX ? "x" : "dy")} turned{(TurnsInPlace ? " from where it is" : "")}, {(SkipsPadding ? "padding left out, " : CopiesX ? "x copied, " : "")}blocks of {_blockImages}×{_blockPoints} points in {_parts} part(s), "
        + $"items of {_ICs.Longest} input and {_OCs.Longest} output channels, {Workers} worker(s)";

    private int Taps => _grid.Taps;

    /// <summary>x is read where it is, by the rows of C of one tap at a time, which leave out the points that read padding.</summary>
    private bool SkipsPadding => !_turnsX && _skippingPays;

    /// <summary>The rows of all points that cost as much as the rows of each tap's own points.</summary>
    private double SkippingRows => BlockSizes.RoundUp(_s.GroupIC, _kernel.MR) * (double)Taps * _shareInside;

    /// <summary>x is turned where it is.</summary>
    private bool TurnsInPlace => _turnsX && _canTurnInPlace;

    private bool CopiesX => !_isDense && !SkipsPadding && !TurnsInPlace;

    /// <summary>An item's part of C stays with its worker until it is whole, and goes from there to dw.</summary>
    private bool TurnsAtOnce => !_turnsX && _parts == 1;

    /// <summary>The points of an image are one run of x, which is dense or whose padded rows have no gap.</summary>
    private bool IsOneRun => _isDense || _grid.RowStep == _grid.Columns;

    /// <summary>x has rows that no tap reads, of some lines.</summary>
    private bool SkipsRows => _s.sh > 1 && _s.KH == 1 && _s.IW >= 3 * Prefetch.Line;

    private int BlockRows => _isDense ? 1 : _blockPoints / _grid.Columns;

    private int BlocksPerImage => BlockSizes.CeilDiv(_grid.Points, _blockPoints);

    private int Blocks => BlockSizes.CeilDiv(_s.N, _blockImages) * BlocksPerImage;

    private nint ChannelStride => CopiesX ? (nint)_grid.PaddedRowCount(BlockRows) * _grid.Pitch : _s.InputPixels;

    private nint ImageStride => ChannelStride * (CopiesX ? _ICs.Longest : _s.IC);

    /// <summary>C, or its first part, is dw itself; unless its rows are not whole vectors, which are slow to store again and again.</summary>
    private bool IsDirect => _turnsX && (_parts == 1 || _s.PatchLength % _kernel.Width == 0);

    /// <summary>Rows of C.</summary>
    private int Rows => _turnsX ? _s.GroupOC : _s.PatchLength;

    /// <summary>Lanes of C.</summary>
    private int Lanes => _turnsX ? _s.PatchLength : TurnsAtOnce ? _OCs.Longest : _s.GroupOC;

    /// <summary>Floats from a row of C to the next.</summary>
    private nint ResultStride => IsDirect ? Lanes : BlockSizes.RoundUp(Lanes, Prefetch.Line);

    private nint ResultLength => Rows * ResultStride * _s.G;

    // Memory of all workers, in floats: parts of C, of which the first may be dw itself; parts of db, in double.
    private long ResultsLength => TurnsAtOnce ? 0 : Align((_parts - (IsDirect ? 1 : 0)) * (long)ResultLength);

    private long SharedLength => ResultsLength + Align(2L * _parts * _s.OC);

    // Memory of a worker: padded rows, a panel, runs of a tap or of x and of dy with places to ask for, its part of C.
    private long SourceLength => !CopiesX ? 0 : Align((ImageStride * _blockImages) + (2 * _kernel.Width));

    // Of the widest panel, whichever kernel runs: the number of threads may decide between them, and blocks that fit must not depend on it.
    private long PanelLength => Align((long)_blockImages * _blockPoints * WeightGradientKernel.For(_context.Isa).MostVectors * _kernel.Width);

    private int MostRuns => _blockImages * BlockRows;

    private long TablesLength =>
        Align(((MostGroups * (long)sizeof(PrefetchPlaces)) + ((SkipsPadding ? 3L : 2L) * MostRuns * sizeof(nint))) / sizeof(float));

    private long ChunkLength => TurnsAtOnce ? _ICs.Longest * Taps * (long)ResultStride : 0;

    private long WorkerLength => SourceLength + PanelLength + TablesLength + ChunkLength;

    /// <summary>
    /// From a worker's memory to the next one's: processors fetch beyond what they have read or written, and would take the next worker's lines. They
    /// go on in the steps that they see, and from tile to tile of one tap's rows of C those are some ten thousand floats: a far gap makes two threads
    /// that share no cache 1.3 times as fast.
    /// </summary>
    private long WorkerStep => WorkerLength + _workerGap;

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var products = new ProductTask(this, buffers, workspace);
        pool.For(Workers, products.Count, ref products);
        if (_parts > 1)
        {
            var sums = new SumTask(this, buffers, workspace);
            pool.For(_context.Threads, sums.Count, ref sums);
        }

        if (buffers.B != null) SumBias(buffers.B, (double*)(workspace + ResultsLength));
    }

    /// <summary>Whole cache lines.</summary>
    private static long Align(long length) => BlockSizes.RoundUp(length, Prefetch.Line);

    private void ChooseBlocks()
    {
        // As long as a panel stays in L2 beside the rest, since to begin a tile costs far more than to read the panel from there.
        int most = CacheSizes.Machine.L2 / 6 / (sizeof(float) * _kernel.MostVectors * _kernel.Width);
        _blockPoints = _isDense
            ? BlockSizes.Balance(_grid.Points, most, Prefetch.Line)
            : BlockSizes.Balance(_grid.Rows, Math.Max(1, most / _grid.Columns), 1) * _grid.Columns;
        _blockImages = _blockPoints < _grid.Points ? 1 : BlockSizes.Balance(_s.N, Math.Max(1, most / _grid.Points), 1);

        // Parts of C that stay in the cache and cost little beside the products.
        const int FewestBlocks = 4, MostParts = 8, MostWeights = 1 << 14;
        _parts = (long)_s.GroupOC * _s.PatchLength > MostWeights ? 1 : Math.Clamp(Blocks / FewestBlocks, 1, MostParts);
    }

    /// <summary>In multiply-adds: products of whole tiles of MR rows, beginning them, turning the lanes, turning dwᵀ back.</summary>
    private double Cost(int MR, bool turnsX)
    {
        // A large dwᵀ is turned back in chunks, each of which reads the rows anew: 5 to 10 % slower, whatever the shape.
        bool isLarge = sizeof(float) * (long)_s.GroupIC * _s.GroupOC > CacheSizes.Machine.L2 / 4;
        if (!turnsX && isLarge && (_isDense || _canTurnInPlace)) return double.MaxValue;
        const double TileStart = 20, RunStart = 0.8;   // in points of a tile, measured on Zen 5
        int rows = turnsX ? _s.GroupOC : _s.PatchLength, lanes = turnsX ? _s.PatchLength : _s.GroupOC, W = _kernel.Width;
        bool skips = !turnsX && _skippingPays;
        double points = (double)_s.N * _s.OutputPixels, wholeRows = skips ? SkippingRows : BlockSizes.RoundUp(rows, MR);
        // Dense sums are the same either way, so threads may count: where they write far from each other, what goes back is slow.
        double turningBack = turnsX ? 0 : _parts > 1 ? 2 : !_isDense ? 0.8 : _context.Threads > 1 ? 2 : 0.5;
        double copied = _isDense || skips || (turnsX && _canTurnInPlace) ? 0 : Copying * points * _s.GroupIC;
        double begun = (TileStart * Blocks) + (turnsX || IsOneRun ? 0 : RunStart * _s.N * _s.OH);
        double panels = PanelVectors(turnsX ? _s.GroupOC : _s.GroupIC, BlockSizes.RoundUp(lanes, W)) * W;
        return (((points * (wholeRows + (Turning * W))) + (begun * rows)) * panels) + (turningBack * W * rows * lanes) + copied;
    }

    /// <summary>Up to two items a thread, cut so that the thread with the most to do has the least.</summary>
    private void ChooseChunks()
    {
        const double RowsShared = 1.1;   // rows of dw are written back by two threads, their lines too
        int threads = _context.Threads, products = _s.G * _parts, items = threads == 1 ? 1 : BlockSizes.CeilDiv(2 * threads, products);
        int unit = _turnsX ? Math.Min(_kernel.Width, _s.GroupIC) : Taps == 1 ? Prefetch.Line : SkipsPadding ? _kernel.MR : 1;   // no line of dw for two
        var IC = new Chunks(_s.GroupIC, unit, 1);
        var OC = new Chunks(_s.GroupOC, _turnsX ? _kernel.MR : _kernel.Width, 1);
        double least = double.MaxValue;
        for (int count = 1; count <= Math.Min(IC.Units, items); count++)
        {
            for (int columns = 1; columns <= Math.Min(OC.Units, BlockSizes.CeilDiv(items, count)); columns++)
            {
                (Chunks ICs, Chunks OCs) = Fit(IC with { Count = count }, OC with { Count = columns });
                // A thread begins with neighbours, of which those of the same output channels come first.
                long share = BlockSizes.CeilDiv((long)products * OCs.Count * ICs.Count, threads);
                long rest = share % ICs.Count, most = BlockSizes.CeilDiv(rest * ICs.Units, ICs.Count) * ICs.Unit;
                double channels = ((double)(share / ICs.Count) * IC.Length) + Math.Min(IC.Length, most);
                double cost = share * ItemCost(channels / share, OCs.Longest);
                if (rest > 0 && !_turnsX && Taps > 1) cost *= RowsShared;
                if (cost < least) (least, _ICs, _OCs) = (cost, ICs, OCs);
            }
        }
    }

    /// <summary>Chunks whose copied x, and whose C that is turned back, stay in L2.</summary>
    private (Chunks ICs, Chunks OCs) Fit(Chunks ICs, Chunks OCs)
    {
        if (CopiesX) ICs = ICs.NoLongerThan(CacheSizes.Machine.L2 / 2 / (sizeof(float) * ChannelStride * _blockImages));
        if (!TurnsAtOnce) return (ICs, OCs);
        long fitting = CacheSizes.Machine.L2 / 4 / (sizeof(float) * Taps);
        if (!CopiesX) OCs = OCs.NoLongerThan(Math.Max(fitting / ICs.Longest, _kernel.MostVectors * _kernel.Width));   // which turns nothing anew
        return (ICs.NoLongerThan(fitting / BlockSizes.RoundUp(OCs.Longest, Prefetch.Line)), OCs);
    }

    /// <summary>In multiply-adds a point: lanes that are turned for few rows, lanes that are too few for the kernel, a copied x.</summary>
    private double ItemCost(double ICs, double OCs)
    {
        double patches = ICs * (SkipsPadding ? Taps * _shareInside : Taps), W = _kernel.Width;
        (double rows, double lanes) = _turnsX ? (OCs, patches) : (patches, OCs);
        double turning = TurnsInPlace && _s.sw == 2 ? TurningPairs : Turning;
        return ((rows + (turning * W)) * PanelVectors(_turnsX ? OCs : ICs, lanes) * W) + (CopiesX ? Copying * ICs : 0);
    }

    /// <summary>What lanes cost that are turned for the rows of some channels, in vectors of a whole panel.</summary>
    private double PanelVectors(double channels, double lanes)
    {
        double vectors = lanes / _kernel.Width, panels = Math.Ceiling(vectors / _kernel.MostVectors);
        double again = sizeof(float) * channels * _blockImages * _blockPoints / (3.0 * CacheSizes.Machine.L2);
        return Math.Max(vectors + (panels * PanelStart * (1 + again)), LeastVectors);
    }

    /// <summary>What sums depend on changes only when no chunk is small enough, which is so for any number of threads.</summary>
    private void FitWorkspace()
    {
        while ((Workers = (int)Math.Clamp(((_context.MaxWorkspaceBytes / sizeof(float)) - SharedLength + WorkerGap) / WorkerStep, 0, _context.Threads)) == 0)
        {
            if ((CopiesX || TurnsAtOnce) && _ICs.Longest > 1)
            {
                _ICs = _ICs.Halved();
                continue;
            }

            if (TurnsAtOnce && _OCs.Longest > _kernel.Width)
            {
                _OCs = _OCs.Halved();
                continue;
            }

            if (_parts > 1) _parts = 1;
            else if (!_turnsX) _turnsX = true;
            else if (_blockImages > 1) _blockImages = 1;
            else if (_isDense && _blockPoints > Prefetch.Line) _blockPoints /= 2;
            else if (BlockRows > 1) _blockPoints = BlockRows / 2 * _grid.Columns;
            else return;
            ChooseChunks();
        }
    }

    /// <summary>The sums of dy over a part, [part][OC].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumBias(float* db, double* sums)
    {
        for (int oc = 0; oc < _s.OC; oc++)
        {
            double sum = 0;
            for (int part = 0; part < _parts; part++) sum += sums[(part * _s.OC) + oc];
            db[oc] = (float)sum;
        }
    }

    /// <summary>Rows and columns of the points for which a tap reads the image.</summary>
    private (TapRange Rows, TapRange Columns) PointsOf(int tap) =>
        (TapRange.Inside(_s.IH, _s.OH, _s.sh, ((long)(tap / _s.KW) * _s.dh) - _s.pt), TapRange.Inside(_s.IW, _s.OW, _s.sw, ((long)(tap % _s.KW) * _s.dw) - _s.pl));

    /// <summary>Part <paramref name="part"/> of C of a group.</summary>
    private float* Result(float* dw, float* workspace, int part, long g)
    {
        nint group = ResultLength / _s.G;
        if (IsDirect && part == 0) return dw + ((nint)g * group);
        return workspace + ((part - (IsDirect ? 1 : 0)) * ResultLength) + ((nint)g * group);
    }

    /// <summary>for g, rows of C: the parts of C into the first, in their order, and where dy was turned that into dw.</summary>
    private readonly struct SumTask(ImplicitGemmWeights pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private const int RowsPerItem = 32;

        private readonly ConvSizes _s = pass._s;

        private int Slices => BlockSizes.CeilDiv(pass.Rows, RowsPerItem);

        public long Count => (long)_s.G * Slices;

        public void Run(long index, int worker)
        {
            (long g, long slice) = Math.DivRem(index, Slices);
            int row = (int)slice * RowsPerItem, rows = Math.Min(RowsPerItem, pass.Rows - row);
            nint stride = pass.ResultStride, offset = row * stride;
            float* sum = pass.Result(buffers.W, workspace, 0, g) + offset;
            for (int part = 1; part < pass._parts; part++) pass._kernel.Add(sum, pass.Result(buffers.W, workspace, part, g) + offset, rows * stride);
            float* dw = buffers.W + (g * _s.GroupOC * _s.PatchLength);
            if (!pass._turnsX) Transpose.Run(pass._context.Isa, rows, _s.GroupOC, sum, stride, dw + row, _s.PatchLength);
            else if (!pass.IsDirect) Copy(sum, stride, rows, pass.Lanes, dw + (row * (long)pass.Lanes));
        }

        private static void Copy(float* c, nint stride, int rows, int lanes, float* dw)
        {
            for (int r = 0; r < rows; r++) new ReadOnlySpan<float>(c + (r * stride), lanes).CopyTo(new Span<float>(dw + (r * (nint)lanes), lanes));
        }
    }
}
