using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The packing functions of one instruction set: (source, ld, K, lanes, R, panels).</summary>
internal readonly unsafe struct PanelPacker(
    delegate*<float*, nint, int, int, int, float*, void> fromRows,
    delegate*<float*, nint, int, int, int, float*, void> fromColumns)
{
    /// <inheritdoc cref="PanelPacking{S, V}.FromRows"/>
    public delegate*<float*, nint, int, int, int, float*, void> FromRows { get; } = fromRows;

    /// <inheritdoc cref="PanelPacking{S, V}.FromColumns"/>
    public delegate*<float*, nint, int, int, int, float*, void> FromColumns { get; } = fromColumns;

    public static PanelPacker For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    private static PanelPacker Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(&PanelPacking<S, V>.FromRows, &PanelPacking<S, V>.FromColumns);
}
