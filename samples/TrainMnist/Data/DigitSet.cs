using ConvNative;

namespace TrainMnist.Data;

/// <summary>Grey images of digits, one byte per pixel, ink bright, with the digit that each one shows.</summary>
internal sealed record DigitSet(byte[] Pixels, byte[] Labels)
{
    /// <summary>Digits 0 to 9.</summary>
    public const int Classes = 10;

    /// <summary>Rows and columns of an image.</summary>
    public const int Side = 28;

    /// <summary>Pixels of an image.</summary>
    public const int ImageLength = Side * Side;

    /// <summary>Number of images.</summary>
    public int Count => Labels.Length;

    /// <summary>The images [start, start + count).</summary>
    public DigitSet Slice(int start, int count) =>
        new(Pixels.AsSpan(start * ImageLength, count * ImageLength).ToArray(), Labels.AsSpan(start, count).ToArray());

    /// <summary>Copies the images with these indices, scaled to [0, 1], into x (indices.Length×1×28×28), and their labels.</summary>
    public void CopyBatch(ReadOnlySpan<int> indices, Tensor x, Span<byte> labels)
    {
        for (int n = 0; n < indices.Length; n++)
        {
            labels[n] = Labels[indices[n]];
            ReadOnlySpan<byte> image = Pixels.AsSpan(indices[n] * ImageLength, ImageLength);
            Span<float> target = x.Span.Slice(n * ImageLength, ImageLength);
            for (int i = 0; i < ImageLength; i++) target[i] = image[i] / 255f;
        }
    }
}
