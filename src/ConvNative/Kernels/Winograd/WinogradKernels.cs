using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The transforms and products of one instruction set and size of kernels.</summary>
internal readonly unsafe struct WinogradKernels(
    int width,
    int bufferLength,
    RowGemm gemm,
    delegate*<in ConvSizes, long, int, float*, int, float*, float*, nint, nint, void> input,
    delegate*<float*, in FilterOrder, int, int, float*, nint, nint, void> filter,
    delegate*<in ConvSizes, long, int, float*, nint, nint, int, float*, in TileStore, void> output,
    delegate*<in ConvSizes, long, int, float*, int, float*, nint, nint, void> outputGradient,
    delegate*<int, int, float*, nint, nint, float*, nint, bool, void> filterGradient,
    delegate*<int, int, float*, nint, nint, float*, nint, float*, nint, nint, void> finishGradient,
    delegate*<int, int, float*, nint, float*, nint, nint, void> storeGradient,
    delegate*<float*, float*, nint, void> add)
{
    /// <summary>Floats of a vector: channels that are transformed at once.</summary>
    public int Width { get; } = width;

    /// <summary>Floats of the input transform's buffer.</summary>
    public int BufferLength { get; } = bufferLength;

    /// <summary>The micro-kernels of the products.</summary>
    public RowGemm Gemm { get; } = gemm;

    /// <inheritdoc cref="WinogradInput{S, V, F}.Transform"/>
    public delegate*<in ConvSizes, long, int, float*, int, float*, float*, nint, nint, void> Input { get; } = input;

    /// <inheritdoc cref="WinogradFilter{S, V, F}.Transform"/>
    public delegate*<float*, in FilterOrder, int, int, float*, nint, nint, void> Filter { get; } = filter;

    /// <inheritdoc cref="WinogradOutput{S, V, F}.Transform"/>
    public delegate*<in ConvSizes, long, int, float*, nint, nint, int, float*, in TileStore, void> Output { get; } = output;

    /// <inheritdoc cref="WinogradOutputGradient{S, V, F}.Transform"/>
    public delegate*<in ConvSizes, long, int, float*, int, float*, nint, nint, void> OutputGradient { get; } = outputGradient;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Transform"/>
    public delegate*<int, int, float*, nint, nint, float*, nint, bool, void> FilterGradient { get; } = filterGradient;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Finish"/>
    public delegate*<int, int, float*, nint, nint, float*, nint, float*, nint, nint, void> FinishGradient { get; } = finishGradient;

    /// <inheritdoc cref="WinogradFilterGradient{S, V, F}.Store"/>
    public delegate*<int, int, float*, nint, float*, nint, nint, void> StoreGradient { get; } = storeGradient;

    /// <inheritdoc cref="PointSums{S, V}.Add"/>
    public delegate*<float*, float*, nint, void> Add { get; } = add;

    public static WinogradKernels For(Isa isa, in ConvSizes s) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(s),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(s),
        _ => Of<Simd128, Vector128<float>>(s),
    };

    private static WinogradKernels Of<S, V>(in ConvSizes s)
        where S : struct, ISimd<V>
        where V : struct => s.KH switch
        {
            3 => Of<S, V, WinogradF4K3<S, V>>(),
            4 => Of<S, V, WinogradF4K4<S, V>>(),
            _ => Of<S, V, WinogradF4K5<S, V>>(),
        };

    private static WinogradKernels Of<S, V, F>()
        where S : struct, ISimd<V>
        where V : struct
        where F : struct, IWinogradScheme<V> =>
        new(
            S.Width, WinogradInput<S, V, F>.BufferLength, RowGemm.For<S, V>(), &WinogradInput<S, V, F>.Transform, &WinogradFilter<S, V, F>.Transform,
            &WinogradOutput<S, V, F>.Transform, &WinogradOutputGradient<S, V, F>.Transform, &WinogradFilterGradient<S, V, F>.Transform,
            &WinogradFilterGradient<S, V, F>.Finish, &WinogradFilterGradient<S, V, F>.Store, &PointSums<S, V>.Add);
}
