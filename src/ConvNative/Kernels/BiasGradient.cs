using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ConvNative.Kernels;

/// <summary>The gradient of the bias.</summary>
internal static unsafe class BiasGradient
{
    /// <summary>db[oc] = Σ_{n,p} dy[n, oc, p]: each plane in float vectors, the planes in double.</summary>
    public static void Sum(in ConvSizes s, int oc, float* dy, float* db)
    {
        double sum = 0;
        for (int n = 0; n < s.N; n++)
        {
            float* plane = dy + ((((long)n * s.OC) + oc) * s.OutputPixels);
            sum += SumPlane(plane, s.OutputPixels);
        }

        db[oc] = (float)sum;
    }

    // Short runs keep the float sums short; four sums side by side keep the adders busy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumPlane(float* p, int count)
    {
        const int Run = 1024;
        double sum = 0;
        for (int start = 0; start < count; start += Run)
        {
            int end = Math.Min(start + Run, count);
            Vector256<float> lanes = Vector256<float>.Zero, lanes1 = lanes, lanes2 = lanes, lanes3 = lanes;
            int i = start;
            for (; i <= end - 32; i += 32)
            {
                lanes += Vector256.Load(p + i);
                lanes1 += Vector256.Load(p + i + 8);
                lanes2 += Vector256.Load(p + i + 16);
                lanes3 += Vector256.Load(p + i + 24);
            }

            lanes = (lanes + lanes1) + (lanes2 + lanes3);
            for (; i <= end - 8; i += 8) lanes += Vector256.Load(p + i);
            float tail = Vector256.Sum(lanes);
            for (; i < end; i++) tail += p[i];
            sum += tail;
        }

        return sum;
    }
}
