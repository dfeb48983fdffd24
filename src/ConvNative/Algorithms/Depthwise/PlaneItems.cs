using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The channels of images shared out in items of a size that makes the sharing cheap: small planes go many at a time, but so few that each worker
/// gets several items, a whole multiple of <paramref name="together"/> but for an image's last.
/// </summary>
internal readonly struct PlaneItems(long channels, long pixels, int together, long images, int workers)
{
    private const int LeastPixels = 4096, MostPixels = 32768, Least = 32, ItemsPerWorker = 4;

    /// <summary>The most channels of an item.</summary>
    public long PerItem { get; } = RoundDown(
        Math.Max(Math.Min(LeastPixels / pixels, Least), Math.Min(MostPixels / pixels, Share(channels * images, workers))), together);

    public long Count => PerImage * images;

    private long PerImage => BlockSizes.CeilDiv(channels, PerItem);

    /// <summary>Image and channels [First, End) of an item.</summary>
    public (long Image, long First, long End) Range(long item)
    {
        (long image, long part) = Math.DivRem(item, PerImage);
        return (image, part * PerItem, Math.Min(channels, (part + 1) * PerItem));
    }

    private static long Share(long planes, int workers) => workers <= 1 ? planes : planes / workers / ItemsPerWorker;

    private static long RoundDown(long planes, int unit) => Math.Max(1, planes / unit) * unit;
}
