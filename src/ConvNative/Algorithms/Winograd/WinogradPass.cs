using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>One direction of <see cref="Winograd"/> as a convolution of sizes <paramref name="s"/>, with the kernels of <see cref="WinogradChoice"/> for it.</summary>
internal sealed unsafe class WinogradPass(PlanContext context, Direction direction, ConvSizes s, WinogradKernels kernels) : ConvPass
{
    private readonly WinogradKernels _kernels = kernels;
    private readonly WinogradTiling _plain = WinogradTiling.For(context, s, kernels), _packed = WinogradTiling.For(context, s, kernels, packed: true);

    public override long WorkspaceBytes => Math.Max(
        Math.Max(_plain.WorkspaceBytes, PlainApart.WorkspaceBytes),
        Math.Max(_packed.WorkspaceBytes + (PacksAllInRun ? PackedWeightsBytes : 0), PackedApart.WorkspaceBytes));

    public override long PackedWeightsBytes => BlockSizes.RoundUp(s.G * _packed.OCChunks * _packed.ICChunks * _packed.ULength, Prefetch.Line) * sizeof(float);

    public override bool PacksInRun => _plain.OneBlock || _plain.Alone || PacksAllInRun;

    /// <summary>Whether the system says that the threads have a cache in common, so that what they are found to have may change how a run goes.</summary>
    private bool MayPart => context.Threads is > 1 and <= WinogradTiling.MostAlone && CacheSizes.Machine.HaveL3InCommon(context.Threads);

    private WinogradTiling PlainApart => MayPart ? WinogradTiling.AloneIfPossible(context, _plain) : _plain;

    private WinogradTiling PackedApart => MayPart ? WinogradTiling.AloneIfPossible(context, _packed) : _packed;

    /// <summary>Whether a run packs weights for all blocks, which it would not do if the threads were found to be far apart.</summary>
    private bool PacksAllInRun => MayPart && !_plain.OneBlock && PlainApart.Alone && _packed.WorkspaceBytes + PackedWeightsBytes <= context.MaxWorkspaceBytes;

    public override string Details => DetailsOf(PacksInRun);

    /// <summary>Of runs that transform the weights, or of those with packed ones.</summary>
    public string DetailsOf(bool plain)
    {
        WinogradTiling tiling = plain ? _plain : _packed;
        return $"F({_kernels.Grid.Tile}×{_kernels.Grid.Tile}, {s.KH}×{s.KW}), " +
            (tiling.ByRows ? "products by rows" : $"{_kernels.Gemm.Name} kernel") +
            $", {tiling.Blocks} blocks of {tiling.Tiles} tiles × {tiling.OCs} output channels, " +
            (tiling.OneBlock ? $"weights {(plain ? "transformed" : "read")} for {tiling.ICs} input channels at a time, " : "") +
            (Streams ? "results past the caches, " : "") + $"{tiling.Workers} worker(s)";
    }

    /// <summary>Whether rows of results that go by way of a <see cref="PlaneWindow{S, V}"/> go past the caches: they are whole lines, and would not stay near.</summary>
    private bool Streams =>
        s.OW % Prefetch.Line == 0 && CacheSizes.Machine.Collide(_kernels.Width, sizeof(float) * (long)s.OutputPixels) && s.BytesOfY > StreamingStores.NearBytes;

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        var task = new WinogradWeights.PackTask(Weights(w, _packed), s, _packed, BlockSizes.CeilDiv(_packed.OCs, _kernels.Width), packed);
        pool.For(context.Threads, task.Count, ref task);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        bool isFar = MayPart && pool.Distance.IsFar;
        if (buffers.Packed == null && !isFar && PacksAllInRun)
        {
            PackWeights(buffers.W, workspace, pool);
            Run(_packed, buffers.WithPacked(workspace), workspace + (PackedWeightsBytes / sizeof(float)), pool);
        }
        else
        {
            Run(buffers.Packed == null ? (isFar ? PlainApart : _plain) : isFar ? PackedApart : _packed, buffers, workspace, pool);
        }

        if (MayPart) pool.WatchDistance();
    }

    private void Run(in WinogradTiling tiling, in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        bool forward = direction == Direction.Forward;
        TileStore epilogue = forward ? context.Epilogue(buffers.B, buffers.Residual) : default;
        epilogue.Streams = Streams;
        long* madeFor = stackalloc long[WinogradTiling.MostAlone];
        new Span<long>(madeFor, WinogradTiling.MostAlone).Fill(WinogradWork.NoGroup);
        var work = new WinogradWork(
            s, tiling, _kernels, forward ? buffers.X : buffers.Y, forward ? buffers.Y : buffers.X, Weights(buffers.W, tiling), buffers.Packed, epilogue, workspace, madeFor);
        if (!tiling.OneBlock)
        {
            var task = new BlockTask(work);
            pool.For(tiling.Workers, (long)s.G * tiling.Blocks, ref task);
            return;
        }

        for (int group = 0; group < s.G; group++)
        {
            if (!tiling.Alone)
            {
                var input = new InputTask(work, group);
                pool.For(tiling.Workers, work.Vectors, ref input);
            }

            var output = new OutputTask(work, group);
            pool.For(tiling.Workers, tiling.OCChunks, ref output);
        }
    }

    private WinogradWeights Weights(float* w, in WinogradTiling tiling) => new(s, _kernels, tiling, direction == Direction.BackwardData, w);

    /// <summary>for group, block: all of it.</summary>
    private readonly struct BlockTask(WinogradWork work) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            (long group, long block) = Math.DivRem(index, work.Tiling.Blocks);
            float* v = work.OwnV(worker);
            work.TransformInput(group, block, v, worker);
            for (int chunk = 0; chunk < work.Tiling.OCChunks; chunk++)
            {
                work.Multiply(group, block, chunk, v, worker);
                work.TransformOutput(group, block, chunk, worker);
            }
        }
    }

    /// <summary>for vector of input channels: V.</summary>
    private readonly struct InputTask(WinogradWork work, int group) : IParallelTask
    {
        public void Run(long index, int worker) => work.TransformInput(group, 0, (int)index, work.SharedV, worker);
    }

    /// <summary>for chunk of output channels: y.</summary>
    private readonly struct OutputTask(WinogradWork work, int group) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            work.Multiply(group, 0, (int)index, work.V(group, worker), worker);
            work.TransformOutput(group, 0, (int)index, worker);
        }
    }
}
