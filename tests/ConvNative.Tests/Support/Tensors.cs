namespace ConvNative.Tests.Support;

/// <summary>Tensors with reproducible random values.</summary>
internal static class Tensors
{
    /// <summary>Uniform in [−1, 1), from a seed.</summary>
    public static Tensor Random(TensorShape shape, int seed)
    {
        var random = new Random(seed);
        var tensor = new Tensor(shape);
        foreach (ref float value in tensor.Span) value = (random.NextSingle() * 2) - 1;
        return tensor;
    }

    /// <summary>Every element set to one value.</summary>
    public static Tensor Filled(TensorShape shape, float value)
    {
        var tensor = new Tensor(shape);
        tensor.Span.Fill(value);
        return tensor;
    }
}
