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

    /// <summary>One panel: <code>u[f·productStride + k·MR + r] = product f of kernel (r, k);  0 for r ≥ rows</code></summary>
    [SkipLocalsInit]
    public static void Panel(float* w, in WinogradFilterOrder order, int rows, int K, int MR, float* u, nint productStride)
    {
        int stride = BlockSizes.RoundUp(MR, S.Width);
        float* taps = stackalloc float[Taps * stride];
        new Span<float>(taps, Taps * stride).Clear();
        for (int k = 0; k < K; k++, w += order.KStride, u += MR)
        {
            for (int r = 0; r < rows; r++)
                for (int t = 0; t < Taps; t++) taps[t * stride + r] = w[r * order.RowStride + (order.Flipped ? Taps - 1 - t : t)];
            // A whole vector may reach into the next k, which is written after; the last k has no next one.
            for (int r = 0; r < MR; r += S.Width)
                Store(taps + r, stride, u + r, productStride, k < K - 1 ? S.Width : Math.Min(S.Width, MR - r));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(float* g, int stride, float* u, nint productStride, int lanes)
    {
        float* columns = stackalloc float[3 * WinogradF4K3.Reach * S.Width];
        for (int j = 0; j < 3; j++)
        {
            WinogradF4K3<S, V>.Filter(
                S.Load(g + j * stride), S.Load(g + (j + 3) * stride), S.Load(g + (j + 6) * stride),
                out V c0, out V c1, out V c2, out V c3, out V c4, out V c5);
            float* to = columns + j * S.Width;
            S.Store(to, c0);
            S.Store(to + 3 * S.Width, c1);
            S.Store(to + 6 * S.Width, c2);
            S.Store(to + 9 * S.Width, c3);
            S.Store(to + 12 * S.Width, c4);
            S.Store(to + 15 * S.Width, c5);
        }

        for (int i = 0; i < WinogradF4K3.Reach; i++, columns += 3 * S.Width, u += WinogradF4K3.Reach * productStride)
        {
            WinogradF4K3<S, V>.Filter(
                S.Load(columns), S.Load(columns + S.Width), S.Load(columns + 2 * S.Width),
                out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);
            Store(u, u0, lanes);
            Store(u + productStride, u1, lanes);
            Store(u + 2 * productStride, u2, lanes);
            Store(u + 3 * productStride, u3, lanes);
            Store(u + 4 * productStride, u4, lanes);
            Store(u + 5 * productStride, u5, lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, V value, int lanes)
    {
        if (lanes == S.Width) S.Store(to, value);
        else S.StorePartial(to, value, lanes);
    }
}
