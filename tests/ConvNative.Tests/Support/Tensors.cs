namespace ConvNative.Tests.Support;

/// <summary>Tensors with reproducible random values.</summary>
internal static class Tensors
{
    /// <summary>Uniform in [−1, 1), from a seed.</summary>
    public static Tensor Random(TensorShape shape, int seed)
    {
        var tensor = new Tensor(shape);
        Randomize(tensor, seed);
        return tensor;
    }

    /// <summary>Uniform in [−1, 1), from a seed.</summary>
    public static void Randomize(Tensor tensor, int seed)
    {
        var random = new Random(seed);
        foreach (ref float value in tensor.Span) value = (random.NextSingle() * 2) - 1;
    }

    /// <summary>Every element set to one value.</summary>
    public static Tensor Filled(TensorShape shape, float value)
    {
        var tensor = new Tensor(shape);
        tensor.Span.Fill(value);
        return tensor;
    }
}
