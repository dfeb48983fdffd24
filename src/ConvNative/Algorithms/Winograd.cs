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

    /// <summary>The tests hold every result to it, against the double-precision oracle.</summary>
    public double ErrorAmplification => 4;

    public string? Refuse(PlanContext context, Direction direction)
    {
        if (direction == Direction.BackwardWeights) return "it computes y and dx only";
        if (context.Sizes is not { KH: 3, KW: 3, sh: 1, sw: 1, dh: 1, dw: 1 }) return "it computes 3×3 kernels with stride 1 and dilation 1 only";
        var tiling = WinogradTiling.For(context, WinogradTiling.Sizes(context, direction));
        return tiling.Workers > 0
            ? null
            : $"its smallest block of tiles takes {tiling.SmallestBytes} bytes of workspace; MaxWorkspaceBytes is {context.MaxWorkspaceBytes}";
    }

    public bool Suits(PlanContext context, Direction direction)
    {
        ConvSizes s = WinogradTiling.Sizes(context, direction);
        return context.AllowWinograd && s.GroupIC >= 16 && s.GroupOC >= 16;
    }

    public ConvPass Plan(PlanContext context, Direction direction)
    {
        ConvSizes sizes = WinogradTiling.Sizes(context, direction);
        return new WinogradPass(context, direction, sizes, WinogradTiling.For(context, sizes));
    }
}
