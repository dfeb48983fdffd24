using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Winograd"/> where there are strides:
/// <code>
/// for some images: x' = phases of x, dw' += gradient of (x', dy)
/// dw = dw' joined
/// </code>
/// How many images are taken at once, and so the order of the sums, follows from the shape and the limit of the workspace.
/// </summary>
internal sealed unsafe class WinogradPhaseGradientPass(PlanContext context, WinogradPhases phases) : ConvPass
{
    private readonly WinogradGradientPass _inner = new(phases.Inner, WinogradGradientTiling.For(phases.Inner));

    public override long WorkspaceBytes => phases.WorkspaceBytes + _inner.WorkspaceBytes;

    public override string Details => $"{phases.Details}, {_inner.Details}";

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        ConvSizes s = context.Sizes;
        float* planes = workspace, sum = planes + phases.PlanesLength, part = sum, own = sum + (phases.Weights * phases.WeightsLength);
        for (int n = 0; n < s.N; n += phases.Images, part = sum + phases.WeightsLength)
        {
            phases.Split(buffers.X + (n * (nint)s.IC * s.InputPixels), planes, pool);
            _inner.Run(new(planes, part, null, buffers.Y + (n * (nint)s.OC * s.OutputPixels)), own, pool);
            if (n > 0) WinogradSumTask.Run(phases.Inner, sum, part, pool);
        }

        phases.JoinWeights(sum, buffers.W, pool);
        BiasGradientTask.Run(context, buffers, pool);
    }
}
