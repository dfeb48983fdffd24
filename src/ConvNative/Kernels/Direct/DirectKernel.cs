using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// What a direct kernel computes, for its MR rows and the points from 0 up to Points, rounded up to whole tiles:
/// <code>C[r, p] (+)= Σ over k &lt; K of A[k, r] · B[Offsets[k] + p]</code>
/// </summary>
internal unsafe struct DirectProduct
{
    /// <summary>Weights, [K][MR].</summary>
    public float* A;

    /// <summary>The first point in <see cref="PhasePlanes"/>; read up to a tile beyond the last point and its furthest tap.</summary>
    public float* B;

    /// <summary>Distance from a point to each of its taps in each channel.</summary>
    public nint* Offsets;

    /// <summary>Channels × taps.</summary>
    public nint K;

    /// <summary>Rows of sums, written in whole tiles.</summary>
    public float* C;

    /// <summary>Floats from a row of C to the next.</summary>
    public nint StrideC;

    public nint Points;

    /// <summary>The sums are added to C.</summary>
    public bool Adds;
}

/// <summary>A kernel of MR rows × Columns points.</summary>
internal readonly unsafe struct DirectKernel(int columns, delegate*<DirectProduct*, void> run)
{
    /// <summary>The most rows of a kernel.</summary>
    public static int MaxRows(Isa isa) => isa == Isa.Avx512 ? 8 : 6;

    /// <summary>Points of a tile.</summary>
    public int Columns { get; } = columns;

    public delegate*<DirectProduct*, void> Run { get; } = run;

    /// <summary>The kernel for so many rows, 1 to <see cref="MaxRows"/>.</summary>
    public static DirectKernel For(Isa isa, int rows) => isa switch
    {
        Isa.Avx512 => Of<Simd512, Vector512<float>>(rows),
        Isa.Avx2 => Of<Simd256, Vector256<float>>(rows),
        _ => Of<Simd128, Vector128<float>>(rows),
    };

    /// <summary>The fewest points that are whole tiles of every kernel.</summary>
    public static int WholeTiles(Isa isa) => 24 * isa switch
    {
        Isa.Avx512 => Simd512.Width,
        Isa.Avx2 => Simd256.Width,
        _ => Simd128.Width,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static DirectKernel Of<S, V>(int rows)
        where S : struct, ISimd<V>
        where V : struct => rows switch
    {
        1 => new(8 * S.Width, &DirectKernels<S, V>.Run1x8),
        2 => new(6 * S.Width, &DirectKernels<S, V>.Run2x6),
        3 => new(4 * S.Width, &DirectKernels<S, V>.Run3x4),
        4 => new(3 * S.Width, &DirectKernels<S, V>.Run4x3),
        5 => new(2 * S.Width, &DirectKernels<S, V>.Run5x2),
        6 => new(2 * S.Width, &DirectKernels<S, V>.Run6x2),
        7 => new(3 * S.Width, &DirectKernels<S, V>.RunMx3<Seven>),
        _ => new(3 * S.Width, &DirectKernels<S, V>.RunMx3<Eight>),
    };
}
