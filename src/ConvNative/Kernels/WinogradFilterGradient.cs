using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>dw = Gᵀ·m·G for a matrix of channels, one input channel in each lane.</summary>
internal static unsafe class WinogradFilterGradient<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Taps = 9;

    /// <summary>
    /// <code>product f of channels (oc, ic) = m[f·productStride + oc·rowStride + ic],   its 9 taps = dw[oc·dwStride + 9·ic …]</code>
    /// </summary>
    /// <param name="OCs">Output channels.</param>
    /// <param name="ICs">Input channels.</param>
    /// <param name="m">The first product of the first channels; whole vectors are read.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="rowStride">Floats between output channels.</param>
    /// <param name="dw">The first channels' gradient.</param>
    /// <param name="dwStride">Floats between output channels of dw.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(int OCs, int ICs, float* m, nint productStride, nint rowStride, float* dw, nint dwStride)
    {
        float** kernels = stackalloc float*[S.Width], part = stackalloc float*[S.Width];
        float* taps = stackalloc float[S.Width * Taps];
        float* rows = stackalloc float[(3 * WinogradPoints.Reach * S.Width) + StackBuffer.Slack];
        rows = StackBuffer.Align(rows);
        for (int i = 0; i < S.Width; i++) part[i] = taps + (i * Taps);
        for (int oc = 0; oc < OCs; oc++, m += rowStride, dw += dwStride)
        {
            for (int i = 0; i < S.Width; i++) kernels[i] = dw + (i * Taps);
            for (int ic = 0; ic < ICs; ic += S.Width)
            {
                int lanes = Math.Min(S.Width, ICs - ic);
                Columns(m + ic, productStride, rows);
                if (lanes == S.Width)
                {
                    Rows(rows, kernels, (nint)ic * Taps);
                    continue;
                }

                Rows(rows, part, 0);
                for (int i = 0; i < lanes * Taps; i++) dw[((nint)ic * Taps) + i] = taps[i];
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
        nint row = WinogradPoints.Reach * stride, next = WinogradPoints.Reach * S.Width;
        WinogradF4K3<S, V>.FilterTransposed(
            S.Load(m), S.Load(m + row), S.Load(m + (2 * row)), S.Load(m + (3 * row)), S.Load(m + (4 * row)), S.Load(m + (5 * row)),
            out V g0, out V g1, out V g2);
        S.Store(to, g0);
        S.Store(to + next, g1);
        S.Store(to + (2 * next), g2);
    }

    /// <summary>(Gᵀ·m)·G, and the nine taps of each lane to its kernel. Quads overlap, so that none reaches over a kernel's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows(float* from, float** kernels, nint at)
    {
        Row(from, out V g0, out V g1, out V g2);
        Row(from + (WinogradPoints.Reach * S.Width), out V g3, out V g4, out V g5);
        Row(from + (2 * WinogradPoints.Reach * S.Width), out V g6, out V g7, out V g8);
        S.StoreQuads(kernels, at, g0, g1, g2, g3);
        S.StoreQuads(kernels, at + 4, g4, g5, g6, g7);
        S.StoreQuads(kernels, at + 5, g5, g6, g7, g8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, out V g0, out V g1, out V g2) =>
        WinogradF4K3<S, V>.FilterTransposed(
            S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)), S.Load(from + (4 * S.Width)),
            S.Load(from + (5 * S.Width)), out g0, out g1, out g2);
}
