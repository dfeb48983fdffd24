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

    /// <summary>Whether the scheme is <see cref="WinogradF4K3{S, V}"/>, and the registers hold Gᵀ·m.</summary>
    public static bool HoldsHalf
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.Taps == 3 && F.Reach == 6 && S.Registers >= 32;
    }

    /// <summary>
    /// <code>
    /// product f of pair (row, column) = m[f·productStride + row·rowStride + column]
    /// its tap k = sums[row·sumsStride + (column/Width·taps + k)·Width + column%Width], or that added to the sums
    /// </code>
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
        float* half = stackalloc float[(F.Taps * F.Reach * S.Width) + StackBuffer.Slack];
        half = StackBuffer.Align(half);
        for (int row = 0; row < rows; row++, m += rowStride, sums += sumsStride)
        {
            float* to = sums;
            for (int column = 0; column < columns; column += S.Width, to += Taps * S.Width)
            {
                Columns(m + column, productStride, half);
                Rows(half, to, add ? to : null);
            }
        }
    }

    /// <summary>
    /// The same for the last products, or the only ones, and no sums: what they would be goes to dw, the taps of pair (row, column) to
    /// dw[row·dwRowStride + column·dwColumnStride …].
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Finish(
        int rows, int columns, float* m, nint productStride, nint rowStride, float* sums, nint sumsStride, float* dw, nint dwRowStride, nint dwColumnStride)
    {
        float* half = stackalloc float[(((F.Taps * F.Reach) + Taps) * S.Width) + StackBuffer.Slack];
        half = StackBuffer.Align(half);
        float* taps = half + (F.Taps * F.Reach * S.Width);
        for (int row = 0; row < rows; row++, m += rowStride, dw += dwRowStride)
        {
            float* from = sums == null ? null : sums + (row * sumsStride);
            for (int column = 0; column < columns; column += S.Width)
            {
                int lanes = Math.Min(S.Width, columns - column);
                float* kernels = dw + (column * dwColumnStride);
                if (HoldsHalf && lanes == S.Width)
                {
                    Finish6(m + column, productStride, from, kernels, dwColumnStride);
                }
                else if (F.Taps == 3 && lanes == S.Width)
                {
                    Columns(m + column, productStride, half);
                    Finish3(half, from, kernels, dwColumnStride);
                }
                else
                {
                    Columns(m + column, productStride, half);
                    Rows(half, taps, from);
                    StoreTaps(taps, kernels, dwColumnStride, lanes);
                }

                if (from != null) from += Taps * S.Width;
            }
        }
    }

    /// <summary>
    /// dw = Gᵀ·(m·G) of nine taps and pairs whose m·G <see cref="WinogradRowSums"/> has made: for each vector of pairs, row by row, Reach rows of three vectors. What it stores
    /// goes where <see cref="Finish"/>'s goes.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FinishRows(int rows, int columns, float* half, float* dw, nint dwRowStride, nint dwColumnStride)
    {
        float* taps = stackalloc float[(Taps * S.Width) + StackBuffer.Slack];
        taps = StackBuffer.Align(taps);
        for (int row = 0; row < rows; row++, dw += dwRowStride)
        {
            for (int column = 0; column < columns; column += S.Width, half += F.Taps * F.Reach * S.Width)
            {
                int lanes = Math.Min(S.Width, columns - column);
                float* kernels = dw + (column * dwColumnStride);
                if (lanes == S.Width)
                {
                    FinishRows3(half, kernels, dwColumnStride);
                }
                else
                {
                    ColumnsOfHalf(half, taps);
                    StoreTaps(taps, kernels, dwColumnStride, lanes);
                }
            }
        }
    }

    /// <summary>Sums to dw, as <see cref="Finish"/> stores them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(int rows, int columns, float* sums, nint sumsStride, float* dw, nint dwRowStride, nint dwColumnStride)
    {
        for (int row = 0; row < rows; row++, sums += sumsStride, dw += dwRowStride)
        {
            float* from = sums;
            for (int column = 0; column < columns; column += S.Width, from += Taps * S.Width)
                StoreTaps(from, dw + (column * dwColumnStride), dwColumnStride, Math.Min(S.Width, columns - column));
        }
    }

    /// <summary>Gᵀ·m. A method of its own, as <see cref="Rows"/>: the compiler inlines only so much into one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns(float* m, nint stride, float* to)
    {
        Column(m, stride, to);
        Column(m + stride, stride, to + S.Width);
        Column(m + (2 * stride), stride, to + (2 * S.Width));
        Column(m + (3 * stride), stride, to + (3 * S.Width));
        Column(m + (4 * stride), stride, to + (4 * S.Width));
        Column(m + (5 * stride), stride, to + (5 * S.Width));
        if (F.Reach == 6) return;
        Column(m + (6 * stride), stride, to + (6 * S.Width));
        if (F.Reach == 7) return;
        Column(m + (7 * stride), stride, to + (7 * S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* m, nint stride, float* to)
    {
        nint next = F.Reach * S.Width;
        F.FilterTransposed(m, F.Reach * stride, out V g0, out V g1, out V g2, out V g3, out V g4);
        S.Store(to, g0);
        S.Store(to + next, g1);
        S.Store(to + (2 * next), g2);
        if (F.Taps == 3) return;
        S.Store(to + (3 * next), g3);
        if (F.Taps == 4) return;
        S.Store(to + (4 * next), g4);
    }

    /// <summary>(Gᵀ·m)·G, added to what is there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Rows(float* half, float* to, float* sums)
    {
        if (sums == null)
        {
            for (int i = 0; i < F.Taps; i++) Row(half + (i * F.Reach * S.Width), to + (i * F.Taps * S.Width));
        }
        else
        {
            for (int i = 0; i < F.Taps; i++) Row(half + (i * F.Reach * S.Width), to + (i * F.Taps * S.Width), sums + (i * F.Taps * S.Width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* to)
    {
        F.FilterTransposed(from, S.Width, out V g0, out V g1, out V g2, out V g3, out V g4);
        S.Store(to, g0);
        S.Store(to + S.Width, g1);
        S.Store(to + (2 * S.Width), g2);
        if (F.Taps == 3) return;
        S.Store(to + (3 * S.Width), g3);
        if (F.Taps == 4) return;
        S.Store(to + (4 * S.Width), g4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* to, float* sums)
    {
        F.FilterTransposed(from, S.Width, out V g0, out V g1, out V g2, out V g3, out V g4);
        S.Store(to, S.Add(S.Load(sums), g0));
        S.Store(to + S.Width, S.Add(S.Load(sums + S.Width), g1));
        S.Store(to + (2 * S.Width), S.Add(S.Load(sums + (2 * S.Width)), g2));
        if (F.Taps == 3) return;
        S.Store(to + (3 * S.Width), S.Add(S.Load(sums + (3 * S.Width)), g3));
        if (F.Taps == 4) return;
        S.Store(to + (4 * S.Width), S.Add(S.Load(sums + (4 * S.Width)), g4));
    }

    /// <summary>The same, to dw, of nine taps, which the registers hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish3(float* half, float* sums, float* kernels, nint pitch)
    {
        F.FilterTransposed(half, S.Width, out V g0, out V g1, out V g2, out _, out _);
        F.FilterTransposed(half + (F.Reach * S.Width), S.Width, out V g3, out V g4, out V g5, out _, out _);
        F.FilterTransposed(half + (2 * F.Reach * S.Width), S.Width, out V g6, out V g7, out V g8, out _, out _);
        Store9(g0, g1, g2, g3, g4, g5, g6, g7, g8, sums, kernels, pitch);
    }

    /// <summary>Gᵀ·m·G of F(4, 3), whose 18 half sums the registers hold too (measured on Zen 4: a fifth faster).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Finish6(float* m, nint stride, float* sums, float* kernels, nint pitch)
    {
        nint next = F.Reach * stride;
        F.FilterTransposed(m, next, out V h00, out V h10, out V h20, out _, out _);
        F.FilterTransposed(m + stride, next, out V h01, out V h11, out V h21, out _, out _);
        F.FilterTransposed(m + (2 * stride), next, out V h02, out V h12, out V h22, out _, out _);
        F.FilterTransposed(m + (3 * stride), next, out V h03, out V h13, out V h23, out _, out _);
        F.FilterTransposed(m + (4 * stride), next, out V h04, out V h14, out V h24, out _, out _);
        F.FilterTransposed(m + (5 * stride), next, out V h05, out V h15, out V h25, out _, out _);
        WinogradF4K3<S, V>.FilterTransposed(h00, h01, h02, h03, h04, h05, out V g0, out V g1, out V g2);
        WinogradF4K3<S, V>.FilterTransposed(h10, h11, h12, h13, h14, h15, out V g3, out V g4, out V g5);
        WinogradF4K3<S, V>.FilterTransposed(h20, h21, h22, h23, h24, h25, out V g6, out V g7, out V g8);
        Store9(g0, g1, g2, g3, g4, g5, g6, g7, g8, sums, kernels, pitch);
    }

    /// <summary>Gᵀ·half of nine taps, to dw.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRows3(float* half, float* kernels, nint pitch)
    {
        F.FilterTransposed(half, F.Taps * S.Width, out V g0, out V g3, out V g6, out _, out _);
        F.FilterTransposed(half + S.Width, F.Taps * S.Width, out V g1, out V g4, out V g7, out _, out _);
        F.FilterTransposed(half + (2 * S.Width), F.Taps * S.Width, out V g2, out V g5, out V g8, out _, out _);
        Store9(g0, g1, g2, g3, g4, g5, g6, g7, g8, null, kernels, pitch);
    }

    /// <summary>Gᵀ·half, a vector for each of nine taps.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ColumnsOfHalf(float* half, float* taps)
    {
        nint next = F.Taps * S.Width;
        for (int column = 0; column < F.Taps; column++, half += S.Width, taps += S.Width)
        {
            F.FilterTransposed(half, next, out V g0, out V g1, out V g2, out _, out _);
            S.Store(taps, g0);
            S.Store(taps + next, g1);
            S.Store(taps + (2 * next), g2);
        }
    }

    /// <summary>
    /// Nine taps, and the sums if there are any, to kernels of dw that stand so many floats apart. Quads overlap, so that none reaches over a kernel's end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store9(V g0, V g1, V g2, V g3, V g4, V g5, V g6, V g7, V g8, float* sums, float* kernels, nint pitch)
    {
        if (sums != null)
        {
            (g0, g1, g2) = (S.Add(g0, S.Load(sums)), S.Add(g1, S.Load(sums + S.Width)), S.Add(g2, S.Load(sums + (2 * S.Width))));
            sums += 3 * S.Width;
            (g3, g4, g5) = (S.Add(g3, S.Load(sums)), S.Add(g4, S.Load(sums + S.Width)), S.Add(g5, S.Load(sums + (2 * S.Width))));
            sums += 3 * S.Width;
            (g6, g7, g8) = (S.Add(g6, S.Load(sums)), S.Add(g7, S.Load(sums + S.Width)), S.Add(g8, S.Load(sums + (2 * S.Width))));
        }

        if (pitch == Taps)
        {
            S.StoreNines(kernels, g0, g1, g2, g3, g4, g5, g6, g7, g8);
            return;
        }

        S.StoreQuads(kernels, pitch, g0, g1, g2, g3);
        S.StoreQuads(kernels + 4, pitch, g4, g5, g6, g7);
        S.StoreQuads(kernels + 5, pitch, g5, g6, g7, g8);
    }

    /// <summary>The taps of each lane to its kernel. The last quad ends with the kernel.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void StoreTaps(float* from, float* kernels, nint pitch, int lanes)
    {
        if (lanes < S.Width)
        {
            StoreFew(from, kernels, pitch, lanes);
            return;
        }

        int tap = 0;
        for (; tap < Taps - WinogradPoints.Quad; tap += WinogradPoints.Quad) StoreQuad(from + (tap * S.Width), kernels + tap, pitch);
        tap = Taps - WinogradPoints.Quad;
        StoreQuad(from + (tap * S.Width), kernels + tap, pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuad(float* from, float* kernels, nint pitch) =>
        S.StoreQuads(kernels, pitch, S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)));

    /// <summary>The same for a vector of which not all lanes exist.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void StoreFew(float* from, float* kernels, nint pitch, int lanes)
    {
        for (int i = 0; i < lanes; i++)
            for (int tap = 0; tap < Taps; tap++) kernels[(i * pitch) + tap] = from[(tap * S.Width) + i];
    }
}
