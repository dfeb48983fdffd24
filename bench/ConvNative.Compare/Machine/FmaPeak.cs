using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Compare.Machine;

/// <summary>
/// The rate of fused multiply-adds on registers alone: what no convolution can exceed without doing less arithmetic. Twelve
/// independent accumulators cover the latency (4 or 5 cycles) times the units (2) of every x64 core.
/// </summary>
internal static class FmaPeak
{
    private const int Accumulators = 12;
    private const int ChunkIterations = 2000;   // some 10 µs: short beside a clock tick of a disturbance, long beside the clock's own cost
    private const double RampSeconds = 0.0005;  // a core that slept is slow at first

    private static float s_sink;

    /// <summary>GFLOP/s of all threads together over the given time.</summary>
    public static double Measure(int threads, double seconds)
    {
        double[] rates = new double[threads];
        AtOnce.Run(threads, thread =>
        {
            RateOfThisThread(RampSeconds);
            rates[thread] = RateOfThisThread(seconds);
        });
        return rates.Sum();
    }

    /// <summary>The best of many short windows, some of which nobody disturbs.</summary>
    public static double Best(int threads) => Enumerable.Range(0, 100).Max(_ => Measure(threads, 0.0015));

    private static double RateOfThisThread(double seconds)
    {
        (Func<long, float> loop, int width) = IsaSelection.Current switch
        {
            Isa.Avx512 => ((Func<long, float>)Loop<Simd512, Vector512<float>>, Simd512.Width),
            Isa.Avx2 => (Loop<Simd256, Vector256<float>>, Simd256.Width),
            _ => (Loop<Simd128, Vector128<float>>, Simd128.Width),
        };
        long chunks = 0;
        long start = Stopwatch.GetTimestamp();
        double elapsed;
        do
        {
            s_sink = loop(ChunkIterations);
            chunks++;
            elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        while (elapsed < seconds);
        return 2.0 * width * Accumulators * ChunkIterations * chunks / elapsed / 1e9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Loop<S, V>(long iterations)
        where S : struct, ISimd<V>
        where V : struct
    {
        V m = S.Create(0.999f);
        V a0 = S.Create(1), a1 = S.Create(2), a2 = S.Create(3), a3 = S.Create(4), a4 = S.Create(5), a5 = S.Create(6);
        V a6 = S.Create(7), a7 = S.Create(8), a8 = S.Create(9), a9 = S.Create(10), a10 = S.Create(11), a11 = S.Create(12);
        for (long i = 0; i < iterations; i++)
        {
            a0 = S.MultiplyAdd(a0, m, m);
            a1 = S.MultiplyAdd(a1, m, m);
            a2 = S.MultiplyAdd(a2, m, m);
            a3 = S.MultiplyAdd(a3, m, m);
            a4 = S.MultiplyAdd(a4, m, m);
            a5 = S.MultiplyAdd(a5, m, m);
            a6 = S.MultiplyAdd(a6, m, m);
            a7 = S.MultiplyAdd(a7, m, m);
            a8 = S.MultiplyAdd(a8, m, m);
            a9 = S.MultiplyAdd(a9, m, m);
            a10 = S.MultiplyAdd(a10, m, m);
            a11 = S.MultiplyAdd(a11, m, m);
        }

        V sum = S.Add(S.Add(S.Add(a0, a1), S.Add(a2, a3)), S.Add(S.Add(a4, a5), S.Add(a6, a7)));
        return S.Sum(S.Add(sum, S.Add(S.Add(a8, a9), S.Add(a10, a11))));
    }
}
