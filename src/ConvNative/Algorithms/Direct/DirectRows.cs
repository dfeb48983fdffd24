using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The forward pass of <see cref="Direct"/> where an output row fills its vectors and all channels' rows for it stay in L1: first layers. Each
/// tile of output is summed in registers and stored once, where it belongs.
/// <code>
/// for n, g, band of output rows                              shared out
///   for strip of rows: x into PhasePlanes                    in L2
///     for panel of MR output channels, row: tiles            DirectTile
/// </code>
/// Each element is one chain over (ic, kh, kw). Where the last of a row's vectors would be mostly empty and sums are long, tiles run on over the ends
/// of rows.
/// </summary>
internal sealed unsafe class DirectRows : DirectForm
{
    private const int ItemsPerThread = 4;
    private const double RunsOnFrom = 15;   // terms of a sum that are saved, for which a tile's way to the output is longer
    private readonly PlanContext _context;
    private readonly ConvSizes _s;
    private readonly ResidueClass _taps;
    private readonly PhasePlanes _planes;
    private readonly DirectTile _tile;
    private readonly PanelPacker _packer;
    private readonly int _bandRows;
    private readonly bool _runsOn;   // tiles do, over the ends of rows
    private nint[] _offsets = [];

    public DirectRows(PlanContext context)
    {
        (_context, _s, _taps) = (context, context.Sizes, ResidueClass.Forward(context.Sizes));
        (_tile, _packer) = (DirectTile.For(context.Isa), PanelPacker.For(context.Isa));
        _planes = Planes(alignsRows: false);
        _runsOn = K * (1 - ((double)_planes.Pitch / BlockSizes.RoundUp(_s.OW, _tile.Width))) > RunsOnFrom;
        if (!_runsOn) _planes = Planes(alignsRows: true);
        int bands = context.Threads == 1 ? 1 : (int)BlockSizes.CeilDiv((long)ItemsPerThread * context.Threads, (long)_s.N * _s.G);
        _bandRows = BlockSizes.CeilDiv(_s.OH, bands);
        _planes.StripRows = Math.Min(_bandRows, RowsIn(CacheSizes.Machine.L2 / 4));
        while ((Workers = (int)Math.Min(context.Threads, context.MaxWorkspaceBytes / (WorkerLength * sizeof(float)))) == 0 && _planes.StripRows > 1)
            _planes.StripRows = BlockSizes.CeilDiv(_planes.StripRows, 2);
    }

    /// <summary>
    /// Output rows fill their vectors, channels their tiles, and the rows of x that an output row reads stay in L1. Measured against implicit GEMM:
    /// 55 columns gain 3 %, 112 and more 20 to 60 %, 54 lose 3 %; single vectors and wider windows lose. By shape alone: sums begin otherwise here.
    /// </summary>
    public override bool Pays =>
        UsefulShare >= 0.85 && _s.OW > _tile.Width && RowBytes * (1 + _planes.ExtraRows) <= CacheSizes.Machine.L1 * 3 / 4;

    public override long WorkspaceBytes => WorkerLength * Workers * sizeof(float);

    public override long PackedWeightsBytes => _s.G * GroupLength * sizeof(float);

    public override string Details =>
        $"tiles of {_tile.MR} rows by up to {DirectTile.MostVectors * _tile.Width} points, strips of {_planes.StripRows} rows, " +
        (Streams ? "results past the caches, " : "") + $"{Workers} worker(s)";

    private int K => _s.PatchLength;

    /// <summary>Whether whole tiles go past the caches where nothing is added to them: the output's rows are whole lines, and do not stay near.</summary>
    private bool Streams => _tile.Width == Prefetch.Line && _s.OW % Prefetch.Line == 0 && _s.GroupOC >= _tile.MR
        && _context.Activation.Kind != Activation.LeakyRelu && _s.BytesOfY > StreamingStores.NearBytes;

    /// <summary>The part of the multiplied numbers that is output.</summary>
    private double UsefulShare =>
        (double)_s.OW / BlockSizes.RoundUp(_s.OW, _tile.Width) * _s.GroupOC / BlockSizes.RoundUp(_s.GroupOC, _tile.MR);

    /// <summary>Bytes of a row of all phases.</summary>
    private long RowBytes => (long)_s.GroupIC * _planes.RowPhases * _planes.ColumnPhases * _planes.RowLength * sizeof(float);

    /// <summary>Floats of the planes, and of a vector beyond the last point.</summary>
    private long PlanesLength => BlockSizes.RoundUp((_s.GroupIC * (long)_planes.ChannelStride) + _tile.Width, Prefetch.Line);

    private long WorkerLength => PlanesLength + BlockSizes.RoundUp(_s.GroupOC, Prefetch.Line * _tile.MR);

    /// <summary>Floats of a group's packed weights, [panel][K][MR].</summary>
    private long GroupLength => (long)BlockSizes.RoundUp(_s.GroupOC, _tile.MR) * K;

    /// <summary>Output rows whose rows of x fit so many bytes, of the floats that taps read.</summary>
    private int RowsIn(int bytes) => (int)Math.Clamp((bytes / RowBytes) - _planes.ExtraRows, 1, _s.OH);

    private PhasePlanes Planes(bool alignsRows) => new(_s.IH, _s.IW, _s.OH, _s.OW, _s.sh, _s.sw, _taps.Taps, alignsRows);

    /// <summary>[channel][tap].</summary>
    public override void ListOffsets()
    {
        _offsets = GC.AllocateUninitializedArray<nint>(K, pinned: true);
        int taps = _taps.Taps.Length;
        for (int k = 0; k < K; k++) _offsets[k] = (k / taps * _planes.ChannelStride) + _planes.TapOffset(_taps.Taps[k % taps]);
    }

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        for (int g = 0; g < _s.G; g++) _packer.FromColumns(w + ((long)g * _s.GroupOC * K), K, K, _s.GroupOC, _tile.MR, packed + (g * GroupLength));
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new BandTask(this, buffers, workspace);
        pool.For(Workers, task.Count, ref task);
    }

    /// <summary>for n, g, band: its rows of the group's output.</summary>
    private readonly struct BandTask(DirectRows pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        private int Bands => BlockSizes.CeilDiv(_s.OH, pass._bandRows);

        public long Count => (long)_s.N * _s.G * Bands;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            (long image, long band) = Math.DivRem(index, Bands);
            (long n, long g) = Math.DivRem(image, _s.G);
            float* x = buffers.X + (((n * _s.IC) + (g * _s.GroupIC)) * _s.InputPixels);
            float* scratch = workspace + (worker * pass.WorkerLength);
            float* start = scratch + pass.PlanesLength;
            float* bias = buffers.B == null ? null : buffers.B + (g * _s.GroupOC);
            for (int m = 0; m < BlockSizes.RoundUp(_s.GroupOC, pass._tile.MR); m++) start[m] = bias != null && m < _s.GroupOC ? bias[m] : 0;
            int first = (int)band * pass._bandRows, end = Math.Min(first + pass._bandRows, _s.OH), step = pass._planes.StripRows;
            for (int row = first; row < end; row += step)
            {
                int rows = Math.Min(step, end - row);
                PhasePlanesFill.Run(pass._context.Isa, pass._planes, x, _s.GroupIC, row, rows, scratch);
                Multiply(n, g, row, rows, isLast: row + rows == end, scratch, start, NextRows(x, row + rows));
            }

            if (pass.Streams) StreamingStores.Fence();
        }

        /// <summary>What is copied after the strips before an output row; after the last one, probably another image.</summary>
        private float* NextRows(float* x, int row) => row < _s.OH ? x + ((nint)row * _s.sh * _s.IW) : x + (_s.GroupIC * (nint)_s.InputPixels);

        /// <summary>
        /// Rows of the output, in sums that begin with the bias. All rows of a panel before the next one: to write long runs of neighbouring lines is
        /// faster than to find all taps in L1 (measured on Zen 5). The first tiles ask for the source rows of the next strip.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(long n, long g, int row, int rows, bool isLast, float* scratch, float* start, float* next)
        {
            DirectTile tile = pass._tile;
            int MR = tile.MR, M = _s.GroupOC;
            nint plane = _s.OutputPixels, pitch = pass._planes.Pitch;
            long at = (((n * _s.OC) + (g * M)) * plane) + ((long)row * _s.OW);
            float* y = buffers.Y + at, residual = buffers.Residual == null ? null : buffers.Residual + at;
            TileStore store = pass._context.Epilogue(null, residual);
            store.Columns = _s.OW;
            var product = new DirectTileProduct { K = pass.K, StrideC = plane, Streams = pass.Streams && StreamingStores.BeginsLine(y) };
            product.Offsets = (nint*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pass._offsets));
            // A row's last vector may run over into the next row, which is written after it, where that row is this item's; it is no shorter (Pays).
            int overrun = isLast ? rows - 1 : rows;
            // Where tiles run on, a step is one of them, else a row.
            int vectors = BlockSizes.CeilDiv(pass._runsOn ? pass._planes.Points(rows) : _s.OW, tile.Width);
            int tiles = BlockSizes.CeilDiv(vectors, DirectTile.MostVectors), steps = pass._runsOn ? tiles : rows;
            // Each step asks for a share of a channel of the next strip's source, a line with each k, until all is asked for.
            int share = (pass._runsOn ? 1 : tiles) * pass.K * Prefetch.Line;
            int shares = BlockSizes.CeilDiv(rows * _s.sh * _s.IW, share), asked = 0;
            product.A = buffers.Packed + (g * pass.GroupLength);
            for (int m = 0; m < M; m += MR, product.A += (nint)pass.K * MR)
            {
                product.Start = start + m;
                store.Rows = Math.Min(MR, M - m);
                for (int i = 0; i < steps; i++)
                {
                    nint first = pass._runsOn ? 0 : i, offset = (m * plane) + (first * _s.OW);
                    product.B = scratch + (first * pitch);
                    product.C = y + offset;
                    if (residual != null) store.Addend = residual + offset;
                    product.Ahead = asked < shares * _s.GroupIC ? next + (asked / shares * (nint)_s.InputPixels) + (asked % shares * share) : scratch;
                    asked++;
                    if (pass._runsOn) tile.Across(product, store, i * vectors / tiles, (i + 1) * vectors / tiles, rows, (int)pitch);
                    else tile.Row(&product, store, mayOverrun: i < overrun);
                }
            }
        }
    }
}
