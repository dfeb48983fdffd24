using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="Winograd"/> where there is dilation:
/// <code>for some row phases: x' = phases of x, dy' = phases of dy, dw += gradient of (x', dy')</code>
/// How many row phases are taken at once, and so the order of the sums, follows from the shape and the limit of the workspace.
/// </summary>
internal sealed unsafe class WinogradDilatedGradientPass(PlanContext context, WinogradDilation dilation) : ConvPass
{
    private readonly WinogradGradientPass _inner = new(dilation.Inner, WinogradGradientTiling.For(dilation.Inner));

    public override long WorkspaceBytes => dilation.WorkspaceBytes + _inner.WorkspaceBytes;

    public override string Details => $"{dilation.Details}, {_inner.Details}";

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        float* x = workspace, y = x + dilation.XLength, weights = y + dilation.YLength, own = weights + dilation.WeightsLength;
        for (long part = 0; part < dilation.Parts; part++)
        {
            dilation.SplitX(part, buffers.X, x, pool);
            dilation.SplitY(part, buffers.Y, y, pool);
            _inner.Run(new(x, part == 0 ? buffers.W : weights, null, y), own, pool);
            if (part > 0) WinogradSumTask.Run(context, buffers.W, weights, pool);
        }

        BiasGradientTask.Run(context, buffers, pool);
    }
}
