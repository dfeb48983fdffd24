using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// dw = Gᵀ·m·G for a matrix of pairs of channels, the columns' channels in the lanes: the sums of a vector of pairs are a vector for each tap,
/// and are turned when they go to dw.
/// </summary>
internal static unsafe class WinogradFilterGradient<S, V, F>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
{
    private static int Taps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.Taps * F.Taps;
    }

    /// <summary>
    /// <code>product f of pair (row, column) = m[f·productStride + row·rowStride + column],   its tap k = sums[row·sumsStride + (column/Width·taps + k)·Width + column%Width]</code>
    /// or that added to the sums.
    /// </summary>
    /// <param name="rows">Channels of the rows.</param>
    /// <param name="columns">Channels of the columns.</param>
    /// <param name="m">The first product of the first pair; whole vectors are read.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="rowStride">Floats between rows.</param>
    /// <param name="sums">The first row's sums, whole vectors.</param>
    /// <param name="sumsStride">Floats between rows of sums.</param>
    /// <param name="add">Whether to add to the sums.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(int rows, int columns, float* m, nint productStride, nint rowStride, float* sums, nint sumsStride, bool add)
    {
        float* half = stackalloc float[(F.Taps * WinogradPoints.Reach * S.Width) + StackBuffer.Slack];
        half = StackBuffer.Align(half);
        for (int row = 0; row < rows; row++, m += rowStride, sums += sumsStride)
        {
            float* to = sums;
            for (int column = 0; column < columns; column += S.Width, to += Taps * S.Width)
            {
                Columns(m + column, productStride, half);
                for (int i = 0; i < F.Taps; i++) Row(half + (i * WinogradPoints.Reach * S.Width), to + (i * F.Taps * S.Width), add);
            }
        }
    }

    /// <summary>Sums to dw: the taps of pair (row, column) = dw[row·rowStride + column·columnStride …].</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(int rows, int columns, float* sums, nint sumsStride, float* dw, nint rowStride, nint columnStride)
    {
        float** kernels = stackalloc float*[S.Width], part = stackalloc float*[S.Width];
        float* taps = stackalloc float[S.Width * Taps];
        for (int i = 0; i < S.Width; i++) part[i] = taps + (i * Taps);
        for (int row = 0; row < rows; row++, sums += sumsStride, dw += rowStride)
        {
            float* from = sums;
            for (int i = 0; i < S.Width; i++) kernels[i] = dw + (i * columnStride);
            for (int column = 0; column < columns; column += S.Width, from += Taps * S.Width)
            {
                int lanes = Math.Min(S.Width, columns - column);
                if (lanes == S.Width)
                {
                    StoreTaps(from, kernels, column * columnStride);
                    continue;
                }

                StoreTaps(from, part, 0);
                for (int i = 0; i < lanes * Taps; i++) dw[((column + (i / Taps)) * columnStride) + (i % Taps)] = taps[i];
            }
        }
    }

    /// <summary>Gᵀ·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Columns(float* m, nint stride, float* to)
    {
        Column(m, stride, to);
        Column(m + stride, stride, to + S.Width);
        Column(m + (2 * stride), stride, to + (2 * S.Width));
        Column(m + (3 * stride), stride, to + (3 * S.Width));
        Column(m + (4 * stride), stride, to + (4 * S.Width));
        Column(m + (5 * stride), stride, to + (5 * S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* m, nint stride, float* to)
    {
        nint next = WinogradPoints.Reach * S.Width;
        F.FilterTransposed(m, WinogradPoints.Reach * stride, out V g0, out V g1, out V g2, out V g3, out V g4);
        S.Store(to, g0);
        S.Store(to + next, g1);
        S.Store(to + (2 * next), g2);
        if (F.Taps == 3) return;
        S.Store(to + (3 * next), g3);
        S.Store(to + (4 * next), g4);
    }

    /// <summary>A row of (Gᵀ·m)·G.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* to, bool add)
    {
        F.FilterTransposed(from, S.Width, out V g0, out V g1, out V g2, out V g3, out V g4);
        Sum(to, g0, add);
        Sum(to + S.Width, g1, add);
        Sum(to + (2 * S.Width), g2, add);
        if (F.Taps == 3) return;
        Sum(to + (3 * S.Width), g3, add);
        Sum(to + (4 * S.Width), g4, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum(float* to, V value, bool add) => S.Store(to, add ? S.Add(S.Load(to), value) : value);

    /// <summary>The taps of each lane to its kernel. The last quad ends with the kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTaps(float* from, float** kernels, nint at)
    {
        int tap = 0;
        for (; tap < Taps - WinogradPoints.Quad; tap += WinogradPoints.Quad) StoreQuad(from + (tap * S.Width), kernels, at + tap);
        tap = Taps - WinogradPoints.Quad;
        StoreQuad(from + (tap * S.Width), kernels, at + tap);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuad(float* from, float** kernels, nint at) =>
        S.StoreQuads(kernels, at, S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)));
}
