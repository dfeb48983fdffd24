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
    private const int NarrowRow = 14, WideRow = 28;
    private const int SomeOutputs = 3, ManyOutputs = 16, ManyPoints = 2048, LeastDenseWork = 512;
    private const double LeastUse = 0.65;   // of the lanes

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
    /// Not for many outputs of an input, whose taps <see cref="Direct"/> and <see cref="ImplicitGemm"/> load once for several of them; nor for dense layers of one channel, as a
    /// kernel of 28×28 on an image of 28×28: <see cref="Direct"/> does them ten to a thousand times as fast, but of groups with
    /// fewer than some hundred multiply-adds each, to begin with one takes longer there (measured on Zen 5).
    /// </summary>
    public bool Suits(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        if (s.IsDense) return s.G > 1 && (double)s.N * s.GroupOC * s.PatchLength < LeastDenseWork;
        return s.GroupOC < direction switch
        {
            Direction.Forward => ManyOutputs,
            Direction.BackwardWeights => !Depthwise3x3Pass.CanDo(s, direction) ? SomeOutputs : s.OutputPixels >= ManyPoints ? ManyOutputs : int.MaxValue,
            _ => int.MaxValue,
        };
    }

    public ConvPass Plan(PlanContext context, Direction direction) =>
        Depthwise3x3Pass.CanDo(context.Sizes, direction)
            ? new Depthwise3x3Pass(context, direction)
            : new Pass(context, direction, Stencil(context, direction).WithTaps());

    /// <summary>Channels in the lanes where there are enough of them, except where vectors along the rows measured faster.</summary>
    private static DepthwiseStencil Stencil(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        int lanes = DepthwiseLanes.Width(context.Isa);
        bool inLanes = s.GroupOC == 1 && s.IC >= lanes && !RowsPay(s, direction, lanes);
        return (direction, inLanes) switch
        {
            (Direction.BackwardData, true) => DepthwiseStencil.BackwardDataLanes(s, lanes),
            (Direction.BackwardData, false) => DepthwiseStencil.BackwardData(s),
            (_, true) => DepthwiseStencil.ForwardLanes(s, lanes),
            _ => DepthwiseStencil.Forward(s),
        };
    }

    /// <summary>
    /// Several rows that nearly fill their vectors, of taps that stand under one another, so that a load serves a column of them; with stride 2 wide ones, since
    /// columns are told apart first.
    /// </summary>
    private static bool RowsPay(in ConvSizes s, Direction direction, int lanes)
    {
        if (direction == Direction.BackwardWeights || s.dh > 1 || s.sh != s.sw) return false;
        (int rows, int outputs) = direction == Direction.Forward ? (s.OH, s.OW) : (s.IH, s.IW);
        if (rows < DepthwiseTaps.FewestRows) return false;
        bool isWide = s.sw == 1 ? outputs >= NarrowRow : direction == Direction.Forward && s.sw == 2 && outputs >= (lanes < Prefetch.Line ? 2 : 1) * WideRow;
        return isWide && outputs >= LeastUse * BlockSizes.RoundUp(outputs, lanes);
    }

    /// <summary>Scratch memory of one worker, a whole number of cache lines.</summary>
    private static long WorkerBytes(DepthwiseStencil stencil, Direction direction)
    {
        long floats = (direction, stencil.InRows) switch
        {
            (Direction.BackwardWeights, true) => DepthwiseGradient.ScratchLength(stencil),
            (_, true) => DepthwisePlane.ScratchLength(stencil),
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

        public override string Details => $"{stencil.Bands} bands of {stencil.BandSteps} rows, {(stencil.InRows ? "vectors along rows" : "channels in lanes")}";

        public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
        {
            if (!stencil.InRows)
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
        public PlaneItems Items { get; } = new(work.S.OC, work.S.OutputPixels, 1, work.S.N, work.Context.Threads);

        public void Run(long index, int worker)
        {
            ConvSizes s = work.S;
            (long n, long first, long end) = Items.Range(index);
            for (long oc = first, next; oc < end; oc = next)
            {
                next = s.GroupOC == 1 ? end : Math.Min(end, ((oc / s.GroupOC) + 1) * s.GroupOC);   // outputs of one input
                var planes = new StencilPlanes(
                    work.Buffers.X + (((n * s.IC) + (oc / s.GroupOC)) * s.InputPixels), s.GroupOC == 1 ? s.InputPixels : 0,
                    work.Buffers.W + (oc * s.PatchLength), s.PatchLength, work.Buffers.B == null ? null : work.Buffers.B + oc,
                    work.Buffers.Y + (((n * s.OC) + oc) * s.OutputPixels), (int)(next - oc));
                DepthwisePlane.Run(work.Context.Isa, work.Stencil, planes, work.Scratch(worker));
            }

            Finish((n * s.OC) + first, (int)(end - first));
        }

        /// <summary>Residual and activation.</summary>
        private void Finish(long plane, int count)
        {
            long y = plane * work.S.OutputPixels;
            TileStore store = work.Context.Epilogue(null, work.Buffers.Residual == null ? null : work.Buffers.Residual + y);
            if (store.IsNothing) return;
            (store.Rows, store.Columns) = (count, work.S.OutputPixels);
            Epilogue.Apply(work.Context.Isa, store, work.Buffers.Y + y, work.S.OutputPixels);
        }
    }

    /// <summary>for n, ic: dx[n, ic] = Σ over the outputs oc of ic of the transposed stencil of dy[n, oc].</summary>
    private readonly unsafe struct BackwardDataTask(Work work) : IParallelTask
    {
        public PlaneItems Items { get; } = new(work.S.IC, work.S.InputPixels, 1, work.S.N, work.Context.Threads);

        public void Run(long index, int worker)
        {
            ConvSizes s = work.S;
            (long n, long first, long end) = Items.Range(index);
            long oc = first * s.GroupOC;
            var planes = new StencilPlanes(
                work.Buffers.Y + (((n * s.OC) + oc) * s.OutputPixels), (nint)s.GroupOC * s.OutputPixels,
                work.Buffers.W + (oc * s.PatchLength), (nint)s.GroupOC * s.PatchLength, null,
                work.Buffers.X + (((n * s.IC) + first) * s.InputPixels), (int)(end - first));
            DepthwisePlane.Run(work.Context.Isa, work.Stencil, planes, work.Scratch(worker));
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
