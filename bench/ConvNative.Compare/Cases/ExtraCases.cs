namespace ConvNative.Compare.Cases;

/// <summary>Cases that ask one question each: what a call costs, and whether the cost is linear in each size.</summary>
internal static class ExtraCases
{
    public const string Overhead = "call overhead";
    public const string Growth = "growth of ";

    /// <summary>1×1×4×4: nothing to compute, so the time is the call's own.</summary>
    public static IReadOnlyList<Layer> All =>
    [
        Networks.Conv(Overhead, "1x1x4x4", 1, 4, 1, 3) with { FixedBatch = true },
        .. Series("batch", [1, 2, 4, 8, 16], n => Networks.Conv("", "", 64, 28, 64, 3).WithBatch(n)),
        .. Series("image", [14, 28, 56, 112], size => Networks.Conv("", "", 64, size, 64, 3)),
        .. Series("channels", [32, 64, 128, 256], c => Networks.Conv("", "", c, 28, c, 3)),
    ];

    public static bool Contains(string network) => network == Overhead || network.StartsWith(Growth, StringComparison.Ordinal);

    private static IEnumerable<Layer> Series(string axis, int[] sizes, Func<int, Layer> layer) =>
        sizes.Select(size => layer(size) with { Network = Growth + axis, Name = $"{axis} {size}", FixedBatch = true });
}
