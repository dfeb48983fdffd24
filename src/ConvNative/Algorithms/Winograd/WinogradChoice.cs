using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>
/// The tiles of <see cref="Winograd"/>: of 4×4 outputs, or of 6×6 for 3×3 kernels where fewer products make up for more that are transformed for each
/// kernel. They follow from the sizes alone, so that bits depend neither on threads nor on the workspace.
/// </summary>
internal static class WinogradChoice
{
    private const int Tile = 4, LargeTile = 6;

    // Sums of fewer channels do not bear what the transforms of large tiles round; a stride phase may have one tap for each.
    private const int FewestChannels = 16, FewestPoints = 32;

    /// <summary>For a convolution without strides. Transforming the weights counts half: where they were packed, it costs nothing.</summary>
    public static WinogradKernels Kernels(Isa isa, in ConvSizes s)
    {
        const double TileTransform = 14, KernelTransform = 5;
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        if (s.KH != 3 || s.GroupIC < FewestChannels) return kernels;
        WinogradKernels large = WinogradKernels.For(isa, s, LargeTile);
        double pair = kernels.Gemm.TimeOf(s.GroupOC) / s.GroupOC;
        return Time(large.Grid, s, pair, TileTransform, KernelTransform) < Time(kernels.Grid, s, pair, TileTransform, KernelTransform) ? large : kernels;
    }

    /// <summary>For the gradient of its weights.</summary>
    public static WinogradKernels GradientKernels(Isa isa, in ConvSizes s)
    {
        const double TileTransform = 11, KernelTransform = 8;
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        if (s.KH != 3 || (long)s.N * s.OutputPixels < FewestPoints) return kernels;
        WinogradKernels large = WinogradKernels.For(isa, s, LargeTile);
        double pair = WinogradGradientTiling.TimeOf(kernels.Gemm, s) / ((double)s.GroupIC * s.GroupOC);
        return Time(large.Grid, s, pair, TileTransform, KernelTransform) < Time(kernels.Grid, s, pair, TileTransform, KernelTransform) ? large : kernels;
    }

    /// <summary>
    /// For each pair of channels, in multiply-adds: a product of a tile for a pair takes <paramref name="pair"/>, transforming it for a channel
    /// <paramref name="tile"/>, a product of a kernel <paramref name="kernel"/> (measured on Zen 4).
    /// </summary>
    private static double Time(in WinogradGrid grid, in ConvSizes s, double pair, double tile, double kernel) =>
        grid.Products * ((grid.WholeTiles * (pair + (tile / s.GroupIC) + (tile / s.GroupOC))) + kernel);
}
