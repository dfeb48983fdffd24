using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// U = G·g·Gᵀ, or G·g, of the kernels of a vector of output channels. As in the other transforms, no loop steps from product to product: the processor
/// would expect more such steps and fetch, beyond the last product, lines that another thread is writing (measured on Zen 5, two cores
/// without a common cache: 4 times the time).
/// </summary>
internal static unsafe class WinogradFilter<S, V, F>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
{
    // Steps of k in advance that kernels are asked for, after those of this step were read (measured on Zen 4: 3.1 ns a kernel without, 2.5 with).
    private const int Ahead = 3;

    /// <summary>
    /// <code>u[f·productStride + k·kStride + c] = product f of kernel (c, k),   c &lt; lanes</code>
    /// The other lanes of the vectors are zero.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(float* w, in FilterOrder order, int lanes, int K, float* u, nint productStride, nint kStride)
    {
        float* columns = stackalloc float[(F.Reach * F.Taps * S.Width) + StackBuffer.Slack];
        columns = StackBuffer.Align(columns);
        float* copies = stackalloc float[LaneCopies<S, V>.Length(F.Taps * F.Taps)];
        var kernels = new LaneCopies<S, V>(order.LaneStride, lanes, F.Taps * F.Taps, copies);
        if (F.Taps == 3)
        {
            Transform3(w, order, kernels, K, u, productStride, kStride);
            return;
        }

        for (; K > 0; K--, w += order.KStride, u += kStride)
        {
            if (F.Taps == 4) Columns4(kernels.At(w), kernels.Pitch, order.Flipped, columns);
            else Columns5(kernels.At(w), kernels.Pitch, order.Flipped, columns, 5 * S.Width);
            Ask(w, order, lanes);
            Rows(columns, u, productStride);
        }
    }

    /// <summary>
    /// G·g of kernels of three or five taps in a row:
    /// <code>columns[i·rowStride + (k·Taps + j)·Width + c] = element (i, j) of kernel (c, k),   c &lt; lanes</code>
    /// The other lanes of the vectors are zero.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformColumns(float* w, in FilterOrder order, int lanes, int K, float* columns, nint rowStride)
    {
        float* copies = stackalloc float[LaneCopies<S, V>.Length(F.Taps * F.Taps)];
        var kernels = new LaneCopies<S, V>(order.LaneStride, lanes, F.Taps * F.Taps, copies);
        for (; K > 0; K--, w += order.KStride, columns += F.Taps * S.Width)
        {
            if (F.Taps == 5)
            {
                Columns5(kernels.At(w), kernels.Pitch, order.Flipped, columns, rowStride);
                Ask(w, order, lanes);
                continue;
            }

            Taps9(w, order, kernels, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7, out V g8);
            Store(g0, g3, g6, S.Zero, S.Zero, columns, rowStride);
            Store(g1, g4, g7, S.Zero, S.Zero, columns + S.Width, rowStride);
            Store(g2, g5, g8, S.Zero, S.Zero, columns + (2 * S.Width), rowStride);
        }
    }

    /// <summary>
    /// U of nine taps: the registers hold them, and G·g. A method of its own, as the others: the compiler inlines only so much into one.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Transform3(float* w, in FilterOrder order, in LaneCopies<S, V> kernels, int K, float* u, nint stride, nint kStride)
    {
        nint next = F.Reach * stride;
        for (; K > 0; K--, w += order.KStride, u += kStride)
        {
            Taps9(w, order, kernels, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7, out V g8);
            F.Filter(g0, g3, g6, S.Zero, S.Zero, out V u00, out V u10, out V u20, out V u30, out V u40, out V u50, out V u60, out V u70);
            F.Filter(g1, g4, g7, S.Zero, S.Zero, out V u01, out V u11, out V u21, out V u31, out V u41, out V u51, out V u61, out V u71);
            F.Filter(g2, g5, g8, S.Zero, S.Zero, out V u02, out V u12, out V u22, out V u32, out V u42, out V u52, out V u62, out V u72);
            Store(u00, u01, u02, S.Zero, S.Zero, u, stride);
            Store(u10, u11, u12, S.Zero, S.Zero, u + next, stride);
            Store(u20, u21, u22, S.Zero, S.Zero, u + (2 * next), stride);
            Store(u30, u31, u32, S.Zero, S.Zero, u + (3 * next), stride);
            Store(u40, u41, u42, S.Zero, S.Zero, u + (4 * next), stride);
            Store(u50, u51, u52, S.Zero, S.Zero, u + (5 * next), stride);
            if (F.Reach == 6) continue;
            Store(u60, u61, u62, S.Zero, S.Zero, u + (6 * next), stride);
            Store(u70, u71, u72, S.Zero, S.Zero, u + (7 * next), stride);
        }
    }

    /// <summary>The taps of a vector of 3×3 kernels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Taps9(
        float* w, in FilterOrder order, in LaneCopies<S, V> kernels, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7, out V g8)
    {
        float* p = kernels.At(w);
        if (kernels.Pitch == 9)
        {
            S.LoadNines(p, out g0, out g1, out g2, out g3, out g4, out g5, out g6, out g7, out g8);
        }
        else
        {
            S.LoadOcts(p, kernels.Pitch, out g0, out g1, out g2, out g3, out g4, out g5, out g6, out g7);
            S.LoadQuads(p + 5, kernels.Pitch, out _, out _, out _, out g8);
        }

        Ask(w, order, kernels.Lanes);
        if (order.Flipped)
        {
            (g0, g8) = (g8, g0);
            (g1, g7) = (g7, g1);
            (g2, g6) = (g6, g2);
            (g3, g5) = (g5, g3);
        }

        (g0, g1, g3) = (F.Tap(g0, 0), F.Tap(g1, 1), F.Tap(g3, 1));
        (g2, g4, g6) = (F.Tap(g2, 2), F.Tap(g4, 2), F.Tap(g6, 2));
        (g5, g7, g8) = (F.Tap(g5, 3), F.Tap(g7, 3), F.Tap(g8, 4));
    }

    /// <summary>For the kernels that are read some steps later: a line of each, or where they are shorter than a line and follow each other, their lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(float* w, in FilterOrder order, int lanes)
    {
        w += Ahead * order.KStride;
        if (order.LaneStride >= Prefetch.Line)
        {
            Prefetch.Rows(w, order.LaneStride, lanes);
            return;
        }

        for (int i = 0; i < lanes * F.Taps * F.Taps; i += Prefetch.Line) Prefetch.ToL1(w + i);
    }

    /// <summary>G·g of 16 taps.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns4(float* kernels, nint pitch, bool flipped, float* to)
    {
        S.LoadOcts(kernels, pitch, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7);
        S.LoadOcts(kernels + 8, pitch, out V g8, out V g9, out V g10, out V g11, out V g12, out V g13, out V g14, out V g15);
        nint step = flipped ? -S.Width : S.Width;
        if (flipped) to += 3 * S.Width;
        Column4(flipped, g0, g4, g8, g12, to);
        Column4(flipped, g1, g5, g9, g13, to + step);
        Column4(flipped, g2, g6, g10, g14, to + (2 * step));
        Column4(flipped, g3, g7, g11, g15, to + (3 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column4(bool flipped, V g0, V g1, V g2, V g3, float* to)
    {
        if (flipped) (g0, g1, g2, g3) = (g3, g2, g1, g0);
        Store(g0, g1, g2, g3, S.Zero, to, 4 * S.Width);
    }

    /// <summary>G·g of 25 taps.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns5(float* kernels, nint pitch, bool flipped, float* to, nint stride)
    {
        S.LoadOcts(kernels, pitch, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7);
        S.LoadOcts(kernels + 8, pitch, out V g8, out V g9, out V g10, out V g11, out V g12, out V g13, out V g14, out V g15);
        S.LoadOcts(kernels + 16, pitch, out V g16, out V g17, out V g18, out V g19, out V g20, out V g21, out V g22, out V g23);
        S.LoadQuads(kernels + 21, pitch, out _, out _, out _, out V g24);
        nint step = flipped ? -S.Width : S.Width;
        if (flipped) to += 4 * S.Width;
        Column5(flipped, g0, g5, g10, g15, g20, to, stride);
        Column5(flipped, g1, g6, g11, g16, g21, to + step, stride);
        Column5(flipped, g2, g7, g12, g17, g22, to + (2 * step), stride);
        Column5(flipped, g3, g8, g13, g18, g23, to + (3 * step), stride);
        Column5(flipped, g4, g9, g14, g19, g24, to + (4 * step), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column5(bool flipped, V g0, V g1, V g2, V g3, V g4, float* to, nint stride)
    {
        if (flipped) (g0, g1, g3, g4) = (g4, g3, g1, g0);
        Store(g0, g1, g2, g3, g4, to, stride);
    }

    /// <summary>(G·g)·Gᵀ.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Rows(float* from, float* to, nint stride)
    {
        nint row = F.Taps * S.Width, next = F.Reach * stride;
        Row(from, to, stride);
        Row(from + row, to + next, stride);
        Row(from + (2 * row), to + (2 * next), stride);
        Row(from + (3 * row), to + (3 * next), stride);
        Row(from + (4 * row), to + (4 * next), stride);
        Row(from + (5 * row), to + (5 * next), stride);
        Row(from + (6 * row), to + (6 * next), stride);
        if (F.Reach == 7) return;
        Row(from + (7 * row), to + (7 * next), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* to, nint stride) => Store(
        S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)),
        F.Taps > 4 ? S.Load(from + (4 * S.Width)) : S.Zero, to, stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V g0, V g1, V g2, V g3, V g4, float* to, nint stride)
    {
        F.Filter(g0, g1, g2, g3, g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7);
        WinogradStore<S, V, F>.Points(to, stride, u0, u1, u2, u3, u4, u5, u6, u7);
    }
}
