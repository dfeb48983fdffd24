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

    /// <summary>Floats from the band to what will be summed later, which is to be fetched meanwhile; 0 for itself.</summary>
    public nint XAhead { get; init; }

    public nint DyAhead { get; init; }
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
        (XStrip, DyStrip) = ((rows * XStep) - (t.Stride * t.Lanes), (rows * DyStep) - t.Lanes);
        (X, Dy) = (part.XAhead + (strip.Index * XStrip), part.DyAhead + (strip.Index * DyStrip));
    }

    /// <summary>Floats from where the strip begins.</summary>
    public nint X { get; }

    public nint Dy { get; }

    /// <summary>Floats of each row of the output.</summary>
    public nint XStep { get; }

    public nint DyStep { get; }

    /// <summary>What the next strip's first place is further on, as seen from where it begins.</summary>
    public nint XStrip { get; }

    public nint DyStrip { get; }
}
