using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// What is summed over rows of output points, for 9 taps of x and up to 3 channels of dy:
/// <code>Sums[t · channels + c] += Σ over i &lt; Rows, j &lt; Columns of X[Taps[t] + i·PitchX + j] · Y[c·StrideY + i·PitchY + j]</code>
/// </summary>
internal unsafe struct PointDotsProduct
{
    /// <summary>The first point in <see cref="PhasePlanes"/>.</summary>
    public float* X;

    /// <summary>Distance from a point to each of its taps.</summary>
    public nint* Taps;

    /// <summary>Floats from a row of points to the next in X.</summary>
    public nint PitchX;

    /// <summary>The first point in dy.</summary>
    public float* Y;

    /// <summary>Floats from a row of points to the next in dy.</summary>
    public nint PitchY;

    /// <summary>Floats from a channel of dy to the next.</summary>
    public nint StrideY;

    public int Rows;

    public int Columns;

    /// <summary>What will be copied soon: a line is asked for with each vector of points. A hint.</summary>
    public float* NextX;

    /// <summary>Distance from the first channel's points to those of dy that are asked for with them. A hint.</summary>
    public nint ToNextY;

    public float* Sums;
}

/// <summary>
/// The micro-kernels of a weight gradient whose lanes are points: x and dy are read as they stand, nothing is turned.
/// <code>
///                   dy: 3 channels ──► 3 vectors of points
///   x: 9 taps              ┌───────┐
///   9 vectors of points    │ 9 × 3 │   a vector of sums each
///                          └───────┘
/// </code>
/// Each element is Width chains, one to a lane, over the vectors of a row, row after row; they are added up pairwise at the end, and that to Sums.
/// <see cref="PointDotsReference"/> says the same in plain loops.
/// </summary>
internal readonly unsafe struct PointDots(
    delegate*<PointDotsProduct*, void> one, delegate*<PointDotsProduct*, void> two, delegate*<PointDotsProduct*, void> three,
    delegate*<float*, nint, int, int, double*, void> sumChannels, delegate*<float*, float*, nint, void> add)
{
    /// <summary>Taps of a tile.</summary>
    public const int Taps = 9;

    /// <summary>The most channels of a tile.</summary>
    public const int MostChannels = 3;

    /// <summary>Floats that a tile's sums take, in whole vectors.</summary>
    public const int SumsLength = 32;

    /// <summary>The tile of so many channels, 1 … <see cref="MostChannels"/>.</summary>
    public delegate*<PointDotsProduct*, void> this[int channels] => channels == 1 ? one : channels == 2 ? two : three;

    /// <inheritdoc cref="PointSums{S, V}.SumChannels"/>
    public delegate*<float*, nint, int, int, double*, void> SumChannels { get; } = sumChannels;

    /// <inheritdoc cref="PointSums{S, V}.Add"/>
    public delegate*<float*, float*, nint, void> Add { get; } = add;

    /// <summary>Of fewer registers than AVX-512's the tile spills: there the narrow forms are for tests.</summary>
    public static PointDots For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(),
        _ => Of<Simd128, Vector128<float>>(),
    };

    private static PointDots Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            &PointDots9x3<S, V>.Run1, &PointDots9x3<S, V>.Run2, &PointDots9x3<S, V>.Run3, &PointSums<S, V>.SumChannels, &PointSums<S, V>.Add);
}
