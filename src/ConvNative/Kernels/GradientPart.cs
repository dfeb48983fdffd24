namespace ConvNative.Kernels;

/// <summary>A band of some images, of which a strip is summed.</summary>
internal readonly unsafe struct GradientPart(float* x, float* dy, int images)
{
    public readonly float* X = x;
    public readonly float* Dy = dy;
    public readonly int Images = images;

    public nint XImage { get; init; }

    public nint DyImage { get; init; }

    public nint XAhead { get; init; }

    public nint DyAhead { get; init; }
}
