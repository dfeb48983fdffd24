using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>A band of rows of some images of which a channel's strip is summed.</summary>
internal readonly unsafe struct GradientPart(float* x, float* dy, int images, bool isAll)
{
    /// <summary>The first channel's plane in the first image.</summary>
    public readonly float* X = x;

    public readonly float* Dy = dy;

    public readonly int Images = images;

    /// <summary>Whether it is all rows of all images, so that the lanes of each strip's sums are added up at once.</summary>
    public readonly bool IsAll = isAll;

    /// <summary>Floats from an image to the next one.</summary>
    public nint XImage { get; init; }

    public nint DyImage { get; init; }

    /// <summary>Floats from the band in each image to what will be summed later, which is to be fetched meanwhile.</summary>
    public nint XAhead { get; init; }

    public nint DyAhead { get; init; }

    /// <summary>The same for the last image.</summary>
    public nint XLast { get; init; }

    public nint DyLast { get; init; }
}

/// <summary>
/// The part of a strip in fetching what comes next: each strip asks for as many of its lines, in the order in which they lie in memory. Asked for
/// as they will be read, pieces of rows that lie far apart, they would not be what the hardware's own prefetcher can follow.
/// </summary>
internal readonly struct GradientAhead
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GradientAhead(Stencil3x3 t, in DepthwiseStrip strip, in GradientPart part)
    {
        nint rows = strip.End - strip.First;
        (XStep, DyStep) = (t.SourceShare, t.OutputShare);
        (X, Dy) = (part.XAhead + (strip.Index * ((rows * XStep) - (t.Stride * t.Lanes))), part.DyAhead + (strip.Index * ((rows * DyStep) - t.Lanes)));
        (XRepeat, DyRepeat) = strip.Alike > 1 ? (rows * XStep, rows * DyStep) : (part.XImage, part.DyImage);
        (XLast, DyLast) = (part.XLast - part.XAhead, part.DyLast - part.DyAhead);
    }

    /// <summary>Floats from where the strip, the first one of those alike, begins in the first image.</summary>
    public nint X { get; }

    public nint Dy { get; }

    /// <summary>Floats of each row of the output.</summary>
    public nint XStep { get; }

    public nint DyStep { get; }

    /// <summary>Floats to what the next strip, or the next image, begins to ask for.</summary>
    public nint XRepeat { get; }

    public nint DyRepeat { get; }

    /// <summary>How much further on the last one begins.</summary>
    public nint XLast { get; }

    public nint DyLast { get; }
}
