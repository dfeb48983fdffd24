using ConvNative;

namespace TrainMnist.Layers;

/// <summary>A tensor that is used again as long as its shape stays the same. Its contents are whatever they were.</summary>
internal sealed class Scratch : IDisposable
{
    private Tensor? _tensor;

    /// <summary>The tensor, in this shape.</summary>
    public Tensor Of(TensorShape shape)
    {
        if (_tensor?.Shape == shape) return _tensor;
        _tensor?.Dispose();
        return _tensor = new Tensor(shape);
    }

    public void Dispose() => _tensor?.Dispose();
}
