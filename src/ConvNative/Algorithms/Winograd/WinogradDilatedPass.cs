using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The forward and the backward-data pass of <see cref="Winograd"/> where there is dilation:
/// <code>
/// for some row phases
///   forward:         x' = phases of x, y' = x' ∗ w, y = y' joined        a residual stands in y' before
///   backward-data:   dy' = phases of dy, dx' = dy' ∗ turned w, dx = dx' joined
/// </code>
/// All row phases at once read weights that are packed in the run; else they are packed before it.
/// </summary>
internal sealed unsafe class WinogradDilatedPass(PlanContext context, Direction direction, WinogradDilation dilation) : ConvPass
{
    private readonly WinogradPass _inner = new(
        dilation.Inner, direction, dilation.Inner.SizesOf(direction), WinogradChoice.Kernels(context.Isa, dilation.Inner.SizesOf(direction)));

    public override long WorkspaceBytes => dilation.WorkspaceBytes + _inner.WorkspaceBytes;

    public override bool PacksInRun => _inner.PacksInRun && dilation.Parts == 1;

    public override long PackedWeightsBytes => _inner.PackedWeightsBytes;

    public override string Details => $"{dilation.Details}, {(PacksInRun ? _inner.Details : _inner.DetailsOf(plain: false))}";

    public override void PackWeights(float* w, float* packed, WorkerPool pool) => _inner.PackWeights(w, packed, pool);

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        float* x = workspace, y = x + dilation.XLength, own = y + dilation.YLength, residual = buffers.Residual == null ? null : y;
        for (long part = 0; part < dilation.Parts; part++)
        {
            if (direction == Direction.Forward)
            {
                dilation.SplitX(part, buffers.X, x, pool);
                if (residual != null) dilation.SplitY(part, buffers.Residual, residual, pool);
            }
            else
            {
                dilation.SplitY(part, buffers.Y, y, pool);
            }

            _inner.Run(new(x, buffers.W, buffers.B, y, residual, buffers.Packed), own, pool);
            if (direction == Direction.Forward) dilation.JoinY(part, y, buffers.Y, pool);
            else dilation.JoinX(part, x, buffers.X, pool);
        }
    }
}
