using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Stride 2, away from the edges: even and odd lanes of twice as many floats.</summary>
internal readonly unsafe struct EvenOddTaps<S, V> : IRowTaps<EvenOddTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddTaps<S, V> For(float* masks, nint second) => default;

    public static bool IsWhole => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.Load(p + 1), high = S.Load(p + 1 + S.Width);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.ShiftUp(t2, S.Broadcast(p));
    }
}

/// <summary>Stride 2, two whole vectors at the left edge: see <see cref="UnitSideTaps{S, V}"/>.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct EvenOddSideTaps<S, V>(float* masks) : IRowTaps<EvenOddSideTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _before = S.Load(masks);
    private readonly nint _first = ((int*)masks)[S.Width - 1] != 0 ? 0 : 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddSideTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsWhole => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.Load(p + 1), high = S.Load(p + 1 + S.Width);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.ShiftUp(t2, S.And(S.Broadcast(p + _first), _before));
    }
}

/// <summary>Stride 2 at an edge: a mask for each vector, and one whose last lane is tap 0 of the first output.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct EvenOddEdgeTaps<S, V>(float* masks) : IRowTaps<EvenOddEdgeTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _before = S.Load(masks);
    private readonly V _low = S.Load(masks + (2 * S.Width));
    private readonly V _high = S.Load(masks + (3 * S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddEdgeTaps<S, V> For(float* masks, nint second) => new(masks);

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _low), high = S.LoadWhere(p + 1 + S.Width, _high);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.ShiftUp(t2, S.LoadWhere(p + 1 - S.Width, _before));
    }
}

/// <summary>Stride 2 at the right edge: see <see cref="UnitTailTaps{S, V}"/>.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct EvenOddTailTaps<S, V>(float* masks) : IRowTaps<EvenOddTailTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks + (2 * S.Width));
    private readonly V _high = S.Load(masks + (3 * S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddTailTaps<S, V> For(float* masks, nint second) => new(masks);

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _low), high = S.LoadWhere(p + 1 + S.Width, _high);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.ShiftUp(t2, S.Broadcast(p));
    }
}

/// <summary>Stride 2, a whole row that has a zero on either side and is shorter than two vectors: see <see cref="UnitTurnTaps{S, V}"/>.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct EvenOddTurnTaps<S, V>(float* masks) : IRowTaps<EvenOddTurnTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks + (2 * S.Width));
    private readonly V _high = S.Load(masks + (3 * S.Width));

    public static bool Turns => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddTurnTaps<S, V> For(float* masks, nint second) => new(masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _low), high = S.LoadWhere(p + 1 + S.Width, _high);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.RotateUp(t2);
    }
}

/// <summary>The same with a row of each of two planes, the second plane <paramref name="second"/> floats on.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct EvenOddPairTaps<S, V>(float* masks, nint second) : IRowTaps<EvenOddPairTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _mask = S.Load(masks + (2 * S.Width));

    public static bool IsPair => true;

    public static bool Turns => true;

    public static int Stride => 2;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddPairTaps<S, V> For(float* masks, nint second) => new(masks, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _mask), high = S.LoadWhere(p + 1 + second, _mask);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.RotateUp(t2);
    }
}
