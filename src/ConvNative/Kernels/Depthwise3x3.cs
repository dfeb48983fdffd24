using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A band by 3×3 taps, the nine weights in registers. Where the rows of taps slide (stride = dilation), four rows of outputs are summed
/// at once from six rows of the band, each vector loaded once for up to three of them; else row by row.
/// </summary>
internal static unsafe class Depthwise3x3
{
    private const int Block = 4;

    /// <summary>As <see cref="DepthwiseTaps.Band"/>, for a stencil that is 3×3.</summary>
    /// <param name="t">The stencil.</param>
    /// <param name="first">First step of the band.</param>
    /// <param name="steps">Steps of the band.</param>
    /// <param name="band">What <see cref="DepthwiseRows"/> copied.</param>
    /// <param name="weights">The nine weights in the order of the taps.</param>
    /// <param name="result">Scratch memory for four rows of outputs.</param>
    /// <param name="output">The plane.</param>
    /// <param name="next">Floats that are read soon, 8 for each vector of outputs: they are fetched meanwhile.</param>
    public static void Band<S, V>(
        DepthwiseStencil t, int first, int steps, float* band, float* weights, float* result, in DepthwiseOutput output, float* next)
        where S : struct, ISimd<V>
        where V : struct
    {
        int rows = t.Slides && steps >= Block ? Block : 1;
        long width = t.Columns.Outputs, reach = (width + S.Width - 1) / S.Width * S.Width;
        for (int i = 0; i < steps; i += rows)
        {
            // The last block begins early enough to be whole; it computes some rows again.
            int row = Math.Min(i, steps - rows);
            long at = (first + row) * width;
            float* direct = output.Direct(at, at + ((rows - 1) * width) + reach);
            float* y = direct == null ? result : direct;
            nint ldy = (nint)(direct == null ? t.ResultPitch : width);
            if (rows == Block) FourRows<S, V>(t, band + (row * t.StepPitch), weights, output.Bias, y, ldy, next + (i * width));
            else OneRow<S, V>(t, band + (row * t.StepPitch), weights, output.Bias, y);
            if (direct != null) continue;
            for (int r = 0; r < rows; r++) output.Row<S, V>(t, result + (r * t.ResultPitch), at + (r * width));
        }
    }

    // The last vector of the rows first: what it writes beyond its row is the beginning of the next.
    private static void FourRows<S, V>(DepthwiseStencil t, float* source, float* w, float bias, float* y, nint ldy, float* next)
        where S : struct, ISimd<V>
        where V : struct
    {
        V w0 = S.Broadcast(w), w1 = S.Broadcast(w + 1), w2 = S.Broadcast(w + 2);
        V w3 = S.Broadcast(w + 3), w4 = S.Broadcast(w + 4), w5 = S.Broadcast(w + 5);
        V w6 = S.Broadcast(w + 6), w7 = S.Broadcast(w + 7), w8 = S.Broadcast(w + 8);
        nint c0 = t.Offsets[0], c1 = t.Offsets[1], c2 = t.Offsets[2], pitch = (nint)t.StepPitch;
        int width = t.Columns.Outputs;
        int last = (width - 1) / S.Width * S.Width;
        for (int i = -S.Width; i < last; i += S.Width)
        {
            int j = i < 0 ? last : i;
            float* p = source + j, to = y + j;
            Prefetch.ToL1(next + (4 * j));
            Prefetch.ToL1(next + (4 * j) + Prefetch.Line);
            V start = S.Create(bias);
            V x = S.Load(p + c0);
            V a0 = S.MultiplyAdd(x, w0, start);
            x = S.Load(p + c1);
            a0 = S.MultiplyAdd(x, w1, a0);
            x = S.Load(p + c2);
            a0 = S.MultiplyAdd(x, w2, a0);

            p += pitch;
            x = S.Load(p + c0);
            a0 = S.MultiplyAdd(x, w3, a0);
            V a1 = S.MultiplyAdd(x, w0, start);
            x = S.Load(p + c1);
            a0 = S.MultiplyAdd(x, w4, a0);
            a1 = S.MultiplyAdd(x, w1, a1);
            x = S.Load(p + c2);
            a0 = S.MultiplyAdd(x, w5, a0);
            a1 = S.MultiplyAdd(x, w2, a1);

            p += pitch;
            x = S.Load(p + c0);
            a0 = S.MultiplyAdd(x, w6, a0);
            a1 = S.MultiplyAdd(x, w3, a1);
            V a2 = S.MultiplyAdd(x, w0, start);
            x = S.Load(p + c1);
            a0 = S.MultiplyAdd(x, w7, a0);
            a1 = S.MultiplyAdd(x, w4, a1);
            a2 = S.MultiplyAdd(x, w1, a2);
            x = S.Load(p + c2);
            a0 = S.MultiplyAdd(x, w8, a0);
            a1 = S.MultiplyAdd(x, w5, a1);
            a2 = S.MultiplyAdd(x, w2, a2);

            p += pitch;
            x = S.Load(p + c0);
            a1 = S.MultiplyAdd(x, w6, a1);
            a2 = S.MultiplyAdd(x, w3, a2);
            V a3 = S.MultiplyAdd(x, w0, start);
            x = S.Load(p + c1);
            a1 = S.MultiplyAdd(x, w7, a1);
            a2 = S.MultiplyAdd(x, w4, a2);
            a3 = S.MultiplyAdd(x, w1, a3);
            x = S.Load(p + c2);
            a1 = S.MultiplyAdd(x, w8, a1);
            a2 = S.MultiplyAdd(x, w5, a2);
            a3 = S.MultiplyAdd(x, w2, a3);

            p += pitch;
            x = S.Load(p + c0);
            a2 = S.MultiplyAdd(x, w6, a2);
            a3 = S.MultiplyAdd(x, w3, a3);
            x = S.Load(p + c1);
            a2 = S.MultiplyAdd(x, w7, a2);
            a3 = S.MultiplyAdd(x, w4, a3);
            x = S.Load(p + c2);
            a2 = S.MultiplyAdd(x, w8, a2);
            a3 = S.MultiplyAdd(x, w5, a3);

            p += pitch;
            x = S.Load(p + c0);
            a3 = S.MultiplyAdd(x, w6, a3);
            x = S.Load(p + c1);
            a3 = S.MultiplyAdd(x, w7, a3);
            x = S.Load(p + c2);
            a3 = S.MultiplyAdd(x, w8, a3);

            S.Store(to, a0);
            S.Store(to + ldy, a1);
            S.Store(to + (2 * ldy), a2);
            S.Store(to + (3 * ldy), a3);
        }
    }

    private static void OneRow<S, V>(DepthwiseStencil t, float* source, float* w, float bias, float* y)
        where S : struct, ISimd<V>
        where V : struct
    {
        V w0 = S.Broadcast(w), w1 = S.Broadcast(w + 1), w2 = S.Broadcast(w + 2);
        V w3 = S.Broadcast(w + 3), w4 = S.Broadcast(w + 4), w5 = S.Broadcast(w + 5);
        V w6 = S.Broadcast(w + 6), w7 = S.Broadcast(w + 7), w8 = S.Broadcast(w + 8);
        V start = S.Create(bias);
        nint c0 = t.Offsets[0], c1 = t.Offsets[1], c2 = t.Offsets[2], pitch = t.Offsets[3] - t.Offsets[0];
        int width = t.Columns.Outputs;
        for (int j = 0; j < width; j += S.Width)
        {
            float* p = source + j;
            V a = S.MultiplyAdd(S.Load(p + c0), w0, start);
            V b = S.Multiply(S.Load(p + c1), w1);
            a = S.MultiplyAdd(S.Load(p + c2), w2, a);
            p += pitch;
            b = S.MultiplyAdd(S.Load(p + c0), w3, b);
            a = S.MultiplyAdd(S.Load(p + c1), w4, a);
            b = S.MultiplyAdd(S.Load(p + c2), w5, b);
            p += pitch;
            a = S.MultiplyAdd(S.Load(p + c0), w6, a);
            b = S.MultiplyAdd(S.Load(p + c1), w7, b);
            a = S.MultiplyAdd(S.Load(p + c2), w8, a);
            S.Store(y + j, S.Add(a, b));
        }
    }
}
