namespace ConvNative.Kernels;

/// <summary>The bias of an output channel and its gradient.</summary>
internal static unsafe class Bias
{
    /// <summary>rows × columns of y (distance ldy) filled with b[row]; with 0 where b is null.</summary>
    public static void Fill(float* b, int rows, int columns, float* y, nint ldy)
    {
        for (int row = 0; row < rows; row++)
            new Span<float>(y + (row * ldy), columns).Fill(b == null ? 0 : b[row]);
    }

    /// <summary>db[oc] = Σ_{n,p} dy[n, oc, p]: each plane in float vectors, the planes in double.</summary>
    public static void Gradient(in ConvSizes s, int oc, float* dy, float* db)
    {
        double sum = 0;
        for (int n = 0; n < s.N; n++)
        {
            float* plane = dy + ((((long)n * s.OC) + oc) * s.OutputPixels);
            sum += Sum(plane, s.OutputPixels);
        }

        db[oc] = (float)sum;
    }

    // Short runs keep the float sums short; TensorPrimitives is not used so that the core has no dependency.
    private static double Sum(float* p, int count)
    {
        const int Run = 1024;
        double sum = 0;
        for (int start = 0; start < count; start += Run)
        {
            int end = Math.Min(start + Run, count);
            var lanes = System.Runtime.Intrinsics.Vector256<float>.Zero;
            int i = start;
            for (; i <= end - 8; i += 8) lanes += System.Runtime.Intrinsics.Vector256.Load(p + i);
            float tail = System.Runtime.Intrinsics.Vector256.Sum(lanes);
            for (; i < end; i++) tail += p[i];
            sum += tail;
        }

        return sum;
    }
}
