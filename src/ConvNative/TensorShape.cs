namespace ConvNative;

/// <summary>Sizes of a 4-D tensor in NCHW order; the last one varies fastest in memory.</summary>
/// <param name="N">Images in the batch; for weights: output channels (OC).</param>
/// <param name="C">Channels; for weights: input channels per group (IC / G).</param>
/// <param name="H">Rows.</param>
/// <param name="W">Columns.</param>
public readonly record struct TensorShape(int N, int C, int H, int W)
{
    /// <summary>Number of elements, N·C·H·W.</summary>
    /// <exception cref="ConvShapeException">A size is negative, or the product does not fit 63 bits.</exception>
    public long Length
    {
        get
        {
            if (N < 0 || C < 0 || H < 0 || W < 0)
                throw new ConvShapeException($"Shape {this} has a negative size; every size must be at least 0.");
            Int128 length = (Int128)((long)N * C) * ((long)H * W);
            return length <= long.MaxValue
                ? (long)length
                : throw new ConvShapeException($"Shape {this} has {length} elements; it must be at most {long.MaxValue}.");
        }
    }

    /// <summary>"N×C×H×W".</summary>
    public override string ToString() => $"{N}×{C}×{H}×{W}";
}
