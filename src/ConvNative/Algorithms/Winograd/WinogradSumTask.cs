using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>for oc: sum += part, of weight gradients.</summary>
internal readonly unsafe struct WinogradSumTask : IParallelTask
{
    private readonly WinogradKernels _kernels;
    private readonly int _length;
    private readonly float* _sum, _part;

    private WinogradSumTask(PlanContext context, float* sum, float* part)
    {
        (_kernels, _length) = (WinogradKernels.For(context.Isa, context.Sizes, WinogradChoice.Tile), context.Sizes.PatchLength);
        _sum = sum;
        _part = part;
    }

    public static void Run(PlanContext context, float* sum, float* part, WorkerPool pool)
    {
        var task = new WinogradSumTask(context, sum, part);
        pool.For(context.Threads, context.Sizes.OC, ref task);
    }

    public void Run(long index, int worker) => _kernels.Add(_sum + (index * _length), _part + (index * _length), _length);
}
