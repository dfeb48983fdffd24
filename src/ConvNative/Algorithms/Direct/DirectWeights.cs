using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Direct"/>, for few weights per output channel, as those of first layers: implicit GEMM turns dy or the
/// patches for each of them, which costs more than so few products. Here the lanes are points and nothing is turned: each element of dw is the dot
/// product of a channel of dy, read where it is, and of a tap in <see cref="PhasePlanes"/>.
/// <code>
/// for g, part of the strips of output rows                       shared out
///   for strip: x into PhasePlanes                                in L2
///     for 9 taps in the order (ic, kw, kh)                       their rows in L1
///       for up to 3 output channels: sums += x · dy              PointDots
/// dw = Σ parts of the sums
/// </code>
/// How rows are cut into strips and parts depends on the shape and the workspace limit, never on threads.
/// </summary>
internal sealed unsafe class DirectWeights : DirectForm
{
    private const int MostPoints = 896;   // of a strip: what 9 taps and 3 channels read stays in L1 (Zen 5: 450 to 1300 are nearly as good)
    private const int MostParts = 16, MostSums = 1 << 18;
    private readonly PlanContext _context;
    private readonly ConvSizes _s;
    private readonly PointDots _dots;
    private readonly PhasePlanes _planes;
    private readonly int _parts;   // of the sums, which should stay in the caches
    private int[] _weights = [];   // of each tap, in the order of the sums: its place in dw
    private nint[] _offsets = [];

    public DirectWeights(PlanContext context)
    {
        (_context, _s, _dots) = (context, context.Sizes, PointDots.For(context.Isa));
        ReadOnlySpan<Tap> corners = [TapAt(0, 0), TapAt(_s.KH - 1, _s.KW - 1)];
        _planes = new PhasePlanes(_s.IH, _s.IW, _s.OH, _s.OW, _s.sh, _s.sw, corners, alignsRows: true)
        {
            StripRows = BlockSizes.Balance(_s.OH, Math.Max(1, MostPoints / _s.OW), 1),
        };
        _parts = (int)Math.Min((long)_s.N * Strips, Math.Clamp(MostSums / SumsLength / _s.G, 1, MostParts));
        while ((Workers = (int)Math.Clamp(((context.MaxWorkspaceBytes / sizeof(float)) - SharedLength) / WorkerLength, 0, context.Threads)) == 0)
        {
            if (_planes.StripRows > 1) _planes.StripRows = BlockSizes.CeilDiv(_planes.StripRows, 2);
            else if (_parts > 1) _parts /= 2;
            else return;
        }
    }

    /// <summary>
    /// Whether it is faster than implicit GEMM. Measured on Zen 5: 1.1 to 3 times as fast for 9 to 144 weights per output channel without strides
    /// and for 9 to 75 with strides of 2; slower for 144 with strides, and for 48 with strides of 4, where each pixel is copied for fewer products, or of 2 where tiles of implicit GEMM are full, from 16 output channels on. Of up to three
    /// output channels any number of weights: 2 to 3 times as fast, since tiles of implicit GEMM are mostly empty.
    /// </summary>
    public override bool Pays =>
        ((long)K * _s.sh * _s.sw <= (_s is { sh: 1, sw: 1 } || _s.GroupOC < 16 ? 300 : 150) || _s.GroupOC <= PointDots.MostChannels) && _s.OutputPixels >= 256
        && _s.OW >= 0.6 * BlockSizes.RoundUp(_s.OW, Prefetch.Line);

    public override long WorkspaceBytes => (SharedLength + (WorkerLength * Workers)) * sizeof(float);

    public override string Details =>
        $"tiles of {PointDots.Taps} taps by up to {PointDots.MostChannels} channels, "
        + $"strips of {_planes.StripRows} rows in {_parts} part(s), {Workers} worker(s)";

    private int K => _s.PatchLength;

    private int Strips => BlockSizes.CeilDiv(_s.OH, _planes.StripRows);

    private int TapTiles => BlockSizes.CeilDiv(K, PointDots.Taps);

    private int ChannelTiles => BlockSizes.CeilDiv(_s.GroupOC, PointDots.MostChannels);

    /// <summary>Floats of a part's sums of a group, [tap tile][channel tile].</summary>
    private nint SumsLength => (nint)TapTiles * ChannelTiles * PointDots.SumsLength;

    private long AllSumsLength => (long)SumsLength * _parts * _s.G;

    // In floats. Of all workers: sums, [g][part]; those of dy in double, [part][OC]. Of a worker: planes and a vector beyond.
    private long SharedLength => AllSumsLength + BlockSizes.RoundUp(2L * _parts * _s.OC, Prefetch.Line);

    private long WorkerLength => (_s.GroupIC * (long)_planes.ChannelStride) + Prefetch.Line;

    /// <summary>Where the taps stand in whole tiles, the last one again and again.</summary>
    public override void ListOffsets()
    {
        _weights = new int[K];
        _offsets = GC.AllocateUninitializedArray<nint>(TapTiles * PointDots.Taps, pinned: true);
        for (int i = 0; i < K; i++)
        {
            (int column, int kh) = Math.DivRem(i, _s.KH);
            (int ic, int kw) = Math.DivRem(column, _s.KW);
            _weights[i] = (((ic * _s.KH) + kh) * _s.KW) + kw;
            _offsets[i] = (ic * _planes.ChannelStride) + _planes.TapOffset(TapAt(kh, kw));
        }

        _offsets.AsSpan(K).Fill(_offsets[K - 1]);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var parts = new PartTask(this, buffers, workspace);
        pool.For(Workers, parts.Count, ref parts);
        var sums = new SumTask(this, buffers, workspace);
        pool.For(_context.Threads, sums.Count, ref sums);
    }

    private Tap TapAt(int kh, int kw) => new((kh * _s.dh) - _s.pt, (kw * _s.dw) - _s.pl);

    private float* Sums(float* workspace, long g, long part) => workspace + (((g * _parts) + part) * SumsLength);

    private double* BiasSums(float* workspace, long part) => (double*)(workspace + AllSumsLength) + (part * _s.OC);

    /// <summary>for g, part: the sums over its strips.</summary>
    private readonly struct PartTask(DirectWeights pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        public long Count => (long)_s.G * pass._parts;

        /// <summary>Output rows [Row, Row + Rows) of an image.</summary>
        private readonly record struct Strip(long N, int Row, int Rows);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            (long g, long part) = Math.DivRem(index, pass._parts);
            float* sums = pass.Sums(workspace, g, part), planes = workspace + pass.SharedLength + (worker * pass.WorkerLength);
            NativeMemory.Clear(sums, (nuint)pass.SumsLength * sizeof(float));
            double* biasSums = buffers.B == null ? null : pass.BiasSums(workspace, part) + (g * _s.GroupOC);
            if (biasSums != null) new Span<double>(biasSums, _s.GroupOC).Clear();
            long strips = (long)_s.N * pass.Strips, end = (part + 1) * strips / pass._parts;
            for (long i = part * strips / pass._parts; i < end; i++) Add(g, StripAt(i), StripAt(Math.Min(i + 1, end - 1)), planes, sums, biasSums);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private Strip StripAt(long index)
        {
            (long n, long strip) = Math.DivRem(index, pass.Strips);
            int row = (int)strip * pass._planes.StripRows;
            return new Strip(n, row, Math.Min(pass._planes.StripRows, _s.OH - row));
        }

        private float* X(long g, in Strip strip) => buffers.X + (((strip.N * _s.IC) + (g * _s.GroupIC)) * _s.InputPixels);

        private float* DY(long g, in Strip strip) =>
            buffers.Y + (((strip.N * _s.OC) + (g * _s.GroupOC)) * _s.OutputPixels) + (strip.Row * (nint)_s.OW);

        /// <summary>The sums over a strip, while what the next one reads is asked for.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Add(long g, in Strip strip, in Strip next, float* planes, float* sums, double* biasSums)
        {
            float* dy = DY(g, strip), x = X(g, strip), nextX = X(g, next) + ((nint)next.Row * _s.sh * _s.IW);
            PhasePlanesFill.Run(pass._context.Isa, pass._planes, x, _s.GroupIC, strip.Row, strip.Rows, planes);
            int tapTiles = pass.TapTiles, channelTiles = pass.ChannelTiles, OC = _s.GroupOC, points = strip.Rows * _s.OW;
            nint plane = _s.OutputPixels, toNext = (nint)(DY(g, next) - dy);
            var product = new PointDotsProduct { X = planes, PitchX = pass._planes.Pitch, PitchY = _s.OW, StrideY = plane };
            (product.Rows, product.Columns) = (strip.Rows, _s.OW);
            product.Taps = (nint*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pass._offsets));
            // The last tiles ask for x, so many shares of each channel; the first tiles of taps for a channel of dy each.
            int share = BlockSizes.RoundUp(points, Prefetch.Line), shares = BlockSizes.CeilDiv(strip.Rows * _s.sh * _s.IW, share);
            int asked = -Math.Max(0, (tapTiles * channelTiles) - (shares * _s.GroupIC));
            for (int tile = 0; tile < tapTiles; tile++, product.Taps += PointDots.Taps)
            {
                for (int oc = 0, tiles = channelTiles; tiles > 0; tiles--, sums += PointDots.SumsLength, asked++)
                {
                    int OCs = BlockSizes.CeilDiv(OC - oc, tiles);
                    product.Y = dy + (oc * plane);
                    product.Sums = sums;
                    product.NextX = asked < 0 ? planes : nextX + (asked / shares * (nint)_s.InputPixels) + (asked % shares * share);
                    product.ToNextY = tile < OCs ? toNext + (tile * plane) : 0;
                    pass._dots[OCs](&product);
                    if (tile == 0 && biasSums != null) pass._dots.SumChannels(product.Y, plane, points, OCs, biasSums + oc);
                    oc += OCs;
                }
            }
        }
    }

    /// <summary>for g, tile of taps: dw = the sum of the parts, in their order.</summary>
    private readonly struct SumTask(DirectWeights pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        public long Count => (long)_s.G * pass.TapTiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            (long g, long tile) = Math.DivRem(index, pass.TapTiles);
            int K = pass.K, OC = _s.GroupOC, tiles = pass.ChannelTiles, parts = pass._parts;
            int first = (int)tile * PointDots.Taps, taps = Math.Min(PointDots.Taps, K - first);
            nint length = (nint)tiles * PointDots.SumsLength, fromPart = pass.SumsLength;
            float* sums = pass.Sums(workspace, g, 0) + (tile * length), part = sums;
            for (int i = 1; i < parts; i++) pass._dots.Add(sums, part += fromPart, length);
            float* dw = buffers.W + (g * OC * K);
            for (int oc = 0; tiles > 0; tiles--, sums += PointDots.SumsLength)
            {
                int OCs = BlockSizes.CeilDiv(OC - oc, tiles);
                float* sum = sums;
                for (int t = 0; t < taps; t++)
                {
                    float* weight = dw + pass._weights[first + t];
                    for (int c = 0; c < OCs; c++) weight[c * K] = *sum++;
                }

                dw += (nint)OCs * K;
                oc += OCs;
            }

            if (buffers.B != null && tile == 0) SumBias(g);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void SumBias(long g)
        {
            int parts = pass._parts, OC = _s.OC, first = (int)g * _s.GroupOC, end = first + _s.GroupOC;
            double* sums = pass.BiasSums(workspace, 0);
            for (int oc = first; oc < end; oc++)
            {
                double sum = 0;
                for (int i = 0; i < parts; i++) sum += sums[((nint)i * OC) + oc];
                buffers.B[oc] = (float)sum;
            }
        }
    }
}
