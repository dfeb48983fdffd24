using System.Runtime.CompilerServices;
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
    private readonly bool _streams;         // results go to memory past the caches, where nothing more is done to them
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
        long bytes = (((long)s.IC * s.InputPixels) + ((long)s.OC * s.OutputPixels)) * s.N * sizeof(float);
        _streams = !IsGradient && _stencil.Lanes == Prefetch.Line && _stencil.OutputW % Prefetch.Line == 0 && bytes / context.Threads > StreamingStores.From;
        _workers = (int)Math.Clamp(context.MaxWorkspaceBytes / Math.Max(LeastBytes, 1), 1, context.Threads);
    }

    public override long WorkspaceBytes => LeastBytes * _workers;

    /// <summary>Workspace that it cannot do without.</summary>
    public long LeastBytes => _workerFloats * sizeof(float);

    public override string Details =>
        _inLanes ? $"3×3, {GradientLanes.Group} channels in lanes"
            : $"3×3 in place, {_stencil.Starts.Length} strips of {_stencil.Lanes} columns{(_stencil.IsPair ? ", two planes at once" : "")}";

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
        return new DepthwiseRun(forward ? x : y, buffers.W + (first * 9), b, result, count)
        {
            SecondSource = forward ? secondX : secondY, SecondResult = forward ? secondY : secondX, SecondChannel = (nint)second,
            Streams = _streams && StreamingStores.BeginsLine(result) && (!forward || IsDone(buffers)),
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
                pass.Compute(pass.Channels(buffers, n, c, (int)count), workspace + (worker * pass._workerFloats));
            }

            if (pass._streams) StreamingStores.Fence();
            if (pass._direction == Direction.Forward) pass.Finish(buffers, n, first, (int)(end - first));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(in DepthwiseRun run, float* scratch)
    {
        ConvSizes s = _context.Sizes;
        if (IsGradient) Gradient3x3.Channels(_context.Isa, _stencil, s.N, (long)s.IC * s.InputPixels, (long)s.OC * s.OutputPixels, run, scratch);
        else if (_isTransposed) Depthwise3x3Transposed.Weave(_context.Isa, _stencil, run);
        else Depthwise3x3.Read(_context.Isa, _stencil, run, turned: _direction == Direction.BackwardData);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void InLanes(in ConvBuffers buffers, long first, int channels, float* scratch)
    {
        ConvSizes s = _context.Sizes;
        GradientLanes.Groups(s.IH, s.N, (nint)s.IC * s.InputPixels, Channels(buffers, 0, first, channels / GradientLanes.Group), scratch);
    }

    private bool IsDone(in ConvBuffers buffers) => _context.Epilogue(null, buffers.Residual).IsNothing;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(in ConvBuffers buffers, long n, long first, int channels)
    {
        ConvSizes s = _context.Sizes;
        long y = ((n * s.OC) + first) * s.OutputPixels;
        TileStore rest = _context.Epilogue(null, buffers.Residual == null ? null : buffers.Residual + y);
        if (rest.IsNothing) return;
        (rest.Rows, rest.Columns, rest.AddendStride) = (channels, s.OutputPixels, s.OutputPixels);
        Epilogue.Apply(_context.Isa, rest, buffers.Y + y, s.OutputPixels);
    }
}
