using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The two steps of <see cref="PatchGrid"/> for one instruction set.</summary>
internal readonly unsafe struct PatchPacker(
    delegate*<PatchGrid, float*, int, int, int, int, float*, nint, void> fill,
    delegate*<in PatchSource, int, nint*, int, ReadOnlySpan<Run>, nint, float*, void> pack)
{
    /// <inheritdoc cref="PaddedRows{S, V}.Fill"/>
    public delegate*<PatchGrid, float*, int, int, int, int, float*, nint, void> Fill { get; } = fill;

    /// <inheritdoc cref="PatchRows{S, V}.Pack"/>
    public delegate*<in PatchSource, int, nint*, int, ReadOnlySpan<Run>, nint, float*, void> Pack { get; } = pack;

    public static PatchPacker For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    private static PatchPacker Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(&PaddedRows<S, V>.Fill, &PatchRows<S, V>.Pack);
}
