namespace ConvNative.Kernels;

/// <summary>
/// A band of rows of some images of which each channel's strips are summed, and what is fetched meanwhile. Each strip asks for as many of the
/// lines that come next, in the order in which they lie in memory. Asked for as they will be read, pieces of rows that lie far apart, they would
/// not be what the hardware's own prefetcher can follow.
/// </summary>
internal readonly unsafe struct GradientPart(float* x, float* dy, int images)
{
    /// <summary>The first channel's plane in the first image.</summary>
    public readonly float* X = x;

    public readonly float* Dy = dy;

    public readonly int Images = images;

    /// <summary>Whether it is all rows of all images, so that the lanes of each strip's sums are added up at once.</summary>
    public bool IsAll { get; init; }

    /// <summary>Floats from an image to the next one.</summary>
    public nint XImage { get; init; }

    public nint DyImage { get; init; }

    /// <summary>Floats from a channel, or pair, to the next one.</summary>
    public nint XPlanes { get; init; }

    public nint DyPlanes { get; init; }

    /// <summary>The same of its sums.</summary>
    public nint SumPitch { get; init; }

    /// <summary>Floats from the band in each image to what will be summed later.</summary>
    public nint XAhead { get; init; }

    public nint DyAhead { get; init; }

    /// <summary>How much further on that is for the last image.</summary>
    public nint XLast { get; init; }

    public nint DyLast { get; init; }

    /// <summary>Floats that a strip asks for at each row of the output.</summary>
    public nint XStep { get; init; }

    public nint DyStep { get; init; }

    /// <summary>The same at all rows.</summary>
    public nint XShare { get; init; }

    public nint DyShare { get; init; }
}
