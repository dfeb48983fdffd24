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

    // Sums of fewer channels do not bear what the transforms of large tiles round (measured: one channel 10·γ·s, 16 0.25), nor a gradient's of fewer
    // points; a stride phase may have one tap for each channel (1.2 with 16).
    private const int FewestChannels = 16, FewestPoints = 32;

    /// <summary>For a convolution without strides. Transforming the weights counts half: where they were packed, it costs nothing.</summary>
    public static WinogradKernels Kernels(Isa isa, in ConvSizes s)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        double pair = kernels.Gemm.TimeOf(s.GroupOC) / s.GroupOC;
        return MayBeLarge(isa, s) && s.GroupIC >= FewestChannels ? Faster(kernels, WinogradKernels.For(isa, s, LargeTile), s, new(pair, Tile: 14, Kernel: 5)) : kernels;
    }

    /// <summary>For the gradient of its weights.</summary>
    public static WinogradKernels GradientKernels(Isa isa, in ConvSizes s)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, s, Tile);
        double pair = WinogradGradientTiling.TimeOf(kernels.Gemm, s) / ((double)s.GroupIC * s.GroupOC);
        bool large = MayBeLarge(isa, s) && (long)s.N * s.OutputPixels >= FewestPoints;
        return large ? Faster(kernels, WinogradKernels.For(isa, s, LargeTile), s, new(pair, Tile: 11, Kernel: 8)) : kernels;
    }

    /// <summary>With fewer registers than AVX-512 has, large tiles are no faster (measured on Zen 4).</summary>
    private static bool MayBeLarge(Isa isa, in ConvSizes s) => s.KH == 3 && isa == Isa.Avx512;

    private static WinogradKernels Faster(in WinogradKernels kernels, in WinogradKernels large, in ConvSizes s, in Times times) =>
        times.Of(large.Grid, s) < times.Of(kernels.Grid, s) ? large : kernels;

    /// <summary>
    /// What takes how long, in multiply-adds (measured on Zen 4): a product of a tile for a pair of channels; transforming it for a channel; transforming that of
    /// a kernel.
    /// </summary>
    private readonly record struct Times(double Pair, double Tile, double Kernel)
    {
        /// <summary>For each pair of channels.</summary>
        public double Of(in WinogradGrid grid, in ConvSizes s) =>
            grid.Products * ((grid.WholeTiles * (Pair + (Tile / s.GroupIC) + (Tile / s.GroupOC))) + Kernel);
    }
}
