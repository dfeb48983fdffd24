namespace ConvNative.Tests.Support;

/// <summary>A tensor in a <see cref="GuardedBuffer"/>.</summary>
internal sealed unsafe class GuardedTensor : IDisposable
{
    private readonly GuardedBuffer _buffer;

    public GuardedTensor(TensorShape shape, GuardedBuffer.Edge edge)
    {
        _buffer = new GuardedBuffer(shape.Length, edge);
        Tensor = Tensor.Wrap(_buffer.Pointer, shape);
        Tensor.Span.Fill(0.5f);
    }

    public Tensor Tensor { get; }

    public bool IsUntouchedBeside => _buffer.IsUntouchedBeside;

    public void Dispose()
    {
        Tensor.Dispose();
        _buffer.Dispose();
    }
}
