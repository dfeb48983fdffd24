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
        const int Quad = WinogradPoints.Quad, Oct = 2 * Quad;
        float** kernels = stackalloc float*[S.Width];
        for (int i = 0; i < S.Width; i++) kernels[i] = w + (Math.Min(i, lanes - 1) * order.LaneStride);
        if (order.Flipped)
        {
            u += (taps - 1) * tapStride;
            tapStride = -tapStride;
        }

        for (nint at = 0; K > 0; K--, at += order.KStride, u += kStride)
        {
            // Written out for kernels to 5×5: a loop's steps from tap to tap would go on into what another thread writes, as in WinogradFilter.
            if (taps >= Oct) Turn8(kernels, at, u, tapStride);
            if (taps >= 2 * Oct) Turn8(kernels, at + Oct, u + (Oct * tapStride), tapStride);
            if (taps >= 3 * Oct) Turn8(kernels, at + (2 * Oct), u + (2 * Oct * tapStride), tapStride);
            int tap = Math.Min(taps / Oct, 3) * Oct;
            for (; tap <= taps - Oct; tap += Oct) Turn8(kernels, at + tap, u + (tap * tapStride), tapStride);
            // The last ones end with the kernel.
            if (taps - tap > Quad && taps >= Oct) Turn8(kernels, at + taps - Oct, u + ((taps - Oct) * tapStride), tapStride);
            else if (tap < taps) Turn4(kernels, at + taps - Quad, u + ((taps - Quad) * tapStride), tapStride);
            if (taps is > Quad and < Oct) Turn4(kernels, at, u, tapStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn4(float** kernels, nint at, float* to, nint stride)
    {
        S.LoadQuads(kernels, at, out V g0, out V g1, out V g2, out V g3);
        S.Store(to, g0);
        S.Store(to + stride, g1);
        S.Store(to + (2 * stride), g2);
        S.Store(to + (3 * stride), g3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn8(float** kernels, nint at, float* to, nint stride)
    {
        S.LoadOcts(kernels, at, out V g0, out V g1, out V g2, out V g3, out V g4, out V g5, out V g6, out V g7);
        S.Store(to, g0);
        S.Store(to + stride, g1);
        S.Store(to + (2 * stride), g2);
        S.Store(to + (3 * stride), g3);
        to += 4 * stride;
        S.Store(to, g4);
        S.Store(to + stride, g5);
        S.Store(to + (2 * stride), g6);
        S.Store(to + (3 * stride), g7);
    }
}
