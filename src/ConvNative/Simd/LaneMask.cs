using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ConvNative.Simd;

/// <summary>Masks with the first <c>count</c> lanes set, for masked loads and stores.</summary>
internal static class LaneMask
{
    // 16 lanes on, then 16 lanes off: a load that starts 16 − count in has just `count` lanes on.
    private static ReadOnlySpan<int> OnThenOff =>
    [
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> First256(int count) =>
        Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(OnThenOff), (nuint)(16 - count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> First512(int count) =>
        Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(OnThenOff), (nuint)(16 - count)).AsSingle();
}
