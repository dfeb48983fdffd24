namespace ConvNative.Algorithms;

/// <summary>
/// The channels of images shared out in items of a size that makes the sharing cheap: small planes go several at a time, a whole multiple
/// of <paramref name="together"/> but for an image's last.
/// </summary>
internal readonly struct PlaneItems(long channels, long pixels, int together)
{
    private const int ItemPixels = 4096, Most = 32;

    /// <summary>The most channels of an item.</summary>
    public long PerItem { get; } = Math.Max(1, Math.Min(ItemPixels / pixels, Most) / together) * together;

    public long Images { get; init; } = 1;

    public long Count => PerImage * Images;

    private long PerImage => (channels + PerItem - 1) / PerItem;

    /// <summary>Image and channels [First, End) of an item.</summary>
    public (long Image, long First, long End) Range(long item)
    {
        (long image, long part) = Math.DivRem(item, PerImage);
        return (image, part * PerItem, Math.Min(channels, (part + 1) * PerItem));
    }
}
