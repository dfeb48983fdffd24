using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>One direction of <see cref="Winograd"/> as a convolution without strides, with the kernels of <see cref="WinogradChoice"/> for it.</summary>
internal sealed unsafe class WinogradPass : ConvPass
{
    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly ConvSizes _sizes;
    private readonly WinogradKernels _kernels;
    private readonly WinogradTiling _plain, _packed, _plainApart, _packedApart;

    /// <summary>Whether a run packs weights for all blocks, which it does not do where the threads are found to be far apart.</summary>
    private readonly bool _packsAll;

    public WinogradPass(PlanContext context, Direction direction, in ConvSizes sizes, in WinogradKernels kernels)
    {
        (_context, _direction, _sizes, _kernels) = (context, direction, sizes, kernels);
        _plain = WinogradTiling.For(context, sizes, kernels);
        _packed = WinogradTiling.For(context, sizes, kernels, packed: true);
        _plainApart = WinogradTiling.AloneIfPossible(context, _plain);
        _packedApart = WinogradTiling.AloneIfPossible(context, _packed);
        PackedWeightsBytes = BlockSizes.RoundUp(sizes.G * _packed.OCChunks * _packed.ICChunks * _packed.ULength, Prefetch.Line) * sizeof(float);
        long withPacked = _packed.WorkspaceBytes + PackedWeightsBytes;
        _packsAll = !_plain.OneBlock && !_plain.Alone && _plainApart.Alone && withPacked <= context.MaxWorkspaceBytes;
        WorkspaceBytes = Math.Max(
            Math.Max(_plain.WorkspaceBytes, _plainApart.WorkspaceBytes), Math.Max(_packsAll ? withPacked : _packed.WorkspaceBytes, _packedApart.WorkspaceBytes));
    }

    public override long WorkspaceBytes { get; }

    public override long PackedWeightsBytes { get; }

    public override bool PacksInRun => _plain.OneBlock || _plain.Alone || _packsAll;

    public override string Details => DetailsOf(PacksInRun && !_packsAll);

    /// <summary>Whether it changes anything that the threads are found to be far apart.</summary>
    private bool MayPart => _plainApart.Alone != _plain.Alone || _packedApart.Alone != _packed.Alone;

    /// <summary>Of runs that transform the weights, or of those with packed ones.</summary>
    public string DetailsOf(bool plain)
    {
        WinogradTiling tiling = plain ? _plain : _packed;
        return $"F({_kernels.Grid.Tile}×{_kernels.Grid.Tile}, {_sizes.KH}×{_sizes.KW}), " +
            (tiling.ByRows ? "products by rows" : $"{_kernels.Gemm.Name} kernel") +
            $", {tiling.Blocks} blocks of {tiling.Tiles} tiles × {tiling.OCs} output channels, " +
            (tiling.OneBlock ? $"weights {(plain ? "transformed" : "read")} for {tiling.ICs} input channels at a time, " : "") +
            (Streams ? "results past the caches, " : "") + $"{tiling.Workers} worker(s)";
    }

    /// <summary>Whether rows of results that go by way of a <see cref="PlaneWindow{S, V}"/> go past the caches: they are whole lines, and would not stay near.</summary>
    private bool Streams =>
        _sizes.OW % Prefetch.Line == 0 && CacheSizes.Machine.Collide(_kernels.Width, sizeof(float) * (long)_sizes.OutputPixels) && _sizes.BytesOfY > StreamingStores.NearBytes;

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        var task = new WinogradWeights.PackTask(Weights(w, _packed), _sizes, _packed, BlockSizes.CeilDiv(_packed.OCs, _kernels.Width), packed);
        pool.For(_context.Threads, task.Count, ref task);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        bool isFar = MayPart && pool.Distance.IsFar, isPacked = buffers.Packed != null;
        if (_packsAll && !isPacked && !isFar)
        {
            PackWeights(buffers.W, workspace, pool);
            Run(_packed, buffers.WithPacked(workspace), workspace + (PackedWeightsBytes / sizeof(float)), pool);
        }
        else
        {
            WinogradTiling tiling = (isPacked, isFar) switch
            {
                (false, false) => _plain,
                (false, true) => _plainApart,
                (true, false) => _packed,
                (true, true) => _packedApart,
            };
            Run(tiling, buffers, workspace, pool);
        }

        if (MayPart) pool.WatchDistance();
    }

    private void Run(in WinogradTiling tiling, in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        bool forward = _direction == Direction.Forward;
        TileStore epilogue = forward ? _context.Epilogue(buffers.B, buffers.Residual) : default;
        epilogue.Streams = Streams;
        long* madeFor = stackalloc long[WinogradTiling.MostAlone];
        new Span<long>(madeFor, WinogradTiling.MostAlone).Fill(WinogradWork.NoGroup);
        var work = new WinogradWork(
            _sizes, tiling, _kernels, forward ? buffers.X : buffers.Y, forward ? buffers.Y : buffers.X, Weights(buffers.W, tiling), buffers.Packed, epilogue, workspace, madeFor);
        if (!tiling.OneBlock)
        {
            var task = new BlockTask(work);
            pool.For(tiling.Workers, (long)_sizes.G * tiling.Blocks, ref task);
            return;
        }

        for (int group = 0; group < _sizes.G; group++)
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

    private WinogradWeights Weights(float* w, in WinogradTiling tiling) => new(_sizes, _kernels, tiling, _direction == Direction.BackwardData, w);

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
