using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>The definition of convolution as nested loops over each direction's output: the readable specification. Sums are kept in double.</summary>
internal sealed class Reference : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.Reference;

    public string? Refuse(PlanContext context, Direction direction) => null;

    public ConvPass Plan(PlanContext context, Direction direction) => new Pass(context, direction);

    private sealed unsafe class Pass(PlanContext context, Direction direction) : ConvPass
    {
        public override long WorkspaceBytes => 0;

        public override string Details => "nested loops";

        public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
        {
            ConvSizes s = context.Sizes;
            var task = new Loops(context, direction, buffers);
            pool.For(context.Threads, direction switch
            {
                Direction.Forward => (long)s.N * s.OC,
                Direction.BackwardData => (long)s.N * s.IC,
                _ => s.OC,
            }, ref task);
        }
    }

    private readonly unsafe struct Loops(PlanContext context, Direction direction, ConvBuffers buffers) : IParallelTask
    {
        private readonly ConvSizes s = context.Sizes;

        public void Run(long index, int worker)
        {
            switch (direction)
            {
                case Direction.Forward:
                    ConvReference.Forward(s, (int)(index / s.OC), (int)(index % s.OC), buffers.X, buffers.W, buffers.B, buffers.Y);
                    Finish(index * s.OutputPixels);
                    break;
                case Direction.BackwardData:
                    ConvReference.BackwardData(s, (int)(index / s.IC), (int)(index % s.IC), buffers.Y, buffers.W, buffers.X);
                    break;
                default:
                    ConvReference.BackwardWeights(s, (int)index, buffers.X, buffers.Y, buffers.W, buffers.B);
                    break;
            }
        }

        /// <summary>Residual and activation of the plane of y that begins at an offset.</summary>
        private void Finish(long offset)
        {
            TileStore epilogue = context.Epilogue(null, buffers.Residual == null ? null : buffers.Residual + offset);
            if (epilogue.IsNothing) return;
            (epilogue.Rows, epilogue.Columns) = (1, s.OutputPixels);
            Epilogue.Apply(context.Isa, epilogue, buffers.Y + offset, s.OutputPixels);
        }
    }
}
