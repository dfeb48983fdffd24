using ConvNative.Memory;
using ConvNative.Planning;

namespace ConvNative;

/// <summary>
/// Weights in the order in which one <see cref="Conv2d"/> reads them, made by <see cref="Conv2d.Pack"/> for many runs with the same
/// weights. Holds copies: later changes of the tensor are not seen. Safe to use from several threads at once.
/// </summary>
public sealed unsafe class PackedWeights : IDisposable
{
    private readonly Tensor _weights;
    private readonly AlignedBuffer? _forward;
    private readonly AlignedBuffer? _backwardData;

    internal PackedWeights(ConvPlan plan, Tensor weights, AlignedBuffer? forward, AlignedBuffer? backwardData) =>
        (Plan, _weights, _forward, _backwardData) = (plan, weights, forward, backwardData);

    /// <summary>Bytes held.</summary>
    public long Bytes => (_weights.Length * sizeof(float)) + (_forward?.Bytes ?? 0) + (_backwardData?.Bytes ?? 0);

    internal ConvPlan Plan { get; }

    internal bool IsDisposed { get; private set; }

    /// <summary>The weights as they were given.</summary>
    internal Tensor Weights => _weights;

    /// <summary>Frees the memory once no run uses it; a second call does nothing.</summary>
    public void Dispose()
    {
        IsDisposed = true;
        _weights.Dispose();
        _forward?.Dispose();
        _backwardData?.Dispose();
    }

    /// <summary>The packed block of a direction (null: it reads the weights as they are), kept alive until <see cref="Release"/>.</summary>
    internal float* Acquire(bool forward)
    {
        if ((forward ? _forward : _backwardData) is not { } block) return null;
        bool added = false;
        block.DangerousAddRef(ref added);
        return (float*)block.Pointer;
    }

    /// <summary>Ends what <see cref="Acquire"/> began.</summary>
    internal void Release(bool forward) => (forward ? _forward : _backwardData)?.DangerousRelease();
}
