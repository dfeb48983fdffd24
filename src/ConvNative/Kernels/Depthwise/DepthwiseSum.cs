using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The kernel of so many rows and taps of a column.</summary>
internal static unsafe class DepthwiseSum
{
    /// <summary><see cref="DepthwiseColumns{S,V,R,K}.Sum"/> of 4, 7 or 8 rows and 1 to 7 taps.</summary>
    public static delegate*<in StencilSums, int, int*, int*, void> Of<S, V>(int rows, int taps)
        where S : struct, ISimd<V>
        where V : struct => rows switch
    {
        4 => Of<S, V, Four>(taps),
        7 => Of<S, V, Seven>(taps),
        _ => Of<S, V, Eight>(taps),
    };

    private static delegate*<in StencilSums, int, int*, int*, void> Of<S, V, R>(int taps)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, ICount => taps switch
    {
        1 => &DepthwiseColumns<S, V, R, One>.Sum,
        2 => &DepthwiseColumns<S, V, R, Two>.Sum,
        3 => &DepthwiseColumns<S, V, R, Three>.Sum,
        4 => &DepthwiseColumns<S, V, R, Four>.Sum,
        5 => &DepthwiseColumns<S, V, R, Five>.Sum,
        6 => &DepthwiseColumns<S, V, R, Six>.Sum,
        _ => &DepthwiseColumns<S, V, R, Seven>.Sum,
    };
}
