using ConvNative;

namespace TrainMnist.Layers;

/// <summary>Images of a batch as spans.</summary>
internal static class TensorImages
{
    /// <summary>Image n of the batch: its C·H·W values.</summary>
    public static Span<float> Image(this Tensor batch, int n)
    {
        int length = batch.Shape.C * batch.Shape.H * batch.Shape.W;
        return batch.Span.Slice(n * length, length);
    }
}
