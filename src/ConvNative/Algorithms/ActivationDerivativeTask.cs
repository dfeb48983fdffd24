using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>for n: dz[n] = dy[n] · the activation's derivative at the output y[n].</summary>
internal readonly unsafe struct ActivationDerivativeTask(PlanContext context, float* dy, float* y, float* dz) : IParallelTask
{
    public void Run(long index, int worker)
    {
        long image = (long)context.Sizes.OC * context.Sizes.OutputPixels;
        Epilogue.Derivative(context.Epilogue(null, null), dy + (index * image), y + (index * image), dz + (index * image), (nint)image);
    }
}
