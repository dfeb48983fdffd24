namespace ConvNative.Kernels;

/// <summary>The specifications of <see cref="LaneRows{S, V}"/> and <see cref="LaneFilter{S, V}"/> in plain loops.</summary>
internal static unsafe class LaneReference
{
    /// <summary><see cref="LaneProduct"/> for so many lanes.</summary>
    public static void Multiply(in LaneProduct p, int pixels, int lanes)
    {
        for (int q = 0; q < pixels; q++)
        for (int j = 0; j < lanes; j++)
        {
            float sum = 0;
            for (int r = 0; r < p.Rows; r++)
                for (int s = 0; s < p.Columns; s++)
                {
                    if (IsLeftOut(p.Skips[s], q, pixels)) continue;
                    float* a = p.A + (r * p.RowStep) + (s * p.ColumnStep) + q, b = p.B + (r * p.RowTaps) + (s * p.TapStep) + j;
                    for (int k = 0; k < p.K; k++) sum = MathF.FusedMultiplyAdd(a[k * p.KStep], b[k * lanes], sum);
                }

            p.C[(q * lanes) + j] += sum;
        }
    }

    private static bool IsLeftOut(LaneSkip skip, int pixel, int pixels) => skip switch
    {
        LaneSkip.None => false,
        LaneSkip.All => true,
        <= LaneSkip.Left3 => pixel < (int)skip,
        _ => pixel >= pixels - (skip - LaneSkip.Left3),
    };

    /// <summary>u[t·tapStride + k·kStride + c] = tap t of kernel (c, k), turned by 180° where the order says so, c &lt; lanes</summary>
    public static void Turn(float* w, in FilterOrder order, int taps, int lanes, int K, float* u, nint tapStride, nint kStride)
    {
        for (int t = 0; t < taps; t++)
            for (int k = 0; k < K; k++)
                for (int c = 0; c < lanes; c++)
                    u[(t * tapStride) + (k * kStride) + c] = w[(c * order.LaneStride) + (k * order.KStride) + (order.Flipped ? taps - 1 - t : t)];
    }
}
