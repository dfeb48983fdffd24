using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Pixels of a product that a column of the kernel leaves out, since it reads padding for them.</summary>
internal enum LaneSkip
{
    None,
    Left1,
    Left2,
    Left3,
    Right1,
    Right2,
    Right3,
    All,
}

/// <summary>
/// What a lane kernel computes: neighbouring pixels of a row of outputs, with output channels in the lanes:
/// <code>
/// C[q·N + j] += Σ over r &lt; Rows, s &lt; Columns, k &lt; K of A[r·RowStep + s·ColumnStep + k·KStep + q] · B[r·RowTaps + s·TapStep + k·N + j]
/// q &lt; pixels, but for those that Skips[s] leaves out;   j &lt; N = vectors · Width
/// </code>
/// </summary>
internal unsafe struct LaneProduct
{
    /// <summary>The first pixel's first input.</summary>
    public float* A;

    /// <summary>Floats from what a row of the kernel reads to what the next one does.</summary>
    public nint RowStep;

    /// <summary>Floats from what a column of the kernel reads to what the next one does.</summary>
    public nint ColumnStep;

    /// <summary>Floats from a channel to the next.</summary>
    public nint KStep;

    /// <summary>Weights.</summary>
    public float* B;

    /// <summary>Floats from the weights of a row to those of the next.</summary>
    public nint RowTaps;

    /// <summary>Floats from the weights of a column to those of the next.</summary>
    public nint TapStep;

    /// <summary>Rows of the kernel.</summary>
    public int Rows;

    /// <summary>Columns of the kernel.</summary>
    public int Columns;

    /// <summary>For each column.</summary>
    public LaneSkip* Skips;

    /// <summary>Channels that are summed over.</summary>
    public int K;

    public float* C;
}

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

    private static LaneKernels Of<S, V>()
        where S : struct, ISimd<V>
        where V : struct => S.Registers >= 32
            ? new(S.Width, 8, 3, &LaneRows<S, V>.Run<One>, &LaneRows<S, V>.Run<Two>, &LaneRows<S, V>.Run<Three>, &LaneFilter<S, V>.Turn)
            : new(S.Width, 6, 2, &LaneRows<S, V>.Run<One>, &LaneRows<S, V>.Run<Two>, null, &LaneFilter<S, V>.Turn);
}
