using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// Winograd's minimal filtering (<see cref="WinogradPoints{S, V}"/>) with stride 1: F(4×4, 3×3) for 3×3 kernels, with 4 times fewer
/// multiplications than a direct convolution; F(2×2, 5×5) for 5×5, with 2.8 times fewer. A block of tiles is transformed, multiplied with the
/// transformed weights by 36 matrix products and transformed back while it is in the cache. dx is the convolution of dy with the kernels
/// turned by 180° and the roles of the channels exchanged; dw is the transposed algorithm, F(3×3, 4×4) and F(5×5, 2×2), whose products are
/// summed over all tiles before the last transform. Strides: <see cref="WinogradPhases"/>.
/// Results never depend on threads: products for y and dx are one sum over the channels in their order; those for dw are cut by the shape and the
/// limit of the workspace.
/// </summary>
internal sealed class Winograd : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.Winograd;

    /// <summary>
    /// Measured over random images and kernels of several distributions: at most 1.7 with one channel, 0.3 with 4, 0.06 with 16 and more
    /// (its sums have a ninth of the terms); for 5×5 kernels 1.7, 0.2 and 0.04; dw: 0.8 with one tile, 0.2 with 4, 0.04 with 16 (a sixteenth of
    /// the terms), for 5×5 kernels 2.5 with two tiles, 0.9 with 4, 0.07 with 49. The tests hold every result to this constant. 3×3 kernels of which a
    /// few taps are 10⁴ times the others reach 4.2 with one channel, 1.4 with 2; dw of a tile or two of numbers that span six orders of magnitude 32,
    /// of numbers that are spread evenly over fewer 3.1. Data of a few spikes can break it for dw, whatever the tiles: a spike of x and one of dy
    /// in one tile, further apart than a kernel reaches, are no term of dw, but the rounding of their product in the transforms remains (532 times
    /// seen).
    /// </summary>
    public double ErrorAmplification => 4;

    public string? Refuse(PlanContext context, Direction direction)
    {
        WinogradPhases? phases = WinogradPhases.For(context, direction);
        if (phases is null && context.Sizes is not ({ KH: 3, KW: 3, sh: 1, sw: 1, dh: 1, dw: 1 } or { KH: 5, KW: 5, sh: 1, sw: 1, dh: 1, dw: 1 }))
            return $"it computes 3×3 and 5×5 kernels, with strides those of 2 to 5 taps in each of at most {WinogradPhases.MostPhases} phases, and no dilation";
        PlanContext inner = phases?.Inner ?? context;
        if (Math.Min(inner.Sizes.IW, inner.Sizes.OW) < WinogradPoints.Quad)
            return $"its images must not be narrower than {WinogradPoints.Quad} columns{(phases is null ? "" : " of a stride phase")}";
        (int workers, long smallest) = WorkspaceOf(inner, direction);
        smallest += phases?.WorkspaceBytes ?? 0;
        return workers > 0
            ? null
            : $"its smallest block of tiles takes {smallest} bytes of workspace; MaxWorkspaceBytes is {context.MaxWorkspaceBytes}";
    }

    /// <summary>
    /// Whether 36 products per tile and pair of channels, and the transforms, are less than a product per pixel and tap; and for y and dx
    /// whether there are tiles enough to pay for making and reading 36 weights for each kernel, and whether that is less than the taps that read
    /// the image, one by one.
    /// </summary>
    public bool Suits(PlanContext context, Direction direction)
    {
        // Multiply-adds in the time of one transform, of a tile's input or output (measured: 10 to 25 ns on Zen 3), for a gradient (measured on Zen 5), and of
        // a tap of a kernel's gradient.
        const int TileTransform = 600, GradientTileTransform = 400, TapTransform = 33;
        const int FewestTiles = 4;   // measured on Zen 5: as fast as the others with plain weights, twice as fast with packed ones
        if (WinogradPhases.For(context, direction) is { } phases) return context.AllowWinograd && phases.Pays;
        ConvSizes s = context.SizesOf(direction);
        bool isGradient = direction == Direction.BackwardWeights;
        double tiles = (double)s.N * WinogradStrip.InImage(s), pixels = (double)s.N * s.OutputPixels;
        double taps = s.KH * s.KW, pairs = (double)s.GroupIC * s.GroupOC;
        double transforms = ((isGradient ? GradientTileTransform : TileTransform) * tiles * (s.GroupIC + s.GroupOC)) + (isGradient ? TapTransform * taps * pairs : 0);
        double products = WinogradPoints.Products * tiles * (isGradient ? WinogradGradientTiling.Covered(WinogradKernels.For(context.Isa, s).Gemm, s) : pairs);
        return context.AllowWinograd && (isGradient || tiles >= FewestTiles) && products + transforms < taps * pixels * pairs
            && (isGradient || IsFasterThanTaps(context, s));
    }

    /// <summary>
    /// Whether it takes less time than the taps that read the image, one by one, as <see cref="LaneKernels"/> multiply them. In multiply-adds at
    /// the machine's peak for each pair of channels, measured on Zen 5. Transforming the weights counts half: where they were packed, it costs nothing.
    /// </summary>
    private static bool IsFasterThanTaps(PlanContext context, in ConvSizes s)
    {
        const double TileTransform = 500, TapTransform = 40;
        if (!LaneKernels.Suit(context.Isa, s)) return true;
        double tiles = (double)s.N * WinogradStrip.InImage(s), columns = WinogradKernels.For(context.Isa, s).Gemm.ColumnsOf(s.GroupOC);
        double products = WinogradPoints.Products * tiles * columns / s.GroupOC, transforms = TileTransform * tiles * ((1.0 / s.GroupIC) + (1.0 / s.GroupOC));
        return products + transforms + (TapTransform / 2 * s.KH * s.KW) < LaneKernels.Cost(context.Isa, s);
    }

    public ConvPass Plan(PlanContext context, Direction direction)
    {
        if (WinogradPhases.For(context, direction) is { } phases) return phases.Plan();
        if (direction == Direction.BackwardWeights) return new WinogradGradientPass(context, WinogradGradientTiling.For(context));
        ConvSizes sizes = context.SizesOf(direction);
        return new WinogradPass(context, direction, sizes, WinogradTiling.For(context, sizes));
    }

    /// <summary>Threads that the workspace holds the smallest blocks for, and the bytes that one needs.</summary>
    private static (int Workers, long SmallestBytes) WorkspaceOf(PlanContext context, Direction direction)
    {
        if (direction == Direction.BackwardWeights)
        {
            var gradient = WinogradGradientTiling.For(context);
            return (gradient.Workers, gradient.SmallestBytes);
        }

        var tiling = WinogradTiling.For(context, context.SizesOf(direction));
        return (tiling.Workers, tiling.SmallestBytes);
    }
}
