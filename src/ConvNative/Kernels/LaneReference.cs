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
                for (int k = 0; k < p.K; k++) sum = MathF.FusedMultiplyAdd(p.A[(r * p.RowStep) + (k * p.KStep) + q], p.B[(r * p.TapStep) + (k * lanes) + j], sum);
            p.C[(q * lanes) + j] += sum;
        }
    }

    /// <summary>u[t·tapStride + k·kStride + c] = tap t of kernel (c, k), turned by 180° where the order says so, c &lt; lanes</summary>
    public static void Turn(float* w, in FilterOrder order, int taps, int lanes, int K, float* u, nint tapStride, nint kStride)
    {
        for (int t = 0; t < taps; t++)
            for (int k = 0; k < K; k++)
                for (int c = 0; c < lanes; c++)
                    u[(t * tapStride) + (k * kStride) + c] = w[(c * order.LaneStride) + (k * order.KStride) + (order.Flipped ? taps - 1 - t : t)];
    }
}
