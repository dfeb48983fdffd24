using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>Depthwise planes of 3×3 taps that lie side by side, with stride 1 or 2: the shape that networks are made of.</summary>
internal sealed unsafe class Depthwise3x3Pass : ConvPass
{
    private const int RunPixels = 4096, MostInRun = 32;   // planes of a run stay in L1 from strip to strip

    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly Stencil3x3 _stencil;
    private readonly bool _isTransposed;
    private readonly PlaneItems _items;
    private readonly int _run;              // channels that are computed in one go
    private readonly long _workerFloats;    // a whole number of cache lines
    private readonly int _workers;
    private readonly bool _streams;         // rows of whole lines go to memory past the caches, where nothing more is done to them
    private readonly bool _keeps;           // other rows do from the worker's memory, a band at a time
    private readonly bool _inLanes;         // groups of channels are computed by GradientLanes, those that are left over as others are

    public Depthwise3x3Pass(PlanContext context, Direction direction)
    {
        (_context, _direction) = (context, direction);
        ConvSizes s = context.Sizes;
        int width = Depthwise3x3.Width(context.Isa);
        _isTransposed = direction == Direction.BackwardData && s.sw == 2;
        _stencil = direction != Direction.BackwardData ? Stencil3x3.Forward(s, width, overlap: direction == Direction.Forward)
            : _isTransposed ? Stencil3x3.Transposed(s, width)
            : Stencil3x3.BackwardData(s, width);

        long pixels = Math.Max(s.InputPixels, s.OutputPixels);
        int planes = _stencil.Planes;
        long lanesFloats = BlockSizes.RoundUp(GradientLanes.ScratchLength(s.IH), Prefetch.Line);
        _inLanes = IsGradient && GradientLanes.CanDo(context.Isa, s) && lanesFloats * sizeof(float) <= context.MaxWorkspaceBytes;
        _items = IsGradient ? new(s.OC, pixels * s.N, _inLanes ? GradientLanes.Group : planes, 1, context.Threads)
            : new(s.OC, pixels, planes, s.N, context.Threads);

        // A gradient fetches the next image's planes meanwhile, of x and dy. Several outputs of an input do not lie as the planes of a run must.
        bool isOneGo = IsGradient ? Gradient3x3.IsOneGo(_stencil, s.N) : _stencil.Starts.Length == 1;
        long run = s.GroupOC > 1 ? 1 : isOneGo ? _items.PerItem : Math.Min(RunPixels / pixels / (IsGradient && s.N > 1 ? 4 : 1), MostInRun);
        _run = (int)Math.Max(Math.Min(run, s.OC) / planes, 1) * planes;
        if (_inLanes) _run = Math.Min(_run, GradientLanes.Group);
        if (IsGradient) _workerFloats = BlockSizes.RoundUp(Gradient3x3.ScratchLength(_stencil, s.N, _run / planes), Prefetch.Line);
        if (_inLanes) _workerFloats = Math.Max(_workerFloats, lanesFloats);
        bool isInMemory = !IsGradient && StreamingStores.Pay(s.BytesOfX + s.BytesOfY, context.Threads);
        _streams = isInMemory && _stencil.Lanes == Prefetch.Line && _stencil.OutputW % Prefetch.Line == 0;

        // What the vectors of a band's last row reach beyond it is kept too. Short rows, of which two planes may share a vector, are written as fast without.
        long kept = BlockSizes.RoundUp(_stencil.BandPixels + (2 * width), Prefetch.Line), keptBytes = kept * sizeof(float);
        bool fits = keptBytes <= CacheSizes.Machine.L2 / 4 && keptBytes * context.Threads <= context.MaxWorkspaceBytes;
        _keeps = isInMemory && width >= Vector256<float>.Count && !_stencil.IsPair && _stencil.OutputW > 2 * Prefetch.Line && fits;
        if (_keeps) (_run, _workerFloats) = (1, kept);
        _workers = (int)Math.Clamp(context.MaxWorkspaceBytes / Math.Max(LeastBytes, 1), 1, context.Threads);
    }

    public override long WorkspaceBytes => LeastBytes * _workers;

    /// <summary>Workspace of a worker, without which it cannot do; bands are kept only where all workers have room for one.</summary>
    public long LeastBytes => _workerFloats * sizeof(float);

    public override string Details =>
        _inLanes ? $"3×3, {GradientLanes.Group} channels in lanes"
            : $"3×3 in place, {_stencil.Starts.Length} strips of {_stencil.Lanes} columns{(_stencil.IsPair ? ", two planes at once" : "")}"
                + (_streams || _keeps ? ", results past the caches" : "");

    private bool IsGradient => _direction == Direction.BackwardWeights;

    /// <summary>What the kernels were written for. Several outputs of one input are no stencil of one plane in backward-data.</summary>
    public static bool CanDo(in ConvSizes s, Direction direction) =>
        s is { KH: 3, KW: 3, dh: 1, dw: 1 } and ({ sh: 1, sw: 1 } or { sh: 2, sw: 2 })
        && (direction == Direction.BackwardData ? s.GroupOC == 1 : Stencil3x3.Fits(s));

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new ChannelsTask(this, buffers, workspace);
        pool.For(_workers, _items.Count, ref task);
    }

    /// <summary>
    /// So many channels of an image from <paramref name="first"/> on, or pairs of them, whose planes of x and y follow one another. A channel
    /// that is left over at the end is a pair by itself.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private DepthwiseRun Channels(in ConvBuffers buffers, long n, long first, int count)
    {
        ConvSizes s = _context.Sizes;
        bool forward = _direction != Direction.BackwardData;
        long channel = first / s.GroupOC, second = _stencil.IsPair && first + 1 < s.OC ? 1 : 0;
        float* x = buffers.X + (((n * s.IC) + channel) * s.InputPixels), y = buffers.Y + (((n * s.OC) + first) * s.OutputPixels);
        nint secondX = (nint)(((first + second) / s.GroupOC) - channel) * s.InputPixels, secondY = (nint)second * s.OutputPixels;
        float* result = forward ? y : x;
        float* b = buffers.B == null ? null : buffers.B + first;
        bool streams = _streams && StreamingStores.BeginsLine(result) && (!forward || IsDone(buffers));
        return new DepthwiseRun(forward ? x : y, buffers.W + (first * 9), b, result, count)
        {
            SecondSource = forward ? secondX : secondY, SecondResult = forward ? secondY : secondX, SecondChannel = (nint)second,
            Streams = streams, IsKept = _keeps && !streams,
        };
    }

    /// <summary>for n, c: y[n, c] or dx[n, c]; or for c: dw[c], db[c].</summary>
    private readonly struct ChannelsTask(Depthwise3x3Pass pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            int planes = pass._stencil.Planes;
            (long n, long first, long end) = pass._items.Range(index);
            long grouped = pass._inLanes ? (end - first) / GradientLanes.Group * GradientLanes.Group : 0;
            if (grouped > 0) pass.InLanes(buffers, first, (int)grouped, workspace + (worker * pass._workerFloats));
            for (long c = first + grouped, count; c < end; c += count * planes)
            {
                count = Math.Max(Math.Min(pass._run, end - c) / planes, 1);
                pass.Compute(buffers, n, c, (int)count, workspace + (worker * pass._workerFloats));
            }

            if (pass._streams || pass._keeps) StreamingStores.Fence();
            if (pass._direction == Direction.Forward && !pass._keeps) pass.FinishItem(buffers, n, first, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(in ConvBuffers buffers, long n, long first, int count, float* scratch)
    {
        ConvSizes s = _context.Sizes;
        DepthwiseRun run = Channels(buffers, n, first, count);
        if (IsGradient)
        {
            Gradient3x3.Channels(_context.Isa, _stencil, s.N, (long)s.IC * s.InputPixels, (long)s.OC * s.OutputPixels, run, scratch);
            return;
        }

        for (int row = 0; row < _stencil.OutputH; row += _stencil.BandRows)
        {
            if (run.IsKept) Keep(buffers, row, run, ((n * s.OC) + first) * _stencil.OutputPixels, scratch);
            else Band(row, run);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Band(int row, in DepthwiseRun run)
    {
        if (_isTransposed) Depthwise3x3Transposed.Weave(_context.Isa, _stencil, row, run);
        else Depthwise3x3.Read(_context.Isa, _stencil, row, run, turned: _direction == Direction.BackwardData);
    }

    /// <summary>A band of a plane whose results are stored when all are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Keep(in ConvBuffers buffers, int row, in DepthwiseRun run, long plane, float* scratch)
    {
        nint at = (nint)row * _stencil.OutputW;
        Band(row, run.Into(scratch - at));
        Finish(buffers, scratch, plane + at, 1, Math.Min(_stencil.BandPixels, _stencil.OutputPixels - at));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void InLanes(in ConvBuffers buffers, long first, int channels, float* scratch)
    {
        ConvSizes s = _context.Sizes;
        GradientLanes.Groups(s.IH, s.N, (nint)s.IC * s.InputPixels, Channels(buffers, 0, first, channels / GradientLanes.Group), scratch);
    }

    private bool IsDone(in ConvBuffers buffers) => _context.Epilogue(null, buffers.Residual).IsNothing;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FinishItem(in ConvBuffers buffers, long n, long first, long end)
    {
        long at = ((n * _context.Sizes.OC) + first) * _stencil.OutputPixels;
        if (!IsDone(buffers)) Finish(buffers, buffers.Y + at, at, (int)(end - first), _stencil.OutputPixels);
    }

    /// <summary>
    /// y[at …] = activation(results + residual), or dx[at …] = results: rows that follow each other, past the caches where they come from elsewhere.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(in ConvBuffers buffers, float* results, long at, int rows, nint columns)
    {
        bool forward = _direction == Direction.Forward;
        float* place = (forward ? buffers.Y : buffers.X) + at;
        TileStore rest = forward ? _context.Epilogue(null, buffers.Residual == null ? null : buffers.Residual + at) : default;
        (rest.Rows, rest.Columns, rest.AddendStride, rest.Streams) = (rows, (int)columns, columns, results != place);
        Epilogue.Copy(_context.Isa, rest, results, columns, place, columns);
    }
}
