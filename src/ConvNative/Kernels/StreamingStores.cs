using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Kernels;

/// <summary>
/// Stores past the caches (<see cref="Simd.ISimd{V}.StoreLine"/>), for results that the caches would not keep: a line that is stored otherwise is read from memory
/// first.
/// </summary>
internal static unsafe class StreamingStores
{
    /// <summary>Bytes that stay in an L3: three quarters of it (measured on Zen 4 and 5, 32 MB for 8 cores). Of a larger one, other cores need their share.</summary>
    public static long NearBytes => Math.Min(CacheSizes.Machine.L3 / 4 * 3L, 64 << 20);

    /// <summary>Whether so many bytes, which threads read and write, do not stay in the L3 that they share.</summary>
    public static bool Pay(long bytes, int threads) => bytes / BlockSizes.CeilDiv(threads, CacheSizes.Machine.L3Sharers) > NearBytes;

    /// <summary>Whether a cache line begins at p, as such stores need it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool BeginsLine(float* p) => (nint)p % (Prefetch.Line * sizeof(float)) == 0;

    /// <summary>Ends them: before another thread takes what was stored as done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fence()
    {
        if (Sse.IsSupported) Sse.StoreFence();
    }
}
