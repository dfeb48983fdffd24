using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The kernels of a vector of output channels, so that these are the lanes.</summary>
internal static unsafe class LaneFilter<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// <code>u[t·tapStride + k·kStride + c] = tap t of kernel (c, k), turned by 180° where the order says so,   c &lt; lanes, t &lt; taps</code>
    /// The other lanes of the vectors repeat the last channel. Kernels have at least a quad of taps.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* w, in FilterOrder order, int taps, int lanes, int K, float* u, nint tapStride, nint kStride)
    {
        const int Quad = WinogradPoints.Quad;
        float** kernels = stackalloc float*[S.Width];
        for (int i = 0; i < S.Width; i++) kernels[i] = w + (Math.Min(i, lanes - 1) * order.LaneStride);
        if (order.Flipped)
        {
            u += (taps - 1) * tapStride;
            tapStride = -tapStride;
        }

        for (nint at = 0; K > 0; K--, at += order.KStride, u += kStride)
        {
            for (int t = 0; t < taps; t += Quad)
            {
                int tap = Math.Min(t, taps - Quad);   // the last quad ends with the kernel

                S.LoadQuads(kernels, at + tap, out V g0, out V g1, out V g2, out V g3);
                float* to = u + (tap * tapStride);
                S.Store(to, g0);
                S.Store(to + tapStride, g1);
                S.Store(to + (2 * tapStride), g2);
                S.Store(to + (3 * tapStride), g3);
            }
        }
    }
}
