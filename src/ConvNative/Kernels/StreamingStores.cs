using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Kernels;

/// <summary>
/// Stores past the caches (<see cref="Simd.ISimd{V}.StoreLine"/>), for results that the caches would not keep: a line that is stored otherwise is read from memory
/// first.
/// </summary>
internal static unsafe class StreamingStores
{
    /// <summary>
    /// Results that are more bytes than this, or what a thread reads and writes where that is much the same, do not stay in L3 (measured on Zen 4 and 5, 32 MB for
    /// 8 cores).
    /// </summary>
    public const long From = 24 << 20;

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
