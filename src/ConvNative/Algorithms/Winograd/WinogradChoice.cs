using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>
/// The tiles of <see cref="Winograd"/>: of 4×4 outputs, or of 6×6 for 3×3 kernels where fewer products make up for more that are transformed for each
/// kernel. They follow from the sizes alone (with strides, of the images that are convolved at once), so that bits do not depend on threads.
/// </summary>
internal static class WinogradChoice
{
    /// <summary>Outputs of a tile in each dimension, for kernels of all sizes.</summary>
    public const int Tile = 4;

    /// <summary>The most tiles of 6×6 whose products are computed row by row (<see cref="WinogradRows"/>).</summary>
    public const int MostLargeTilesOfRows = 18;

    private const int LargeTile = 6;

    // Of a product by rows of large tiles, of which fewer are computed at once.
    private const double LargeCost = 1.2;

    // Sums of fewer channels do not bear what the transforms of large tiles round (measured: one channel 10·γ·s, 16 0.25), nor a gradient's of fewer
    // terms; a stride phase may have one tap for each channel (1.2 with 16). Products of fewer tiles take as long as of four.
    private const int FewestChannels = 16, FewestTerms = 32, FewestTiles = 4;

    // For each product of a kernel and tap of a row, of a gradient: as measured on Zen 5; of F(3×3, 4×4) on Zen 4, where with AVX2 7×7 images pay and 6×6 do not, and
    // with AVX-512, whose registers hold half a transform, 6×6 pay and 5×5 do not.
    private const double GradientTap = 2.75, GradientTap3 = 2.1, GradientTap3InRegisters = 1.75;

    private const int FewInputs = 6, FewOutputs = 8, FewestOutputs = 4, ManyPoints = 1024;   // of GradientPays

    /// <summary>For a convolution without strides.</summary>
    public static WinogradKernels Kernels(Isa isa, in ConvSizes s)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        if (!MayBeLarge(isa, s) || s.GroupIC < FewestChannels) return kernels;
        WinogradKernels large = WinogradKernels.For(isa, s, LargeTile);
        if (large.Grid.Tiles < FewestTiles) return kernels;
        return HasFewerProductsByRows(large, kernels) || Time(large, s) < Time(kernels, s) ? large : kernels;
    }

    /// <summary>
    /// Whether plain weights are faster with large tiles whose products are computed by rows, for which G·g takes about as long as of the others (measured on Zen 5: 12² 1.11, 13² and 14² 1.05
    /// to 1.1, 18² 1.2, where large tiles have 0.74 to 0.83 of the others' products; 16² 0.95, 20² 0.98 with 0.84 and 0.87; one whole tile, 10², 0.96).
    /// </summary>
    private static bool HasFewerProductsByRows(in WinogradKernels large, in WinogradKernels kernels)
    {
        WinogradGrid grid = large.Grid;
        return IsLargeByRows(grid) && grid.FirstBottom - grid.FirstWhole >= FewestTiles
            && LargeCost * grid.Products * grid.WholeTiles < kernels.Grid.Products * kernels.Grid.WholeTiles;
    }

    /// <summary>Whether these are large tiles, and so few that plain weights are multiplied row by row.</summary>
    public static bool IsLargeByRows(in WinogradGrid grid) => grid.Tile == LargeTile && grid.Tiles <= MostLargeTilesOfRows;

    /// <summary>For the gradient of its weights.</summary>
    public static WinogradKernels GradientKernels(Isa isa, in ConvSizes s)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        if (!MayBeLarge(isa, s) || (long)s.N * Math.Min(s.OH, s.IH) * Math.Min(s.OW, s.IW) < FewestTerms) return kernels;
        WinogradKernels large = WinogradKernels.For(isa, s, LargeTile);
        // Compared as if both transforms took as long: measured on Zen 4, of 15 problems of 7² to 56² none is more than 2 % faster with the other tiles.
        return GradientTime(large, s, GradientTap) < GradientTime(kernels, s, GradientTap) ? large : kernels;
    }

    /// <summary>
    /// Whether the gradient of the weights is faster than the direct sums. For few output channels these take three times as long as at the machine's peak, since most of a
    /// tile's rows are empty; but not the dot products over the points of large images (<see cref="DirectWeights"/>), of three output channels or of few input channels,
    /// whose tiles and sums are full (measured on Zen 5: 64→3 of 28² 19 µs instead of 27, 64² 131 instead of 95; 4→64 of 64² 117 instead of 83).
    /// </summary>
    public static bool GradientPays(Isa isa, in ConvSizes s)
    {
        bool hasFewOutputs = s.GroupOC < FewOutputs;
        if (s.KH == 3 && (s.GroupIC < FewInputs || (s.GroupOC < FewestOutputs && s.OutputPixels >= ManyPoints))) return false;
        return GradientTime(GradientKernels(isa, s), s) < (hasFewOutputs ? 3.0 : 1.0) * s.KH * s.KW * s.N * s.OutputPixels;
    }

    /// <summary>
    /// For each pair of channels, in multiply-adds at the machine's peak (measured on Zen 4 and 5). Transforming the weights counts half: where they were
    /// packed, it costs nothing.
    /// </summary>
    public static double Time(in WinogradKernels kernels, in ConvSizes s) =>
        Time(kernels, s, kernels.Gemm.TimeOf(s.GroupOC) / s.GroupOC, tile: 14, tap: 1.67);

    /// <summary>The same with packed weights, and transforms of tiles as slow as on Zen 3 (10 to 25 ns for a channel).</summary>
    public static double PackedTime(in WinogradKernels kernels, in ConvSizes s) => Time(kernels, s, pair: 1, tile: 17, tap: 0);

    /// <summary>The same for the gradient of the weights. The last transform of F(3×3, 4×4) is faster than the others'.</summary>
    public static double GradientTime(in WinogradKernels kernels, in ConvSizes s) =>
        GradientTime(kernels, s, kernels.HoldsHalf ? GradientTap3InRegisters : kernels.Grid is { Tile: Tile, Taps: 3 } ? GradientTap3 : GradientTap);

    private static double GradientTime(in WinogradKernels kernels, in ConvSizes s, double tap) =>
        Time(kernels, s, WinogradGradientTiling.TimeOf(kernels.Gemm, s) / ((double)s.GroupIC * s.GroupOC), tile: 11, tap);

    /// <summary>
    /// A product of a tile takes <paramref name="pair"/> for a pair of channels, transforming it for a channel <paramref name="tile"/>; transforming a product of a
    /// kernel <paramref name="tap"/> for each tap of a row.
    /// </summary>
    private static double Time(in WinogradKernels kernels, in ConvSizes s, double pair, double tile, double tap)
    {
        double lanes = BlockSizes.RoundUp(s.GroupIC, kernels.Width) + BlockSizes.RoundUp(s.GroupOC, kernels.Width);
        double each = pair + (tile * lanes / ((double)s.GroupIC * s.GroupOC));
        return kernels.Grid.Products * ((kernels.Grid.WholeTiles * each) + (tap * s.KH));
    }

    /// <summary>With fewer registers than AVX-512 has, large tiles are no faster (measured on Zen 4).</summary>
    private static bool MayBeLarge(Isa isa, in ConvSizes s) => s.KH == 3 && isa == Isa.Avx512;
}
