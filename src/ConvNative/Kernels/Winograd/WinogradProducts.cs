using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// All products of a few pairs of channels, for a gradient of few tiles. They stay in L1 until they are transformed; the products of many pairs would be written
/// to L2 and read again for sums of a few terms.
/// </summary>
internal readonly unsafe struct WinogradProducts(
    int width,
    delegate*<int, int*, float*, nint, nint, float*, nint, nint, float*, void> one,
    delegate*<int, int*, float*, nint, nint, float*, nint, nint, float*, void> two)
{
    /// <summary>Rows that are computed at once; a has as many.</summary>
    public const int Rows = 4;

    /// <summary>Rows × the most columns at once, for descriptions.</summary>
    public string Name => $"{Rows}×{2 * width}";

    /// <summary>Floats of c for so many products and the most columns.</summary>
    public int LengthOf(int products) => products * Rows * 2 * width;

    /// <summary>For 1 or 2 vectors of columns:
    /// <code>c[(f·Rows + r)·vectors·Width + j] = Σₜ a[f·aStride + t·aStep + r]·b[f·bStride + t·bStep + j],   tiles[2·f] ≤ t &lt; tiles[2·f] + tiles[2·f + 1]</code>
    /// in one chain, as <see cref="RowGemm"/> sums.
    /// </summary>
    public void Multiply(
        int vectors, int products, int* tiles, float* a, nint aStride, nint aStep, float* b, nint bStride, nint bStep, float* c)
    {
        if (vectors == 1) one(products, tiles, a, aStride, aStep, b, bStride, bStep, c);
        else two(products, tiles, a, aStride, aStep, b, bStride, bStep, c);
    }

    public static WinogradProducts For<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(S.Width, &WinogradProductTile<S, V, One>.Run, &WinogradProductTile<S, V, Two>.Run);
}

/// <summary>4 rows × N vectors, 1 or 2; the contract stands at <see cref="WinogradProducts"/>.</summary>
internal static unsafe class WinogradProductTile<S, V, N>
    where S : struct, ISimd<V>
    where V : struct
    where N : struct, ICount
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int products, int* tiles, float* a, nint aStride, nint aStep, float* b, nint bStride, nint bStep, float* c)
    {
        for (; products > 0; products--, tiles += 2, a += aStride, b += bStride, c += 4 * N.Value * S.Width)
        {
            V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero, c20 = S.Zero, c21 = S.Zero, c30 = S.Zero, c31 = S.Zero;
            float* row = a + (tiles[0] * aStep), column = b + (tiles[0] * bStep);
            for (int left = tiles[1]; left > 0; left--, row += aStep, column += bStep)
            {
                V b0 = S.Load(column), b1 = N.Value > 1 ? S.Load(column + S.Width) : S.Zero;
                MultiplyAdd(S.Broadcast(row), b0, b1, ref c00, ref c01);
                MultiplyAdd(S.Broadcast(row + 1), b0, b1, ref c10, ref c11);
                MultiplyAdd(S.Broadcast(row + 2), b0, b1, ref c20, ref c21);
                MultiplyAdd(S.Broadcast(row + 3), b0, b1, ref c30, ref c31);
            }

            Store(c, c00, c01);
            Store(c + (N.Value * S.Width), c10, c11);
            Store(c + (2 * N.Value * S.Width), c20, c21);
            Store(c + (3 * N.Value * S.Width), c30, c31);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(V a, V b0, V b1, ref V c0, ref V c1)
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        if (N.Value > 1) c1 = S.MultiplyAdd(a, b1, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, V c0, V c1)
    {
        S.Store(c, c0);
        if (N.Value > 1) S.Store(c + S.Width, c1);
    }
}
