using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>Vectors on the stack, which the runtime aligns to 16 bytes only: a vector that lies on two cache lines costs twice.</summary>
internal static unsafe class StackBuffer
{
    /// <summary>Floats to allocate beyond those that are used.</summary>
    public const int Slack = Prefetch.Line;

    /// <summary>The first float of a cache line at or behind <paramref name="buffer"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Align(float* buffer) => (float*)(((nuint)buffer + (Slack * sizeof(float)) - 1) & ~(nuint)((Slack * sizeof(float)) - 1));
}
