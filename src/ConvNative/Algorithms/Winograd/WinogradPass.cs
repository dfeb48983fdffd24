using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>One direction of <see cref="Winograd"/> as a convolution of sizes <paramref name="s"/>, with the kernels of <see cref="WinogradChoice"/> for it.</summary>
internal sealed unsafe class WinogradPass(PlanContext context, Direction direction, ConvSizes s, WinogradKernels kernels) : ConvPass
{
    private readonly WinogradKernels _kernels = kernels;
    private readonly WinogradTiling _plain = WinogradTiling.For(context, s, kernels), _packed = WinogradTiling.For(context, s, kernels, packed: true);

    public override long WorkspaceBytes => Math.Max(_plain.WorkspaceBytes, _packed.WorkspaceBytes);

    public override long PackedWeightsBytes => s.G * _packed.OCChunks * _packed.ICChunks * _packed.ULength * sizeof(float);

    public override bool PacksInRun => _plain.OneBlock || _plain.Alone;

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
        bool forward = direction == Direction.Forward;
        WinogradTiling tiling = buffers.Packed == null ? _plain : _packed;
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
