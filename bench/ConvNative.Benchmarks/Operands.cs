namespace ConvNative.Benchmarks;

/// <summary>Tensors with reproducible values.</summary>
internal static class Operands
{
    public static Tensor Random(TensorShape shape, int seed)
    {
        var random = new Random(seed);
        var tensor = new Tensor(shape);
        foreach (ref float value in tensor.Span) value = random.NextSingle() - 0.5f;
        return tensor;
    }
}
