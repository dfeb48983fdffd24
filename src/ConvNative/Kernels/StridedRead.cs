using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Reads lanes from p[0], p[stride], p[2·stride] …: how <see cref="Im2Col"/> takes every stride-th pixel of a row.</summary>
internal unsafe interface IStridedRead<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>All lanes, where p[Width·stride] may be read as well.</summary>
    static abstract V Inner(float* p, int stride);

    /// <summary>The first <paramref name="lanes"/> lanes (1 … Width), the others any value; reads nothing at or beyond <paramref name="end"/>.</summary>
    static abstract V Last(float* p, int stride, int lanes, float* end);
}

/// <summary>Stride 1: plain loads.</summary>
internal readonly unsafe struct UnitRead<S, V> : IStridedRead<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Inner(float* p, int stride) => S.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Last(float* p, int stride, int lanes, float* end) =>
        p + S.Width <= end ? S.Load(p) : S.LoadPartial(p, lanes);
}

/// <summary>Stride 2: the even lanes of two vectors.</summary>
internal readonly unsafe struct PairRead<S, V> : IStridedRead<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Inner(float* p, int stride) => S.Even(S.Load(p), S.Load(p + S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Last(float* p, int stride, int lanes, float* end)
    {
        if (p + (2 * S.Width) <= end)
            return Inner(p, stride);
        int low = Math.Min((2 * lanes) - 1, S.Width);
        int high = (2 * lanes) - 1 - low;
        return S.Even(S.LoadPartial(p, low), S.LoadPartial(p + low, high));
    }
}

/// <summary>Stride 4: every fourth lane of four vectors.</summary>
internal readonly unsafe struct QuadRead<S, V> : IStridedRead<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Inner(float* p, int stride) => S.Even(
        S.Even(S.Load(p), S.Load(p + S.Width)), S.Even(S.Load(p + (2 * S.Width)), S.Load(p + (3 * S.Width))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Last(float* p, int stride, int lanes, float* end) =>
        p + (4 * S.Width) <= end ? Inner(p, stride) : GatherRead<S, V>.Last(p, stride, lanes, end);
}

/// <summary>Any stride: lanes collected one by one.</summary>
internal readonly unsafe struct GatherRead<S, V> : IStridedRead<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Inner(float* p, int stride) => S.LoadStrided(p, stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Last(float* p, int stride, int lanes, float* end) =>
        p + ((S.Width - 1) * (nint)stride) < end ? S.LoadStrided(p, stride) : Partial(p, stride, lanes);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static V Partial(float* p, nint stride, int lanes)
    {
        float* buffer = stackalloc float[S.Width];
        for (int i = 0; i < lanes; i++)
            buffer[i] = p[i * stride];
        return S.Load(buffer);
    }
}
