using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// Winograd's minimal filtering (<see cref="WinogradPoints"/>) with stride 1: F(4×4, 3×3) for 3×3 kernels, with 4 times fewer
/// multiplications than a direct convolution, or F(6×6, 3×3) with 5.1 (<see cref="WinogradChoice"/>); F(4×4, 4×4) with 5.2, F(4×4, 5×5) with 6.25 times fewer.
/// Tiles at the edges of images are smaller (<see cref="WinogradGrid"/>). A block of tiles is transformed, multiplied with the
/// transformed weights by 36, 49 or 64 matrix products, of few tiles row by row (<see cref="WinogradRows"/>), and transformed back while it is in the cache. dx is the convolution of dy with the kernels
/// turned by 180° and the roles of the channels exchanged; dw is the transposed algorithm, F(3×3, 4×4) or F(3×3, 6×6) to F(5×5, 4×4), whose products are
/// summed over all tiles before the last transform. Strides: <see cref="WinogradPhases"/>; dilation: <see cref="WinogradDilation"/>.
/// Results never depend on threads: products for y and dx are one sum over the channels in their order; those for dw are cut by the shape and the
/// limit of the workspace.
/// </summary>
internal sealed class Winograd : IConvAlgorithm
{
    // Sums of fewer do not bear what the transforms round: measured, F(4×4, 5×5) of one channel 14·γ·s, dw of four points 33; F(4×4, 3×3) with strides, where
    // a sum may have a tap or two, 16 with 2 terms, 1.2 with 16.
    private const int FewestTerms = 64, FewestTermsOfPhases = 16;

    public ConvAlgorithm Id => ConvAlgorithm.Winograd;

    /// <summary>
    /// Measured over random images and kernels of several distributions: 3×3 kernels at most 2.7 with one channel, 0.9 with two, 0.4 with 4, 0.07 with 15 and more
    /// (its sums have a ninth of the terms), F(6×6, 3×3) 0.44 with 16; 4×4 kernels 1.0 with 4 channels; 5×5 kernels 2.5 with three, 1.6 with 4, 0.35
    /// with 16, 0.18 with 32; dw: 1.4 with one tile, 0.3 with 4, 0.04 with 16, F(3×3, 6×6) 1.3 with one, 0.4 with two, for 5×5 kernels 2.6 with 4
    /// tiles, 0.34 with 16. The tests hold every result to this constant. 3×3 kernels of which a few taps are 10⁴ times the others reach 3.5 with one
    /// channel, 1.6 with 2, 5×5 kernels 4.7 with 3; numbers e²ᶻ, z normal, 4.2 with one channel, with F(6×6, 3×3) 1.6 with 16; such numbers with three or four channels
    /// and 5×5 kernels 24, 4.2; dw of a tile or two of numbers that span six orders of magnitude 32, of numbers that are spread evenly over fewer 3.1. Data of a
    /// few spikes can break it for dw, whatever the tiles: a spike of x and one of dy in one tile, further apart than a kernel reaches, are no term of
    /// dw, but the rounding of their product in the transforms remains (532 times seen).
    /// </summary>
    public double ErrorAmplification => 4;

    public string? Refuse(PlanContext context, Direction direction)
    {
        var phases = WinogradPhases.For(context, direction);
        var dilation = WinogradDilation.For(context, direction);
        ConvSizes s = context.Sizes;
        if (phases is null && dilation is null && (s is not { KH: >= 3 and <= 5, sh: 1, sw: 1, dh: 1, dw: 1 } || s.KH != s.KW))
        {
            return $"it computes 3×3, 4×4 and 5×5 kernels; with strides those of 2 to 5 taps in each of at most {WinogradPhases.MostPhases} phases, " +
                $"and images of which every pixel is read; with dilation those of at most {WinogradDilation.MostPhases} phases, each of which has outputs; with both none";
        }

        PlanContext inner = phases?.Inner ?? dilation?.Inner ?? context;
        if (Math.Min(inner.Sizes.IW, inner.Sizes.OW) < WinogradPoints.Quad)
            return $"its images must not be narrower than {WinogradPoints.Quad} columns{(inner == context ? "" : " of a phase")}";
        int fewest = inner.Sizes.KH > 3 ? FewestTerms : phases is null || direction == Direction.BackwardWeights ? 0 : FewestTermsOfPhases;
        if (TermsOf(phases is null ? inner.Sizes : s, direction) is var terms && terms < fewest)
            return $"its sums must have {fewest} terms for {inner.Sizes.KH}×{inner.Sizes.KH} taps, to keep the error bound; these have {terms}";
        (int workers, long smallest) = WorkspaceOf(inner, direction);
        smallest += phases?.WorkspaceBytes ?? dilation?.WorkspaceBytes ?? 0;
        return workers > 0
            ? null
            : $"its smallest block of tiles takes {smallest} bytes of workspace; MaxWorkspaceBytes is {context.MaxWorkspaceBytes}";
    }

    /// <summary>
    /// Whether the products per tile and pair of channels, and the transforms, are less than a product per pixel and tap; and for y and dx
    /// whether there are tiles enough to pay for making and reading 36 to 64 weights for each kernel, and whether that is less than the taps that read
    /// the image, one by one.
    /// </summary>
    public bool Suits(PlanContext context, Direction direction)
    {
        const int FewestTiles = 4;   // measured on Zen 5: as fast as the others with plain weights, twice as fast with packed ones
        if (!context.AllowWinograd) return false;
        if (WinogradPhases.For(context, direction) is { } phases) return phases.Pays;
        if (WinogradDilation.For(context, direction) is { } dilation) return dilation.Pays;
        ConvSizes s = context.SizesOf(direction);
        if (direction == Direction.BackwardWeights) return WinogradChoice.GradientPays(context.Isa, s);
        double direct = (double)s.KH * s.KW * s.N * s.OutputPixels;   // for each pair of channels
        WinogradKernels kernels = WinogradChoice.Kernels(context.Isa, s);
        return kernels.Grid.Tiles >= FewestTiles && WinogradChoice.PackedTime(kernels, s) < direct
            && (!LaneKernels.Suit(context.Isa, s) || WinogradChoice.Time(kernels, s) < LaneKernels.Cost(context.Isa, s));
    }

    public ConvPass Plan(PlanContext context, Direction direction)
    {
        if (WinogradPhases.For(context, direction) is { } phases) return phases.Plan();
        if (WinogradDilation.For(context, direction) is { } dilation) return dilation.Plan();
        if (direction == Direction.BackwardWeights) return new WinogradGradientPass(context, WinogradGradientTiling.For(context));
        ConvSizes sizes = context.SizesOf(direction);
        return new WinogradPass(context, direction, sizes, WinogradChoice.Kernels(context.Isa, sizes));
    }

    /// <summary>Terms of a sum, without those that are in the padding for every result; with strides of the sum that has fewest.</summary>
    private static long TermsOf(in ConvSizes s, Direction direction) => direction switch
    {
        Direction.Forward => (long)s.GroupIC * Math.Min(s.KH, s.IH) * Math.Min(s.KW, s.IW),
        Direction.BackwardData => (long)s.GroupOC * Math.Min(s.KH / s.sh, s.OH) * Math.Min(s.KW / s.sw, s.OW),
        _ => (long)s.N * Math.Min(s.OH, BlockSizes.CeilDiv(s.IH, s.sh)) * Math.Min(s.OW, BlockSizes.CeilDiv(s.IW, s.sw)),
    };

    /// <summary>Threads that the workspace holds the smallest blocks for, and the bytes that one needs.</summary>
    public static (int Workers, long SmallestBytes) WorkspaceOf(PlanContext context, Direction direction)
    {
        if (direction == Direction.BackwardWeights)
        {
            var gradient = WinogradGradientTiling.For(context);
            return (gradient.Workers, gradient.SmallestBytes);
        }

        ConvSizes s = context.SizesOf(direction);
        var tiling = WinogradTiling.For(context, s, WinogradChoice.Kernels(context.Isa, s));
        return (tiling.Workers, tiling.SmallestBytes);
    }
}
