using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>p[l] and p[l + 1] for each lane l, 0 beyond the row.</summary>
internal unsafe interface INeighbours<TSelf, V>
    where TSelf : struct, INeighbours<TSelf, V>
    where V : struct
{
    /// <inheritdoc cref="IRowTaps{TSelf, V}.For"/>
    static abstract TSelf For(float* masks, nint second);

    /// <summary>Whether the upper half of the lanes belongs to another plane.</summary>
    static abstract bool IsPair { get; }

    void Load(float* p, out V here, out V next);
}

/// <summary>In one plane.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Neighbours<S, V>(float* masks) : INeighbours<Neighbours<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _here = S.Load(masks);
    private readonly V _next = S.Load(masks + S.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Neighbours<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V here, out V next)
    {
        here = S.LoadWhere(p, _here);
        next = S.LoadWhere(p + 1, _next);
    }
}

/// <summary>In one plane, a whole vector of p[l]; p[l + 1] of its last lane is masked, and where it does not exist, read from the vector.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct WholeNeighbours<S, V>(float* masks) : INeighbours<WholeNeighbours<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _after = S.Broadcast(masks + (2 * S.Width) - 1);
    private readonly nint _last = ((int*)masks)[(2 * S.Width) - 1] != 0 ? S.Width : S.Width - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WholeNeighbours<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V here, out V next)
    {
        here = S.Load(p);
        next = S.ShiftDown(here, S.And(S.Broadcast(p + _last), _after));
    }
}

/// <summary>In one plane, nothing after the vector.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct TurnNeighbours<S, V>(float* masks) : INeighbours<TurnNeighbours<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _here = S.Load(masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TurnNeighbours<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V here, out V next)
    {
        here = S.LoadWhere(p, _here);
        next = S.ShiftDown(here, S.Zero);
    }
}

/// <summary>In two planes, rows being shorter than a half of the lanes.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct PairNeighbours<S, V>(float* masks, nint second) : INeighbours<PairNeighbours<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks);
    private readonly V _high = S.Load(masks + S.Width);
    private readonly nint _second = second - (S.Width / 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairNeighbours<S, V> For(float* masks, nint second) => new(masks, second);

    public static bool IsPair => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V here, out V next)
    {
        here = S.LoadMasked(p + _second, _high, S.LoadWhere(p, _low));
        next = S.RotateDown(here);
    }
}
