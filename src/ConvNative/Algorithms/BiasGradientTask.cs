using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>for oc: db[oc] = Σ dy[:, oc]; nothing where db is not asked for.</summary>
internal readonly unsafe struct BiasGradientTask : IParallelTask
{
    private readonly ConvSizes _sizes;
    private readonly ConvBuffers _buffers;

    private BiasGradientTask(in ConvSizes sizes, in ConvBuffers buffers) => (_sizes, _buffers) = (sizes, buffers);

    public static void Run(PlanContext context, in ConvBuffers buffers, WorkerPool pool)
    {
        if (buffers.B == null) return;
        var task = new BiasGradientTask(context.Sizes, buffers);
        pool.For(context.Threads, context.Sizes.OC, ref task);
    }

    public void Run(long index, int worker) => BiasGradient.Sum(_sizes, (int)index, _buffers.Y, _buffers.B);
}
