using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The lane kernels of an instruction set.</summary>
internal readonly unsafe struct LaneKernels
{
    private readonly delegate*<in LaneProduct, int, void> _one, _two, _three;

    private LaneKernels(
        int width, int mostPixels, int mostVectors,
        delegate*<in LaneProduct, int, void> one, delegate*<in LaneProduct, int, void> two, delegate*<in LaneProduct, int, void> three,
        delegate*<float*, in FilterOrder, int, int, int, float*, nint, nint, void> filter)
    {
        (Width, MostPixels, MostVectors) = (width, mostPixels, mostVectors);
        _one = one;
        _two = two;
        _three = three;
        Filter = filter;
    }

    /// <summary>Floats of a vector.</summary>
    public int Width { get; }

    /// <summary>The most pixels of a product.</summary>
    public int MostPixels { get; }

    /// <summary>The most vectors of a product.</summary>
    public int MostVectors { get; }

    /// <inheritdoc cref="LaneFilter{S, V}.Turn"/>
    public delegate*<float*, in FilterOrder, int, int, int, float*, nint, nint, void> Filter { get; }

    /// <summary>The kernel of so many vectors: a product and its pixels, 1 … MostPixels.</summary>
    public delegate*<in LaneProduct, int, void> Of(int vectors) => vectors == 1 ? _one : vectors == 2 ? _two : _three;

    public static LaneKernels For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    /// <summary>
    /// Whether they can do a convolution of these sizes, and faster than what multiplies with padding: the sums stay in half of L2, have
    /// enough terms between reading and writing them, and as many lanes hold channels as the multiplications that are left out ask for.
    /// </summary>
    public static bool Suit(Isa isa, in ConvSizes s)
    {
        const int FewestTaps = WinogradPoints.Quad, FewestTerms = 48;
        const double Padded = 1.35;   // time of a multiplication of an implicit GEMM, as in Cost
        LaneKernels kernels = For(isa);
        int lanes = Math.Min(BlockSizes.RoundUp(s.GroupOC, kernels.Width), kernels.MostVectors * kernels.Width);
        if (s is not { sh: 1, sw: 1 } || s.KH * s.KW < FewestTaps || s.GroupIC * (long)s.KH < FewestTerms) return false;
        if (sizeof(float) * (long)s.OutputPixels * lanes > CacheSizes.Machine.L2 / 2) return false;
        return ProductCost(kernels, s) < Padded * s.OutputPixels * s.KH * s.KW;
    }

    /// <summary>Time for all images and plain weights, in multiply-adds at the machine's peak for each pair of channels (measured on Zen 5).</summary>
    public static double Cost(Isa isa, in ConvSizes s)
    {
        const double TurnTap = 8.5;
        return (s.N * ProductCost(For(isa), s)) + (TurnTap * s.KH * s.KW);
    }

    /// <summary>
    /// The products of an image: a single vector is slower, since a broadcast number is used once only, and cannot be shared out; so are fewer sums
    /// than multiply-adds that are under way at once.
    /// </summary>
    private static double ProductCost(in LaneKernels kernels, in ConvSizes s)
    {
        const double Product = 1.08, OneVector = 1.6, UnderWay = 8;
        int lanes = BlockSizes.RoundUp(s.GroupOC, kernels.Width);
        double sums = Math.Min(lanes / kernels.Width, kernels.MostVectors) * Math.Min(s.OW, kernels.MostPixels);
        return (lanes == kernels.Width ? OneVector : Product) * Math.Max(1, UnderWay / sums) * s.TapsInside * lanes / s.GroupOC;
    }

    private static LaneKernels Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => S.Registers >= 32
            ? new(S.Width, 8, 3, &LaneRows<S, V>.Run<One>, &LaneRows<S, V>.Run<Two>, &LaneRows<S, V>.Run<Three>, &LaneFilter<S, V>.Turn)
            : new(S.Width, 6, 2, &LaneRows<S, V>.Run<One>, &LaneRows<S, V>.Run<Two>, null, &LaneFilter<S, V>.Turn);
}
