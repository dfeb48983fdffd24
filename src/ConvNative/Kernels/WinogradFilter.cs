using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Where the 3×3 kernels of a matrix of channels lie.</summary>
/// <param name="LaneStride">Floats between the channels that are written.</param>
/// <param name="KStride">Floats between the channels that are summed over.</param>
/// <param name="Flipped">Each kernel is turned by 180°, as the backward direction needs it.</param>
internal readonly record struct WinogradFilterOrder(nint LaneStride, nint KStride, bool Flipped);

/// <summary>U = G·g·Gᵀ of the kernels of a vector of output channels.</summary>
internal static unsafe class WinogradFilter<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// <code>u[f·productStride + k·kStride + c] = product f of kernel (c, k),   c &lt; lanes</code>
    /// The other lanes of the vectors repeat the last channel.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(float* w, in WinogradFilterOrder order, int lanes, int K, float* u, nint productStride, nint kStride)
    {
        float** kernels = stackalloc float*[S.Width];
        float* columns = stackalloc float[3 * WinogradF4K3.Reach * S.Width];
        for (int i = 0; i < S.Width; i++) kernels[i] = w + (Math.Min(i, lanes - 1) * order.LaneStride);
        nint at = 0;
        for (; K > 0; K--, at += order.KStride, u += kStride)
        {
            S.LoadQuads(kernels, at, out V g0, out V g1, out V g2, out V g3);
            S.LoadQuads(kernels, at + 4, out V g4, out V g5, out V g6, out V g7);
            S.LoadQuads(kernels, at + 5, out _, out _, out _, out V g8);
            if (order.Flipped)
            {
                (g0, g8) = (g8, g0);
                (g1, g7) = (g7, g1);
                (g2, g6) = (g6, g2);
                (g3, g5) = (g5, g3);
            }

            nint next = 3 * S.Width;
            Filter(g0, g3, g6, columns, next);
            Filter(g1, g4, g7, columns + S.Width, next);
            Filter(g2, g5, g8, columns + (2 * S.Width), next);
            float* row = columns, to = u;
            for (int i = 0; i < WinogradF4K3.Reach; i++, row += next, to += WinogradF4K3.Reach * productStride)
                Filter(S.Load(row), S.Load(row + S.Width), S.Load(row + (2 * S.Width)), to, productStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Filter(V g0, V g1, V g2, float* to, nint stride)
    {
        WinogradF4K3<S, V>.Filter(g0, g1, g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
        S.Store(to, u0);
        S.Store(to + stride, u1);
        S.Store(to + (2 * stride), u2);
        S.Store(to + (3 * stride), u3);
        S.Store(to + (4 * stride), u4);
        S.Store(to + (5 * stride), u5);
    }
}
