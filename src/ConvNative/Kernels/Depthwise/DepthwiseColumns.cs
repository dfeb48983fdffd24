using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A vector of outputs in each of R rows, 4, 7 or 8, by columns of K taps, 1 to 7, of which each stands a row under the one before: K weights and R sums
/// are in registers, and a row that is loaded, nearly always from two cache lines, serves all taps of its column.
/// </summary>
internal static unsafe class DepthwiseColumns<S, V, R, K>
    where S : struct, ISimd<V>
    where V : struct
    where R : struct, ICount
    where K : struct, ICount
{
    /// <summary>
    /// <code>To[i] = First[i] + Σ_planes Σ_columns Σₖ Weights[plane][indices[column·K] + k·WeightStep] · From[plane][offsets[column·K] + (i + k)·Pitch],   i &lt; R</code>
    /// </summary>
    /// <param name="t">Where all of this is.</param>
    /// <param name="columns">Columns of taps.</param>
    /// <param name="offsets">Of all their taps.</param>
    /// <param name="indices">Which weights their taps are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(in StencilSums t, int columns, int* offsets, int* indices)
    {
        nint pitch = t.Pitch, step = t.WeightStep;
        V a0 = First(t, 0), a1 = First(t, 1), a2 = First(t, 2), a3 = First(t, 3);
        V a4 = default, a5 = default, a6 = default, a7 = default;
        if (R.Value > 4) (a4, a5, a6) = (First(t, 4), First(t, 5), First(t, 6));
        if (R.Value > 7) a7 = First(t, 7);
        float* from = t.From, weights = t.Weights;
        for (int plane = t.Planes; plane > 0; plane--, from += t.PlanePitch, weights += t.WeightsPitch)
        for (int column = 0; column < columns; column++)
        {
            float* p = from + offsets[column * K.Value], taps = weights + indices[column * K.Value];
            V w0 = Weight(taps, 0, step), w1 = Weight(taps, 1, step), w2 = Weight(taps, 2, step), w3 = Weight(taps, 3, step);
            V w4 = Weight(taps, 4, step), w5 = Weight(taps, 5, step), w6 = Weight(taps, 6, step);
            V x = S.Load(p);
            a0 = S.MultiplyAdd(x, w0, a0);
            if (R.Value + K.Value > 2)
            {
                x = S.Load(p + pitch);
                a1 = S.MultiplyAdd(x, w0, a1);
                if (K.Value > 1) a0 = S.MultiplyAdd(x, w1, a0);
            }

            if (R.Value + K.Value > 3)
            {
                x = S.Load(p + (2 * pitch));
                a2 = S.MultiplyAdd(x, w0, a2);
                if (K.Value > 1) a1 = S.MultiplyAdd(x, w1, a1);
                if (K.Value > 2) a0 = S.MultiplyAdd(x, w2, a0);
            }

            if (R.Value + K.Value > 4)
            {
                x = S.Load(p + (3 * pitch));
                a3 = S.MultiplyAdd(x, w0, a3);
                if (K.Value > 1) a2 = S.MultiplyAdd(x, w1, a2);
                if (K.Value > 2) a1 = S.MultiplyAdd(x, w2, a1);
                if (K.Value > 3) a0 = S.MultiplyAdd(x, w3, a0);
            }

            if (R.Value + K.Value > 5)
            {
                x = S.Load(p + (4 * pitch));
                if (R.Value > 4) a4 = S.MultiplyAdd(x, w0, a4);
                if (K.Value > 1) a3 = S.MultiplyAdd(x, w1, a3);
                if (K.Value > 2) a2 = S.MultiplyAdd(x, w2, a2);
                if (K.Value > 3) a1 = S.MultiplyAdd(x, w3, a1);
                if (K.Value > 4) a0 = S.MultiplyAdd(x, w4, a0);
            }

            if (R.Value + K.Value > 6)
            {
                x = S.Load(p + (5 * pitch));
                if (R.Value > 5) a5 = S.MultiplyAdd(x, w0, a5);
                if (K.Value > 1 && R.Value > 4) a4 = S.MultiplyAdd(x, w1, a4);
                if (K.Value > 2) a3 = S.MultiplyAdd(x, w2, a3);
                if (K.Value > 3) a2 = S.MultiplyAdd(x, w3, a2);
                if (K.Value > 4) a1 = S.MultiplyAdd(x, w4, a1);
                if (K.Value > 5) a0 = S.MultiplyAdd(x, w5, a0);
            }

            if (R.Value + K.Value > 7)
            {
                x = S.Load(p + (6 * pitch));
                if (R.Value > 6) a6 = S.MultiplyAdd(x, w0, a6);
                if (K.Value > 1 && R.Value > 5) a5 = S.MultiplyAdd(x, w1, a5);
                if (K.Value > 2 && R.Value > 4) a4 = S.MultiplyAdd(x, w2, a4);
                if (K.Value > 3) a3 = S.MultiplyAdd(x, w3, a3);
                if (K.Value > 4) a2 = S.MultiplyAdd(x, w4, a2);
                if (K.Value > 5) a1 = S.MultiplyAdd(x, w5, a1);
                if (K.Value > 6) a0 = S.MultiplyAdd(x, w6, a0);
            }

            if (R.Value + K.Value > 8)
            {
                x = S.Load(p + (7 * pitch));
                if (R.Value > 7) a7 = S.MultiplyAdd(x, w0, a7);
                if (K.Value > 1 && R.Value > 6) a6 = S.MultiplyAdd(x, w1, a6);
                if (K.Value > 2 && R.Value > 5) a5 = S.MultiplyAdd(x, w2, a5);
                if (K.Value > 3 && R.Value > 4) a4 = S.MultiplyAdd(x, w3, a4);
                if (K.Value > 4) a3 = S.MultiplyAdd(x, w4, a3);
                if (K.Value > 5) a2 = S.MultiplyAdd(x, w5, a2);
                if (K.Value > 6) a1 = S.MultiplyAdd(x, w6, a1);
            }

            if (R.Value + K.Value > 9)
            {
                x = S.Load(p + (8 * pitch));
                if (K.Value > 1 && R.Value > 7) a7 = S.MultiplyAdd(x, w1, a7);
                if (K.Value > 2 && R.Value > 6) a6 = S.MultiplyAdd(x, w2, a6);
                if (K.Value > 3 && R.Value > 5) a5 = S.MultiplyAdd(x, w3, a5);
                if (K.Value > 4 && R.Value > 4) a4 = S.MultiplyAdd(x, w4, a4);
                if (K.Value > 5) a3 = S.MultiplyAdd(x, w5, a3);
                if (K.Value > 6) a2 = S.MultiplyAdd(x, w6, a2);
            }

            if (R.Value + K.Value > 10)
            {
                x = S.Load(p + (9 * pitch));
                if (K.Value > 2 && R.Value > 7) a7 = S.MultiplyAdd(x, w2, a7);
                if (K.Value > 3 && R.Value > 6) a6 = S.MultiplyAdd(x, w3, a6);
                if (K.Value > 4 && R.Value > 5) a5 = S.MultiplyAdd(x, w4, a5);
                if (K.Value > 5 && R.Value > 4) a4 = S.MultiplyAdd(x, w5, a4);
                if (K.Value > 6) a3 = S.MultiplyAdd(x, w6, a3);
            }

            if (R.Value + K.Value > 11)
            {
                x = S.Load(p + (10 * pitch));
                if (K.Value > 3 && R.Value > 7) a7 = S.MultiplyAdd(x, w3, a7);
                if (K.Value > 4 && R.Value > 6) a6 = S.MultiplyAdd(x, w4, a6);
                if (K.Value > 5 && R.Value > 5) a5 = S.MultiplyAdd(x, w5, a5);
                if (K.Value > 6 && R.Value > 4) a4 = S.MultiplyAdd(x, w6, a4);
            }

            if (R.Value + K.Value > 12)
            {
                x = S.Load(p + (11 * pitch));
                if (K.Value > 4 && R.Value > 7) a7 = S.MultiplyAdd(x, w4, a7);
                if (K.Value > 5 && R.Value > 6) a6 = S.MultiplyAdd(x, w5, a6);
                if (K.Value > 6 && R.Value > 5) a5 = S.MultiplyAdd(x, w6, a5);
            }

            if (R.Value + K.Value > 13)
            {
                x = S.Load(p + (12 * pitch));
                if (K.Value > 5 && R.Value > 7) a7 = S.MultiplyAdd(x, w5, a7);
                if (K.Value > 6 && R.Value > 6) a6 = S.MultiplyAdd(x, w6, a6);
            }

            if (R.Value + K.Value > 14)
            {
                x = S.Load(p + (13 * pitch));
                if (K.Value > 6 && R.Value > 7) a7 = S.MultiplyAdd(x, w6, a7);
            }
        }

        float* to = t.To;
        nint toPitch = t.ToPitch;
        S.Store(to, a0);
        S.Store(to + toPitch, a1);
        S.Store(to + (2 * toPitch), a2);
        if (R.Value == 4)
        {
            Last(to + (3 * toPitch), a3, t.LastCount);
            return;
        }

        S.Store(to + (3 * toPitch), a3);
        S.Store(to + (4 * toPitch), a4);
        S.Store(to + (5 * toPitch), a5);
        if (R.Value == 7)
        {
            Last(to + (6 * toPitch), a6, t.LastCount);
            return;
        }

        S.Store(to + (6 * toPitch), a6);
        Last(to + (7 * toPitch), a7, t.LastCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V First(in StencilSums t, int i) => S.Load(t.First + (i * t.FirstPitch));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Weight(float* taps, int k, nint step) =>
        K.Value > k ? S.Broadcast(taps + (k * step)) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Last(float* to, V a, int count)
    {
        if (count >= S.Width) S.Store(to, a);
        else S.StorePartial(to, a, count);
    }
}
