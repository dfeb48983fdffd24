using ConvNative;

namespace TrainMnist.Layers;

/// <summary>y = max(x, 0).</summary>
internal sealed class Relu : ILayer
{
    private readonly Scratch _y = new();
    private readonly Scratch _dx = new();

    public IReadOnlyList<Parameter> Parameters => [];

    public Tensor Forward(Tensor x)
    {
        Tensor y = _y.Of(x.Shape);
        Parallel.For(0, x.Shape.N, n => Vectors.PositivePart(y.Image(n), x.Image(n)));
        return y;
    }

    public Tensor Backward(Tensor dy)
    {
        Tensor y = _y.Of(dy.Shape), dx = _dx.Of(dy.Shape);
        Parallel.For(0, dy.Shape.N, n => Vectors.WherePositive(dx.Image(n), y.Image(n), dy.Image(n)));
        return dx;
    }

    public void Dispose()
    {
        _y.Dispose();
        _dx.Dispose();
    }
}
