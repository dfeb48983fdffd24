using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The micro-kernel of the weight gradient: 6 rows (c, kh, kw) of dwᵀ by 2 vectors of output channels, summed over grid points.
/// <code>
/// C[r, j] = (accumulate ? C[r, j] : 0) + Σ_{i &lt; rows} Σ_{p &lt; columns} source[taps[r] + rowOffsets[i] + p] · panel[i·columns + p][j]
///
///            panel ──► 2 vectors of dy for point 0     panel: dy with the output channels side by side, one row per point
///   source           ► 2 vectors of dy for point 1     source: padded rows (PatchGrid); a tap is a constant offset in them,
///   6 scalars  ┌──────────────┐                                so that no patch is ever written
///   per point  │ 6 × 2·Width  │
///              └──────────────┘
/// </code>
/// </summary>
internal static unsafe class WeightGradient6x2<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int rows, nint* rowOffsets, int columns, float* source, nint* taps, float* panel, float* c, nint ldc, bool accumulate)
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        for (int i = 0; i < rows; i++)
        {
            float* row = source + rowOffsets[i];
            float* a0 = row + taps[0], a1 = row + taps[1], a2 = row + taps[2], a3 = row + taps[3], a4 = row + taps[4], a5 = row + taps[5];
            for (nint p = 0; p < columns; p++, panel += 2 * S.Width)
            {
                V b0 = S.Load(panel), b1 = S.Load(panel + S.Width);
                V a = S.Broadcast(a0 + p);
                c00 = S.MultiplyAdd(a, b0, c00);
                c01 = S.MultiplyAdd(a, b1, c01);
                a = S.Broadcast(a1 + p);
                c10 = S.MultiplyAdd(a, b0, c10);
                c11 = S.MultiplyAdd(a, b1, c11);
                a = S.Broadcast(a2 + p);
                c20 = S.MultiplyAdd(a, b0, c20);
                c21 = S.MultiplyAdd(a, b1, c21);
                a = S.Broadcast(a3 + p);
                c30 = S.MultiplyAdd(a, b0, c30);
                c31 = S.MultiplyAdd(a, b1, c31);
                a = S.Broadcast(a4 + p);
                c40 = S.MultiplyAdd(a, b0, c40);
                c41 = S.MultiplyAdd(a, b1, c41);
                a = S.Broadcast(a5 + p);
                c50 = S.MultiplyAdd(a, b0, c50);
                c51 = S.MultiplyAdd(a, b1, c51);
            }
        }

        Store(c, c00, c01, accumulate);
        Store(c + ldc, c10, c11, accumulate);
        Store(c + (2 * ldc), c20, c21, accumulate);
        Store(c + (3 * ldc), c30, c31, accumulate);
        Store(c + (4 * ldc), c40, c41, accumulate);
        Store(c + (5 * ldc), c50, c51, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, V x0, V x1, bool accumulate)
    {
        if (accumulate)
        {
            x0 = S.Add(x0, S.Load(c));
            x1 = S.Add(x1, S.Load(c + S.Width));
        }

        S.Store(c, x0);
        S.Store(c + S.Width, x1);
    }
}

/// <summary>The weight-gradient kernel of one instruction set.</summary>
internal readonly unsafe struct WeightGradientKernel(int mr, int nr, delegate*<int, nint*, int, float*, nint*, float*, float*, nint, bool, void> run)
{
    public string Name => $"{MR}x{NR}";

    /// <summary>Rows (c, kh, kw) of a tile.</summary>
    public int MR { get; } = mr;

    /// <summary>Output channels of a tile.</summary>
    public int NR { get; } = nr;

    /// <inheritdoc cref="WeightGradient6x2{S, V}.Run"/>
    public delegate*<int, nint*, int, float*, nint*, float*, float*, nint, bool, void> Run { get; } = run;

    public static WeightGradientKernel For(Isa isa) => isa switch
    {
        Isa.Avx512 => new(6, 32, &WeightGradient6x2<Simd512, Vector512<float>>.Run),
        Isa.Avx2 => new(6, 16, &WeightGradient6x2<Simd256, Vector256<float>>.Run),
        _ => new(6, 8, &WeightGradient6x2<Simd128, Vector128<float>>.Run),
    };
}
