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

    /// <summary>db[c] = Σ over n &lt; N of dy[n·stride + c], in double: images of one pixel each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumImages(float* dy, nint stride, int N, int channels, float* db)
    {
        int c = 0;
        for (; c <= channels - 8; c += 8)
        {
            Vector256<double> low = Vector256<double>.Zero, high = low;
            float* p = dy + c;
            for (int n = 0; n < N; n++, p += stride)
            {
                (Vector256<double> first, Vector256<double> second) = Vector256.Widen(Vector256.Load(p));
                low += first;
                high += second;
            }

            Vector256.Narrow(low, high).Store(db + c);
        }

        for (; c < channels; c++)
        {
            double sum = 0;
            float* p = dy + c;
            for (int n = 0; n < N; n++, p += stride) sum += *p;
            db[c] = (float)sum;
        }
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
