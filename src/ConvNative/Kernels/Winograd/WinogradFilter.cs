using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// U = G·g·Gᵀ of the kernels of a vector of output channels. As in the other transforms, no loop steps from product to product: the processor
/// would expect more such steps and fetch, beyond the last product, lines that another thread is writing (measured on Zen 5, two cores
/// without a common cache: 4 times the time).
/// </summary>
internal static unsafe class WinogradFilter<S, V, F>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
{
    /// <summary>
    /// <code>u[f·productStride + k·kStride + c] = product f of kernel (c, k),   c &lt; lanes</code>
    /// The other lanes of the vectors repeat the last channel.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(float* w, in FilterOrder order, int lanes, int K, float* u, nint productStride, nint kStride)
    {
        float** kernels = stackalloc float*[S.Width];
        float* columns = stackalloc float[(WinogradPoints.Reach * F.Taps * S.Width) + StackBuffer.Slack];
        float* taps = stackalloc float[(F.Taps * F.Taps * S.Width) + StackBuffer.Slack];
        columns = StackBuffer.Align(columns);
        taps = StackBuffer.Align(taps);
        for (int i = 0; i < S.Width; i++) kernels[i] = w + (Math.Min(i, lanes - 1) * order.LaneStride);
        for (nint at = 0; K > 0; K--, at += order.KStride, u += kStride)
        {
            if (F.Taps == WinogradF4K3<S, V>.Taps)
            {
                Transform3(kernels, at, order.Flipped, u, productStride);
                continue;
            }

            Columns(kernels, at, order.Flipped, taps, columns);
            nint row = F.Taps * S.Width, next = WinogradPoints.Reach * productStride;
            Row(columns, u, productStride);
            Row(columns + row, u + next, productStride);
            Row(columns + (2 * row), u + (2 * next), productStride);
            Row(columns + (3 * row), u + (3 * next), productStride);
            Row(columns + (4 * row), u + (4 * next), productStride);
            Row(columns + (5 * row), u + (5 * next), productStride);
        }
    }

    /// <summary>A row of (G·g)·Gᵀ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* to, nint stride)
    {
        F.Filter(from, S.Width, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
        Store(to, stride, u0, u1, u2, u3, u4, u5);
    }

    /// <summary>G·g through memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns(float** kernels, nint at, bool flipped, float* taps, float* columns)
    {
        Load(kernels, at, taps);
        float* from = flipped ? taps + (((F.Taps * F.Taps) - 1) * S.Width) : taps;
        nint step = flipped ? -S.Width : S.Width;
        for (int j = 0; j < F.Taps; j++, from += step, columns += S.Width)
        {
            F.Filter(from, F.Taps * step, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
            Store(columns, F.Taps * S.Width, u0, u1, u2, u3, u4, u5);
        }
    }

    /// <summary>U of nine taps: the registers hold them, and G·g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform3(float** kernels, nint at, bool flipped, float* u, nint stride)
    {
        S.LoadOcts(kernels, at, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7);
        S.LoadQuads(kernels, at + 5, out _, out _, out _, out V g8);
        if (flipped)
        {
            (g0, g8) = (g8, g0);
            (g1, g7) = (g7, g1);
            (g2, g6) = (g6, g2);
            (g3, g5) = (g5, g3);
        }

        WinogradF4K3<S, V>.Filter(g0, g3, g6, out V u00, out V u10, out V u20, out V u30, out V u40, out V u50);
        WinogradF4K3<S, V>.Filter(g1, g4, g7, out V u01, out V u11, out V u21, out V u31, out V u41, out V u51);
        WinogradF4K3<S, V>.Filter(g2, g5, g8, out V u02, out V u12, out V u22, out V u32, out V u42, out V u52);
        nint next = WinogradPoints.Reach * stride;
        Row3(u00, u01, u02, u, stride);
        Row3(u10, u11, u12, u + next, stride);
        Row3(u20, u21, u22, u + (2 * next), stride);
        Row3(u30, u31, u32, u + (3 * next), stride);
        Row3(u40, u41, u42, u + (4 * next), stride);
        Row3(u50, u51, u52, u + (5 * next), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row3(V g0, V g1, V g2, float* to, nint stride)
    {
        WinogradF4K3<S, V>.Filter(g0, g1, g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
        Store(to, stride, u0, u1, u2, u3, u4, u5);
    }

    /// <summary>The taps of each lane's kernel, a vector for each tap; the last quad ends with the kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float** kernels, nint at, float* taps)
    {
        const int Quad = WinogradPoints.Quad;
        float* to = taps;
        int tap = 0;
        for (; tap < (F.Taps * F.Taps) - Quad; tap += 2 * Quad, to += 2 * Quad * S.Width)
        {
            S.LoadOcts(kernels, at + tap, out V o0, out V o1, out V o2, out V o3, out V o4, out V o5, out V o6, out V o7);
            Store(to, S.Width, o0, o1, o2, o3, o4, o5);
            S.Store(to + (6 * S.Width), o6);
            S.Store(to + (7 * S.Width), o7);
        }

        tap = (F.Taps * F.Taps) - Quad;
        to = taps + (tap * S.Width);
        S.LoadQuads(kernels, at + tap, out V g0, out V g1, out V g2, out V g3);
        S.Store(to, g0);
        S.Store(to + S.Width, g1);
        S.Store(to + (2 * S.Width), g2);
        S.Store(to + (3 * S.Width), g3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, nint stride, V u0, V u1, V u2, V u3, V u4, V u5)
    {
        S.Store(to, u0);
        S.Store(to + stride, u1);
        S.Store(to + (2 * stride), u2);
        S.Store(to + (3 * stride), u3);
        S.Store(to + (4 * stride), u4);
        S.Store(to + (5 * stride), u5);
    }
}
