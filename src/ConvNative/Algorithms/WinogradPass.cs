using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>One direction of <see cref="Winograd"/> as a convolution of sizes <paramref name="s"/>.</summary>
internal sealed unsafe class WinogradPass(PlanContext context, Direction direction, ConvSizes s, WinogradTiling tiling) : ConvPass
{
    public override long WorkspaceBytes => tiling.WorkspaceBytes;

    public override long PackedWeightsBytes => s.G * WinogradWeights.GroupLength(s, tiling.Kernel.MR) * sizeof(float);

    public override string Details =>
        $"F(4×4, 3×3), {tiling.Kernel.Name} kernel, {tiling.Blocks} blocks of {tiling.Buffer.Tiles} tiles × {tiling.OCs} output channels, " +
        (tiling.BlocksAtOnce == 0 ? $"{tiling.Workers} at a time" : $"{tiling.BlocksAtOnce} blocks shared by {tiling.Workers} workers");

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        var task = new WinogradWeights(s, WinogradKernels.For(context.Isa), tiling.Kernel.MR, direction == Direction.BackwardData, w, packed);
        pool.For(context.Threads, task.Count, ref task);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        bool forward = direction == Direction.Forward;
        TileStore epilogue = forward ? context.Epilogue(buffers.B, buffers.Residual) : default;
        var work = new WinogradWork(
            s, tiling, WinogradKernels.For(context.Isa), forward ? buffers.X : buffers.Y, forward ? buffers.Y : buffers.X, buffers.Packed, epilogue, workspace);
        if (tiling.BlocksAtOnce == 0)
        {
            var task = new BlockTask(work);
            pool.For(tiling.Workers, work.AllBlocks, ref task);
            return;
        }

        for (long first = 0; first < work.AllBlocks; first += tiling.BlocksAtOnce)
        {
            int blocks = (int)Math.Min(tiling.BlocksAtOnce, work.AllBlocks - first);
            var input = new InputTask(work, first);
            pool.For(tiling.Workers, (long)blocks * input.Chunks, ref input);
            var output = new OutputTask(work, first);
            pool.For(tiling.Workers, (long)blocks * output.Chunks, ref output);
        }
    }

    /// <summary>for block: all of it.</summary>
    private readonly struct BlockTask(WinogradWork work) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            WinogradBlock block = work.Block(index, worker);
            work.TransformInput(index, block, work.PrivateV(worker), 0, work.S.GroupIC);
            for (int oc = 0; oc < work.S.GroupOC; oc += work.Tiling.OCs)
                work.MultiplyAndTransform(index, block, work.PrivateV(worker), oc, worker);
        }
    }

    /// <summary>for block, chunk of input channels: V.</summary>
    private readonly struct InputTask(WinogradWork work, long firstBlock) : IParallelTask
    {
        private const int ICs = 16;   // long enough to pay for the block's table, short enough to share out

        public int Chunks => BlockSizes.CeilDiv(work.S.GroupIC, ICs);

        public void Run(long index, int worker)
        {
            (long local, long chunk) = Math.DivRem(index, Chunks);
            WinogradBlock block = work.Block(firstBlock + local, worker);
            work.TransformInput(firstBlock + local, block, work.SharedV(local), (int)chunk * ICs, ICs);
        }
    }

    /// <summary>for block, chunk of output channels: y.</summary>
    private readonly struct OutputTask(WinogradWork work, long firstBlock) : IParallelTask
    {
        public int Chunks => BlockSizes.CeilDiv(work.S.GroupOC, work.Tiling.OCs);

        public void Run(long index, int worker)
        {
            // Neighbouring items share the weights, which are larger than a block.
            (long chunk, long local) = Math.DivRem(index, Math.Min(work.Tiling.BlocksAtOnce, work.AllBlocks - firstBlock));
            WinogradBlock block = work.Block(firstBlock + local, worker);
            work.MultiplyAndTransform(firstBlock + local, block, work.SharedV(local), (int)chunk * work.Tiling.OCs, worker);
        }
    }
}
