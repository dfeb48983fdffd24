using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The forward and the backward-data pass of <see cref="Winograd"/> where there are strides:
/// <code>
/// for some images
///   forward:         x' = phases of x, y = x' ∗ w'
///   backward-data:   dx' = dy ∗ turned w', dx = dx' joined
/// </code>
/// Packed weights are those of w', and behind them w' itself, from which they are made. All images at once read weights that are packed in the
/// run, if w' fits the workspace.
/// </summary>
internal sealed unsafe class WinogradPhasePass(PlanContext context, Direction direction, WinogradPhases phases) : ConvPass
{
    private readonly WinogradPass _inner = new(
        phases.Inner, direction, phases.Inner.SizesOf(direction), WinogradChoice.Kernels(phases.Inner.Isa, phases.Inner.SizesOf(direction)));

    public override long WorkspaceBytes => phases.WorkspaceBytes + _inner.WorkspaceBytes;

    public override bool PacksInRun => _inner.PacksInRun && phases.Weights > 0;

    public override long PackedWeightsBytes => _inner.PackedWeightsBytes + (phases.WeightsLength * sizeof(float));

    public override string Details => $"{phases.Details}, {(PacksInRun ? _inner.Details : _inner.DetailsOf(plain: false))}";

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        float* split = packed + (_inner.PackedWeightsBytes / sizeof(float));
        phases.SplitWeights(w, split, pool);
        _inner.PackWeights(split, packed, pool);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        ConvSizes s = context.Sizes;
        float* planes = workspace, weights = planes + phases.PlanesLength, own = weights + (phases.Weights * phases.WeightsLength);
        if (buffers.Packed == null) phases.SplitWeights(buffers.W, weights, pool);
        for (int n = 0; n < s.N; n += phases.Images)
        {
            nint at = n * (nint)s.OC * s.OutputPixels;
            float* x = buffers.X + (n * (nint)s.IC * s.InputPixels), residual = buffers.Residual == null ? null : buffers.Residual + at;
            if (direction == Direction.Forward) phases.Split(x, planes, pool);
            _inner.Run(new(planes, weights, buffers.B, buffers.Y + at, residual, buffers.Packed), own, pool);
            if (direction == Direction.BackwardData) phases.Join(planes, x, pool);
        }
    }
}
