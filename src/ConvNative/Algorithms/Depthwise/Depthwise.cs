using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// One input channel per group, any number of outputs of it: each plane is a stencil over one padded plane (<see cref="DepthwiseStencil"/>).
/// Backward-data is the transposed stencil, backward-weights a reduction per channel. Planes depend on nothing but the sizes,
/// so results do not change with the threads.
/// </summary>
internal sealed class Depthwise : IConvAlgorithm
{
    private const int WideRow = 56, LeastDenseWork = 512;

    public ConvAlgorithm Id => ConvAlgorithm.Depthwise;

    public string? Refuse(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        if (s.GroupIC != 1) return $"a group has {s.GroupIC} input channels; it must have 1";
        if (direction == Direction.BackwardData && ResidueClass.TooMany(s.sh, s.sw) is { } reason) return reason;
        long bytes = Depthwise3x3Pass.CanDo(s, direction)
            ? new Depthwise3x3Pass(context, direction).LeastBytes
            : WorkerBytes(Stencil(context, direction), direction);
        return bytes <= Math.Min(context.MaxWorkspaceBytes, int.MaxValue)
            ? null
            : $"its smallest band takes {bytes} bytes of workspace; at most {Math.Min(context.MaxWorkspaceBytes, int.MaxValue)} are allowed";
    }

    /// <summary>
    /// All but dense layers of one channel, as a kernel of 28×28 on an image of 28×28: <see cref="Direct"/> does them ten to a thousand times as fast. Of groups with
    /// fewer than some hundred multiply-adds each, to begin with one takes longer there (measured on Zen 5).
    /// </summary>
    public bool Suits(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        return !s.IsDense || (s.G > 1 && (double)s.N * s.GroupOC * s.PatchLength < LeastDenseWork);
    }

    public ConvPass Plan(PlanContext context, Direction direction) =>
        Depthwise3x3Pass.CanDo(context.Sizes, direction)
            ? new Depthwise3x3Pass(context, direction)
            : new Pass(context, direction, Stencil(context, direction).WithTaps());

    /// <summary>
    /// Channels in the lanes where there are enough of them, except where vectors along the rows measured faster: wide rows of 3×3 taps,
    /// forward to stride 2 and backward-data with unit stride.
    /// </summary>
    private static DepthwiseStencil Stencil(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        int lanes = DepthwiseLanes.Width(context.Isa);
        bool isWide = s is { KH: 3, KW: 3 } && s.OW >= WideRow && direction switch
        {
            Direction.Forward => s.sw <= 2,
            Direction.BackwardData => s is { sh: 1, sw: 1 },
            _ => false,
        };
        bool inLanes = s.GroupOC == 1 && s.IC >= lanes && !isWide;
        return (direction, inLanes) switch
        {
            (Direction.BackwardData, true) => DepthwiseStencil.BackwardDataLanes(s, lanes),
            (Direction.BackwardData, false) => DepthwiseStencil.BackwardData(s),
            (_, true) => DepthwiseStencil.ForwardLanes(s, lanes),
            _ => DepthwiseStencil.Forward(s),
        };
    }

    /// <summary>Scratch memory of one worker, a whole number of cache lines.</summary>
    private static long WorkerBytes(DepthwiseStencil stencil, Direction direction)
    {
        long floats = (direction, stencil.Lanes) switch
        {
            (Direction.BackwardWeights, 1) => DepthwiseGradient.ScratchLength(stencil),
            (_, 1) => DepthwisePlane.ScratchLength(stencil),
            (Direction.BackwardWeights, _) => DepthwiseLanes.GradientsScratch(stencil),
            _ => DepthwiseLanes.PlanesScratch(stencil),
        };
        return BlockSizes.RoundUp(floats, Prefetch.Line) * sizeof(float);
    }

    private sealed unsafe class Pass(PlanContext context, Direction direction, DepthwiseStencil stencil) : ConvPass
    {
        private readonly long _workerBytes = WorkerBytes(stencil, direction);
        private readonly int _workers = (int)Math.Clamp(context.MaxWorkspaceBytes / WorkerBytes(stencil, direction), 1, context.Threads);

        public override long WorkspaceBytes => _workerBytes * _workers;

        public override string Details => $"{stencil.Bands} bands of {stencil.BandSteps} rows, {(stencil.Lanes > 1 ? "channels in lanes" : "vectors along rows")}";

        public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
        {
            if (stencil.Lanes > 1)
            {
                var lanes = new LanesTask(context, direction, stencil, buffers, workspace, _workerBytes / sizeof(float));
                pool.For(_workers, lanes.Count, ref lanes);
                return;
            }

            var work = new Work(context, stencil, buffers, workspace, _workerBytes / sizeof(float));
            switch (direction)
            {
                case Direction.Forward:
                    var forward = new ForwardTask(work);
                    pool.For(_workers, forward.Items.Count, ref forward);
                    break;
                case Direction.BackwardData:
                    var data = new BackwardDataTask(work);
                    pool.For(_workers, data.Items.Count, ref data);
                    break;
                default:
                    var weights = new BackwardWeightsTask(work);
                    pool.For(_workers, context.Sizes.OC, ref weights);
                    break;
            }
        }
    }

    /// <summary>What the three loops have in common.</summary>
    private readonly unsafe struct Work(PlanContext context, DepthwiseStencil stencil, ConvBuffers buffers, float* workspace, long workerFloats)
    {
        public readonly PlanContext Context = context;
        public readonly ConvSizes S = context.Sizes;
        public readonly DepthwiseStencil Stencil = stencil;
        public readonly ConvBuffers Buffers = buffers;

        public float* Scratch(int worker) => workspace + (worker * workerFloats);
    }

    /// <summary>for n, oc: y[n, oc] = x[n, oc's input] ⋆ w[oc] + b[oc].</summary>
    private readonly unsafe struct ForwardTask(Work work) : IParallelTask
    {
        public PlaneItems Items { get; } = new((long)work.S.N * work.S.OC, work.S.OutputPixels, 1, 1, work.Context.Threads);

        public void Run(long index, int worker)
        {
            (_, long first, long end) = Items.Range(index);
            long oc = first % work.S.OC;
            TileStore store = work.Context.Epilogue(null, null);
            for (long plane = first; plane < end; plane++)
            {
                long y = plane * work.S.OutputPixels;
                store.Bias = work.Buffers.B == null ? null : work.Buffers.B + oc;
                store.Addend = work.Buffers.Residual == null ? null : work.Buffers.Residual + y;
                DepthwisePlane.Run(
                    work.Context.Isa, work.Stencil, work.Buffers.X + (plane / work.S.GroupOC * work.S.InputPixels),
                    work.Buffers.W + (oc * work.S.PatchLength), work.Buffers.Y + y, store, work.Scratch(worker));
                if (++oc == work.S.OC) oc = 0;
            }
        }
    }

    /// <summary>for n, ic: dx[n, ic] = Σ over the outputs oc of ic of the transposed stencil of dy[n, oc].</summary>
    private readonly unsafe struct BackwardDataTask(Work work) : IParallelTask
    {
        public PlaneItems Items { get; } = new((long)work.S.N * work.S.IC, work.S.InputPixels, 1, 1, work.Context.Threads);

        public void Run(long index, int worker)
        {
            (_, long first, long end) = Items.Range(index);
            for (long plane = first; plane < end; plane++)
            {
                long oc = plane % work.S.IC * work.S.GroupOC;
                DepthwisePlane.Run(
                    work.Context.Isa, work.Stencil, work.Buffers.Y + (plane * work.S.GroupOC * work.S.OutputPixels),
                    work.Buffers.W + (oc * work.S.PatchLength), work.Buffers.X + (plane * work.S.InputPixels), default, work.Scratch(worker));
            }
        }
    }

    /// <summary>for oc: dw[oc], db[oc] = Σ_n of dy[n, oc] with x[n, oc's input].</summary>
    private readonly unsafe struct BackwardWeightsTask(Work work) : IParallelTask
    {
        public void Run(long index, int worker) => DepthwiseGradient.Channel(
            work.Context.Isa, work.Stencil, work.S.N,
            work.Buffers.X + (index / work.S.GroupOC * work.S.InputPixels), (long)work.S.IC * work.S.InputPixels,
            work.Buffers.Y + (index * work.S.OutputPixels), (long)work.S.OC * work.S.OutputPixels,
            work.Buffers.W + (index * work.S.PatchLength), work.Buffers.B == null ? null : work.Buffers.B + index, work.Scratch(worker));
    }

    /// <summary>for n (not backward-weights: its items sum over it), W channels: the direction's planes or gradients.</summary>
    private readonly unsafe struct LanesTask(
        PlanContext context, Direction direction, DepthwiseStencil stencil, ConvBuffers buffers, float* workspace, long workerFloats) : IParallelTask
    {
        private readonly int _blocks = BlockSizes.CeilDiv(context.Sizes.IC, stencil.Lanes);

        public long Count => direction == Direction.BackwardWeights ? _blocks : (long)_blocks * context.Sizes.N;

        public void Run(long index, int worker)
        {
            ConvSizes s = context.Sizes;
            (long n, long block) = Math.DivRem(index, _blocks);
            int channel = (int)block * stencil.Lanes, lanes = Math.Min(stencil.Lanes, s.IC - channel);
            long plane = (n * s.IC) + channel;
            float* x = buffers.X + (plane * s.InputPixels), y = buffers.Y + (plane * s.OutputPixels), w = buffers.W + ((long)channel * s.PatchLength);
            float* b = buffers.B == null ? null : buffers.B + channel;
            float* scratch = workspace + (worker * workerFloats);
            switch (direction)
            {
                case Direction.Forward:
                    float* residual = buffers.Residual == null ? null : buffers.Residual + (plane * s.OutputPixels);
                    DepthwiseLanes.Planes(context.Isa, stencil, lanes, x, w, y, context.Epilogue(b, residual), scratch);
                    break;
                case Direction.BackwardData:
                    DepthwiseLanes.Planes(context.Isa, stencil, lanes, y, w, x, default, scratch);
                    break;
                default:
                    DepthwiseLanes.Gradients(context.Isa, stencil, lanes, s.N, s.IC, x, y, w, b, scratch);
                    break;
            }
        }
    }
}
