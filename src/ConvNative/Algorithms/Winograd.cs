using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// Winograd's F(4×4, 3×3) (<see cref="WinogradF4K3{S, V}"/>) for 3×3 kernels with stride 1: a block of tiles is transformed, multiplied
/// with the transformed weights by 36 matrix products and transformed back while it is in the cache. 4 times fewer multiplications
/// than a direct convolution. dx is the convolution of dy with the kernels turned by 180° and the roles of the channels exchanged.
/// Every result is one sum over the input channels in their order, so results depend neither on threads nor on blocks.
/// </summary>
internal sealed class Winograd : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.Winograd;

    /// <summary>
    /// Measured over random images and kernels of several distributions: at most 1.7 with one channel, 0.3 with 4, 0.06 with 16 and more
    /// (its sums have a ninth of the terms). The tests hold every result to this constant.
    /// </summary>
    public double ErrorAmplification => 4;

    public string? Refuse(PlanContext context, Direction direction)
    {
        if (direction == Direction.BackwardWeights) return "it computes y and dx only";
        if (context.Sizes is not ({ KH: 3, KW: 3 } or { KH: 5, KW: 5 }) || context.Sizes is not { sh: 1, sw: 1, dh: 1, dw: 1 })
            return "it computes 3×3 and 5×5 kernels with stride 1 and dilation 1 only";
        if (Math.Min(context.Sizes.IW, context.Sizes.OW) < WinogradPoints.Quad) return $"its images must not be narrower than {WinogradPoints.Quad} columns";
        var tiling = WinogradTiling.For(context, WinogradTiling.Sizes(context, direction));
        return tiling.Workers > 0
            ? null
            : $"its smallest block of tiles takes {tiling.SmallestBytes} bytes of workspace; MaxWorkspaceBytes is {context.MaxWorkspaceBytes}";
    }

    /// <summary>
    /// Whether 36 products per tile and pair of channels, and a transform per tile and channel, are less than 9 products per pixel; and
    /// whether there are tiles enough to pay for reading 4 times as many weights.
    /// </summary>
    public bool Suits(PlanContext context, Direction direction)
    {
        const int Transform = 600;   // multiply-adds in the time of one tile's input or output transform (measured: 10 to 25 ns on Zen 3)
        const int FewestTiles = 16;
        ConvSizes s = WinogradTiling.Sizes(context, direction);
        double tiles = WinogradStrip.InImage(s), pairs = (double)s.GroupIC * s.GroupOC, taps = s.KH * s.KW;
        double products = tiles * ((WinogradPoints.Products * pairs) + (Transform * (s.GroupIC + s.GroupOC)));
        return context.AllowWinograd && s.N * tiles >= FewestTiles && products < taps * s.OutputPixels * pairs;
    }

    public ConvPass Plan(PlanContext context, Direction direction)
    {
        ConvSizes sizes = WinogradTiling.Sizes(context, direction);
        return new WinogradPass(context, direction, sizes, WinogradTiling.For(context, sizes));
    }
}
