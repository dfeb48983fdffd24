using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>
/// The form of <see cref="Direct"/> for y and dx of any problem: all points of a strip of rows, one row of sums for each row of the product.
/// <code>
/// forward        y[oc, points]  = Σ over (ic, kh, kw) of w · taps in x
/// backward-data  dx[ic, points] = Σ over (oc, kh, kw) of w · taps in dy, for each residue class of the strides (see
///                <see cref="ImplicitGemm"/>); all classes read one copy of dy and are interleaved at the store
///
/// for n, g, strip of rows                                    shared out
///   for block of channels: source into PhasePlanes           in L2
///     for chunk of points                                    what its taps read: in L1
///       for residue class, panel of rows                     DirectKernel
///   store                                                    bias, residual, activation; or the classes interleaved
/// </code>
/// Each element is summed over blocks of channels, then channels, then taps: an order that depends on the problem, the caches and the instruction
/// set only.
/// </summary>
internal sealed unsafe class DirectPoints : DirectForm
{
    private const int ItemsPerThread = 4, FewPoints = 256, SomeRows = 24;
    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly ConvSizes _s;
    private readonly ResidueClass[] _classes;
    private readonly Panel[] _panels;
    private nint[] _offsets = [];

    public DirectPoints(PlanContext context, Direction direction)
    {
        (_context, _direction, _s) = (context, direction, context.Sizes);
        bool forward = direction == Direction.Forward;
        (M, Channels) = forward ? (_s.GroupOC, _s.GroupIC) : (_s.GroupIC, _s.GroupOC);
        _classes = forward
            ? [ResidueClass.Forward(_s)]
            : [.. Enumerable.Range(0, _s.sh * _s.sw).Select(i => ResidueClass.BackwardData(context.Sizes, i / context.Sizes.sw, i % context.Sizes.sw))];
        Tap[] taps = [.. _classes.SelectMany(c => c.Taps)];
        Planes = forward
            ? new PhasePlanes(_s.IH, _s.IW, _s.OH, _s.OW, _s.sh, _s.sw, taps)
            : new PhasePlanes(_s.OH, _s.OW, BlockSizes.CeilDiv(_s.IH, _s.sh), BlockSizes.CeilDiv(_s.IW, _s.sw), 1, 1, taps);
        _panels = Cut(M, context.Isa);
        GroupLength = (long)taps.Length * Channels * M;
        Block();
    }

    /// <summary>
    /// Few rows and most lanes on points, measured against implicit and im2col GEMM. Backward-data with strides gains for more rows, since the
    /// residue classes share one copy of dy; a single row then loads more than it multiplies. Forward with strides, small images of more rows lose (16² of 32 rows 0.8,
    /// 14² of 24 0.85), for which weights are packed and planes split.
    /// </summary>
    public override bool Pays
    {
        get
        {
            double rows = M / UsefulShare;
            if (_direction == Direction.Forward && _s.sh * _s.sw > 1 && _s.OutputPixels <= FewPoints && M >= SomeRows) return false;
            return UsefulShare >= 0.5 && (_classes.Length == 1 ? rows <= 40 : rows is > 1.5 and <= 72);
        }
    }

    public override long WorkspaceBytes => WorkerLength * Workers * sizeof(float);

    public override long PackedWeightsBytes => (long)_s.G * GroupLength * sizeof(float);

    public override string Details =>
        $"{_panels.Length} panel(s) of up to {_panels[0].Rows} rows, strips of {Planes.StripRows} rows, {ChannelsPerBlock} channels at once, "
        + $"{_classes.Length} product(s), {Workers} worker(s)";

    /// <summary>Rows of the product: output channels of a group.</summary>
    private int M { get; }

    /// <summary>Channels that are summed over.</summary>
    private int Channels { get; }

    private PhasePlanes Planes { get; }

    /// <summary>Points among the numbers of an image that are computed, as if it were one strip of whole tiles.</summary>
    private double UsefulShare =>
        (double)Planes.Rows * Planes.Columns / BlockSizes.RoundUp(Planes.Points(Planes.Rows), _panels[0].Kernel.Columns);

    /// <summary>Points that all panels pass over before the next ones: whole tiles of every kernel.</summary>
    private int ChunkPoints { get; set; }

    /// <summary>Channels whose planes are in scratch at once.</summary>
    private int ChannelsPerBlock { get; set; }

    private long PlanesLength { get; set; }

    /// <summary>Floats from a row of sums to the next.</summary>
    private int SumsStride { get; set; }

    private long WorkerLength => PlanesLength + ((long)_classes.Length * M * SumsStride);

    /// <summary>Floats of a group's packed weights: [class][panel][(channel, tap)][rows].</summary>
    private long GroupLength { get; }

    /// <summary>[class][(channel, tap)].</summary>
    public override void ListOffsets()
    {
        _offsets = GC.AllocateUninitializedArray<nint>(ChannelsPerBlock * _classes.Sum(c => c.Taps.Length), pinned: true);
        int k = 0;
        nint channelStride = Planes.ChannelStride;
        foreach (ResidueClass residueClass in _classes)
        {
            nint[] taps = Array.ConvertAll(residueClass.Taps, Planes.TapOffset);
            for (int c = 0; c < ChannelsPerBlock; c++)
            {
                foreach (nint tap in taps) _offsets[k++] = (c * channelStride) + tap;
            }
        }
    }

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        var task = new PackTask(this, w, packed);
        pool.For(_context.Threads, (long)_s.G * Channels, ref task);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new StripTask(this, buffers, workspace);
        pool.For(Workers, task.Count, ref task);
    }

    // As few panels as there can be, as even as they can be.
    private static Panel[] Cut(int M, Isa isa)
    {
        int count = BlockSizes.CeilDiv(M, DirectKernel.MaxRows(isa));
        var panels = new Panel[count];
        for (int i = 0, row = 0; i < count; i++)
        {
            int rows = BlockSizes.CeilDiv(M - row, count - i);
            panels[i] = new Panel(row, rows, DirectKernel.For(isa, rows));
            row += rows;
        }

        return panels;
    }

    /// <summary>Settles the blocks: the planes that a chunk reads in L1, strip and sums in L2, the workspace within its limit.</summary>
    private void Block()
    {
        CacheSizes caches = CacheSizes.Machine;
        ChunkPoints = DirectKernel.WholeTiles(_context.Isa);
        long chunkFloats = (long)Planes.RowPhases * Planes.ColumnPhases * (ChunkPoints + ((long)Planes.ExtraRows * Planes.Pitch));
        long wanted = caches.L1 / 2 / sizeof(float) / chunkFloats;
        ChannelsPerBlock = BlockSizes.Balance(Channels, (int)Math.Clamp(wanted, 1, Channels), 1);
        long stripRow = (((long)ChannelsPerBlock * Planes.RowPhases * Planes.ColumnPhases) + ((long)_classes.Length * M)) * Planes.Pitch * sizeof(float);
        int strips = _context.Threads == 1 ? 1 : (int)BlockSizes.CeilDiv((long)ItemsPerThread * _context.Threads, (long)_s.N * _s.G);
        Planes.StripRows = BlockSizes.Balance(Planes.Rows, (int)Math.Clamp(caches.L2 / 2 / stripRow, 1, BlockSizes.CeilDiv(Planes.Rows, strips)), 1);
        for (; ; Planes.StripRows = (Planes.StripRows + 1) / 2)
        {
            Measure();
            Workers = (int)Math.Min(_context.Threads, _context.MaxWorkspaceBytes / (WorkerLength * sizeof(float)));
            if (Workers > 0 || Planes.StripRows == 1) return;
        }
    }

    private void Measure()
    {
        int points = Planes.Points(Planes.StripRows);
        int tile = _panels.Max(panel => panel.Kernel.Columns);
        SumsStride = (int)PhasePlanes.OddLines(points + tile);
        PlanesLength = BlockSizes.RoundUp(tile, 16) + ((long)ChannelsPerBlock * Planes.ChannelStride);
    }

    /// <summary>Rows [Row, Row + Rows) of the product, computed together.</summary>
    private readonly record struct Panel(int Row, int Rows, DirectKernel Kernel);

    /// <summary>for g, channel: its weights in the panels of all classes.</summary>
    private readonly struct PackTask(DirectPoints pass, float* w, float* packed) : IParallelTask
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            (long g, long c) = Math.DivRem(index, pass.Channels);
            ConvSizes s = pass._s;
            nint area = s.KH * s.KW;
            (nint rowStride, nint channelStride) = pass._direction == Direction.Forward ? (s.PatchLength, area) : (area, (nint)s.PatchLength);
            float* source = w + (g * s.GroupOC * s.PatchLength) + ((nint)c * channelStride);
            float* target = packed + (g * pass.GroupLength);
            foreach (ResidueClass residueClass in pass._classes)
            {
                int taps = residueClass.Kernel.Length;
                foreach (Panel panel in pass._panels)
                {
                    float* p = target + (c * taps * panel.Rows);
                    foreach (int t in residueClass.Kernel)
                    {
                        for (int r = 0; r < panel.Rows; r++) *p++ = source[((panel.Row + r) * rowStride) + t];
                    }

                    target += (nint)pass.Channels * taps * panel.Rows;
                }
            }
        }
    }

    /// <summary>for n, g, strip: some rows of one group's output.</summary>
    private readonly struct StripTask(DirectPoints pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        private int Strips => BlockSizes.CeilDiv(pass.Planes.Rows, pass.Planes.StripRows);

        public long Count => (long)_s.N * _s.G * Strips;

        public void Run(long index, int worker)
        {
            (long rest, long strip) = Math.DivRem(index, Strips);
            (long n, long g) = Math.DivRem(rest, _s.G);
            int firstRow = (int)strip * pass.Planes.StripRows;
            int rows = Math.Min(pass.Planes.StripRows, pass.Planes.Rows - firstRow);
            float* scratch = workspace + (worker * pass.WorkerLength);
            float* sums = scratch + pass.PlanesLength;
            for (int c = 0; c < pass.Channels; c += pass.ChannelsPerBlock)
            {
                int channels = Math.Min(pass.ChannelsPerBlock, pass.Channels - c);
                PhasePlanesFill.Run(pass._context.Isa, pass.Planes, Source(n, g, c), channels, firstRow, rows, scratch);
                Multiply(g, c, channels, pass.Planes.Points(rows), scratch, sums);
            }

            Store(n, g, firstRow, rows, sums);
        }

        private float* Source(long n, long g, int channel) => pass._direction == Direction.Forward
            ? buffers.X + (((n * _s.IC) + (g * pass.Channels) + channel) * _s.InputPixels)
            : buffers.Y + (((n * _s.OC) + (g * pass.Channels) + channel) * _s.OutputPixels);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(long g, int c, int channels, int points, float* scratch, float* sums)
        {
            var product = new DirectProduct { StrideC = pass.SumsStride, Adds = c > 0 };
            for (int p = 0; p < points; p += pass.ChunkPoints)
            {
                product.Points = Math.Min(pass.ChunkPoints, points - p);
                product.B = scratch + p;
                float* weights = buffers.Packed + (g * pass.GroupLength);
                float* target = sums + p;
                nint* offsets = (nint*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pass._offsets));
                for (int k = 0; k < pass._classes.Length; k++)
                {
                    nint taps = pass._classes[k].Taps.Length;
                    product.Offsets = offsets;
                    product.K = channels * taps;
                    foreach (Panel panel in pass._panels)
                    {
                        product.A = weights + (c * taps * panel.Rows);
                        product.C = target + (panel.Row * (nint)pass.SumsStride);
                        panel.Kernel.Run(&product);
                        weights += pass.Channels * taps * panel.Rows;
                    }

                    offsets += pass.ChannelsPerBlock * taps;
                    target += (nint)pass.M * pass.SumsStride;
                }
            }
        }

        private void Store(long n, long g, int firstRow, int rows, float* sums)
        {
            if (pass._direction == Direction.Forward) StoreForward(n, g, firstRow, rows, sums);
            else StoreBackwardData(n, g, firstRow, rows, sums);
        }

        private void StoreForward(long n, long g, int firstRow, int rows, float* sums)
        {
            long at = (((n * _s.OC) + (g * pass.M)) * _s.OutputPixels) + ((long)firstRow * _s.OW);
            TileStore store = pass._context.Epilogue(buffers.B == null ? null : buffers.B + (g * pass.M), buffers.Residual == null ? null : buffers.Residual + at);
            store.Rows = pass.M;
            PlaneStore.Rows(pass._context.Isa, store, sums, pass.SumsStride, pass.Planes.Pitch, rows, _s.OW, buffers.Y + at, _s.OutputPixels);
        }

        private void StoreBackwardData(long n, long g, int firstRow, int rows, float* sums)
        {
            int first = firstRow * _s.sh, outputRows = Math.Min(rows * _s.sh, _s.IH - first);
            float* output = buffers.X + (((n * _s.IC) + (g * pass.M)) * _s.InputPixels) + ((nint)first * _s.IW);
            if (pass._classes.Length == 1)
            {
                TileStore store = new() { Rows = pass.M };
                PlaneStore.Rows(pass._context.Isa, store, sums, pass.SumsStride, pass.Planes.Pitch, rows, _s.IW, output, _s.InputPixels);
                return;
            }

            nint classStride = (nint)pass.M * pass.SumsStride;
            for (int m = 0; m < pass.M; m++, output += _s.InputPixels, sums += pass.SumsStride)
                PlaneStore.Interleaved(pass._context.Isa, sums, classStride, _s.sh, _s.sw, pass.Planes.Pitch, outputRows, _s.IW, output, _s.IW);
        }
    }
}
