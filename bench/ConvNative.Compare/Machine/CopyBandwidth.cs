using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ConvNative.Compare.Machine;

/// <summary>Bytes read plus bytes written per second when blocks far larger than the caches are copied.</summary>
internal static unsafe class CopyBandwidth
{
    private const long BlockBytes = 128L << 20;
    private const int Repeats = 10;

    /// <summary>GB/s of all threads together, the best of several copies.</summary>
    public static double Best(int threads)
    {
        long bytes = BlockBytes / threads;
        double[,] seconds = new double[threads, Repeats];
        AtOnce.Run(threads, thread =>
        {
            byte* from = (byte*)NativeMemory.Alloc((nuint)bytes);
            byte* to = (byte*)NativeMemory.Alloc((nuint)bytes);
            new Span<byte>(from, (int)bytes).Fill(1);   // touched: else all reads meet one zero page
            new Span<byte>(to, (int)bytes).Clear();
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                long start = Stopwatch.GetTimestamp();
                Buffer.MemoryCopy(from, to, bytes, bytes);
                seconds[thread, repeat] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            NativeMemory.Free(from);
            NativeMemory.Free(to);
        });
        return Enumerable.Range(0, Repeats).Max(repeat => Enumerable.Range(0, threads).Sum(thread => 2 * bytes / seconds[thread, repeat])) / 1e9;
    }
}
