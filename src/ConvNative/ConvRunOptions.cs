namespace ConvNative;

/// <summary>What one run may be given besides its tensors; the default value gives nothing.</summary>
public readonly record struct ConvRunOptions
{
    /// <summary>
    /// Ends the run early with an <see cref="OperationCanceledException"/>: asked before the run, when nothing is written yet, and then before
    /// each item of its loops (a tile or a plane). After that the outputs hold partly new values, partly what was there before, partly
    /// sums that are not complete; the next run overwrites them all. The inputs and the convolution are as they were.
    /// </summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>
    /// Scratch memory in place of the convolution's own: at least <see cref="Conv2d.WorkspaceBytes"/> bytes from an address that is a multiple of
    /// 64 (as every tensor has that owns its memory; <see cref="Tensor.Wrap(float*, TensorShape)"/> makes one of the caller's). It must overlap
    /// no other tensor of the run and serve one run at a time; its content after is undefined.
    /// </summary>
    public Tensor? Workspace { get; init; }
}
