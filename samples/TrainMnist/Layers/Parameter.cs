using ConvNative;

namespace TrainMnist.Layers;

/// <summary>Numbers that are learned, with the gradient of the loss by them. Owns both tensors.</summary>
internal sealed class Parameter(string name, TensorShape shape) : IDisposable
{
    /// <summary>For files and people.</summary>
    public string Name { get; } = name;

    /// <summary>The numbers; zero at first.</summary>
    public Tensor Value { get; } = new(shape);

    /// <summary>Gradient of the loss by <see cref="Value"/>.</summary>
    public Tensor Gradient { get; private set; } = new(shape);

    /// <summary>Uniform in ±√(6 / inputs): with ReLU the signal then neither grows nor fades from layer to layer (He et al., 2015).</summary>
    public void Randomize(Random random, int inputs)
    {
        float most = MathF.Sqrt(6f / inputs);
        foreach (ref float value in Value.Span) value = most * ((2 * random.NextSingle()) - 1);
    }

    /// <summary>Takes over a new gradient and frees the old one.</summary>
    public void ReplaceGradient(Tensor gradient)
    {
        Gradient.Dispose();
        Gradient = gradient;
    }

    public void Dispose()
    {
        Value.Dispose();
        Gradient.Dispose();
    }
}
