using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Where the 3×3 kernels of a matrix of channels lie: rows are the channels written, k the channels summed over.</summary>
/// <param name="RowStride">Floats between rows.</param>
/// <param name="KStride">Floats between k.</param>
/// <param name="Flipped">Each kernel is turned by 180°, as the backward direction needs it.</param>
internal readonly record struct WinogradFilterOrder(nint RowStride, nint KStride, bool Flipped);

/// <summary>U = G·g·Gᵀ, written into A panels of <see cref="GemmKernel"/>, one matrix for each product.</summary>
internal static unsafe class WinogradFilter<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Taps = 9;

    // So many k go through a buffer: 36 streams of single vectors are too many for the caches, and vectors are loaded long after their
    // parts were stored.
    private const int KAtOnce = 16;

    /// <summary>One panel: <code>u[f·productStride + k·MR + r] = product f of kernel (r, k);  0 for r ≥ rows</code></summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panel(float* w, in WinogradFilterOrder order, int rows, int K, int MR, float* u, nint productStride)
    {
        int stride = BlockSizes.RoundUp(MR, S.Width), buffered = (KAtOnce * MR) + S.Width;   // a vector may reach beyond the last k
        float* taps = stackalloc float[KAtOnce * Taps * stride], products = stackalloc float[WinogradF4K3.Products * buffered];
        new Span<float>(taps, KAtOnce * Taps * stride).Clear();
        for (int first = 0; first < K; first += KAtOnce, w += KAtOnce * order.KStride, u += KAtOnce * MR)
        {
            int count = Math.Min(KAtOnce, K - first);
            for (int k = 0; k < count; k++) Collect(w + k * order.KStride, order, rows, taps + k * Taps * stride, stride);
            for (int k = 0; k < count; k++)
                for (int r = 0; r < MR; r += S.Width) Transform(taps + k * Taps * stride + r, stride, products + k * MR + r, buffered);
            for (int f = 0; f < WinogradF4K3.Products; f++)
                new Span<float>(products + f * buffered, count * MR).CopyTo(new Span<float>(u + f * productStride, count * MR));
        }
    }

    /// <summary>taps[t][r] = tap t of row r.</summary>
    private static void Collect(float* w, in WinogradFilterOrder order, int rows, float* taps, int stride)
    {
        int step = order.Flipped ? -1 : 1;
        if (order.Flipped) w += Taps - 1;
        for (int r = 0; r < rows; r++, w += order.RowStride)
            for (int t = 0; t < Taps; t++) taps[t * stride + r] = w[t * step];
    }

    /// <summary>G·g·Gᵀ, one row in each lane.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform(float* g, int stride, float* u, nint productStride)
    {
        float* columns = stackalloc float[3 * WinogradF4K3.Reach * S.Width];
        for (int j = 0; j < 3; j++)
            Filter(S.Load(g + j * stride), S.Load(g + (j + 3) * stride), S.Load(g + (j + 6) * stride), columns + j * S.Width, 3 * S.Width);
        for (int i = 0; i < WinogradF4K3.Reach; i++, columns += 3 * S.Width, u += WinogradF4K3.Reach * productStride)
            Filter(S.Load(columns), S.Load(columns + S.Width), S.Load(columns + 2 * S.Width), u, productStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Filter(V g0, V g1, V g2, float* to, nint stride)
    {
        WinogradF4K3<S, V>.Filter(g0, g1, g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
        S.Store(to, u0);
        S.Store(to + stride, u1);
        S.Store(to + 2 * stride, u2);
        S.Store(to + 3 * stride, u3);
        S.Store(to + 4 * stride, u4);
        S.Store(to + 5 * stride, u5);
    }
}
