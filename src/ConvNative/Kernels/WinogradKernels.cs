using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The transforms of one instruction set.</summary>
internal readonly unsafe struct WinogradKernels(
    int width,
    delegate*<in ConvSizes, in WinogradBlock, float*, float*, nint, nint, int, void> input,
    delegate*<float*, in WinogradFilterOrder, int, int, int, float*, nint, void> filter,
    delegate*<in ConvSizes, in WinogradBlock, float*, nint, nint, int, float*, in TileStore, void> output)
{
    /// <summary>Floats of a vector.</summary>
    public int Width { get; } = width;

    /// <inheritdoc cref="WinogradInput{S, V}.Transform"/>
    public delegate*<in ConvSizes, in WinogradBlock, float*, float*, nint, nint, int, void> Input { get; } = input;

    /// <inheritdoc cref="WinogradFilter{S, V}.Panel"/>
    public delegate*<float*, in WinogradFilterOrder, int, int, int, float*, nint, void> Filter { get; } = filter;

    /// <inheritdoc cref="WinogradOutput{S, V}.Transform"/>
    public delegate*<in ConvSizes, in WinogradBlock, float*, nint, nint, int, float*, in TileStore, void> Output { get; } = output;

    public static WinogradKernels For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    private static WinogradKernels Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct =>
        new(S.Width, &WinogradInput<S, V>.Transform, &WinogradFilter<S, V>.Panel, &WinogradOutput<S, V>.Transform);
}
