using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// What a vector of results reads from one source row under three neighbouring taps: lane l gets p[l·stride], p[l·stride + 1] and
/// p[l·stride + 2]. A reader is made once for a strip and holds its masks; beyond the row it gives zeros and reads nothing.
/// </summary>
internal unsafe interface IRowTaps<TSelf, V>
    where TSelf : struct, IRowTaps<TSelf, V>
    where V : struct
{
    /// <summary>The reader of a strip with these masks (<see cref="Stencil3x3.MaskTable"/>), whose second plane is so many floats on.</summary>
    static abstract TSelf For(float* masks, nint second);

    /// <summary>Whether the upper half of the lanes belongs to another plane.</summary>
    static abstract bool IsPair { get; }

    /// <summary>Whether all lanes belong to the row and its outputs, so that nothing is masked.</summary>
    static abstract bool IsWhole { get; }

    /// <summary>The mask of the outputs of all planes; what the lanes beyond them read is not defined.</summary>
    static abstract int Outputs { get; }

    void Load(float* p, out V t0, out V t1, out V t2);
}

/// <summary>Stride 1, away from the edges.</summary>
internal readonly unsafe struct UnitTaps<S, V> : IRowTaps<UnitTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitTaps<S, V> For(float* masks, nint second) => default;

    public static bool IsPair => false;

    public static bool IsWhole => true;

    public static int Outputs => Stencil3x3.OutputMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.Load(p + 1);

        // A vector as long as a cache line lies on two lines nearly always, which costs more than a shift.
        t0 = S.Width < Prefetch.Line ? S.Load(p) : S.ShiftUp(t1, S.Broadcast(p));
        t2 = S.Width < Prefetch.Line ? S.Load(p + 2) : S.ShiftDown(t1, S.Broadcast(p + 1 + S.Width));
    }
}

/// <summary>
/// Stride 1, a whole vector at an edge: its neighbours' last and first lane are masked, and where they do not exist, read from the vector.
/// </summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitSideTaps<S, V>(float* masks) : IRowTaps<UnitSideTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _before = S.Load(masks);
    private readonly V _after = S.Load(masks + (2 * S.Width));
    private readonly nint _first = ((int*)masks)[S.Width - 1] != 0 ? 0 : 1;
    private readonly nint _last = ((int*)masks)[2 * S.Width] != 0 ? S.Width + 1 : S.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitSideTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    public static bool IsWhole => true;

    public static int Outputs => Stencil3x3.OutputMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.Load(p + 1);
        t0 = S.ShiftUp(t1, S.And(S.Broadcast(p + _first), _before));
        t2 = S.ShiftDown(t1, S.And(S.Broadcast(p + _last), _after));
    }
}

/// <summary>Stride 1 at an edge: a mask for the vector, and one each for its neighbours' last and first lane.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitEdgeTaps<S, V>(float* masks) : IRowTaps<UnitEdgeTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _before = S.Load(masks);
    private readonly V _mask = S.Load(masks + S.Width);
    private readonly V _after = S.Load(masks + (2 * S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitEdgeTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    public static bool IsWhole => false;

    public static int Outputs => Stencil3x3.OutputMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadMasked(p + 1, _mask, S.Zero);
        t0 = S.ShiftUp(t1, S.LoadMasked(p + 1 - S.Width, _before, S.Zero));
        t2 = S.ShiftDown(t1, S.LoadMasked(p + 1 + S.Width, _after, S.Zero));
    }
}

/// <summary>Stride 1, a whole row that has a zero on either side and is shorter than a vector: turned round, it brings a zero in.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitTurnTaps<S, V>(float* masks) : IRowTaps<UnitTurnTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _mask = S.Load(masks + S.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitTurnTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsPair => false;

    public static bool IsWhole => false;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadMasked(p + 1, _mask, S.Zero);
        t0 = S.RotateUp(t1);
        t2 = S.RotateDown(t1);
    }
}

/// <summary>The same with a row of each of two planes in the halves of the vector, the second plane <paramref name="second"/> floats on.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitPairTaps<S, V>(float* masks, nint second) : IRowTaps<UnitPairTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks + (Stencil3x3.OutputMask * S.Width));
    private readonly V _high = S.Load(masks + (Stencil3x3.SecondMask * S.Width));
    private readonly nint _second = second - (S.Width / 2);

    public static bool IsPair => true;

    public static bool IsWhole => false;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitPairTaps<S, V> For(float* masks, nint second) => new(masks, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadMasked(p + 1 + _second, _high, S.LoadMasked(p + 1, _low, S.Zero));
        t0 = S.RotateUp(t1);
        t2 = S.RotateDown(t1);
    }
}

/// <summary>Stride 2, away from the edges: even and odd lanes of twice as many floats.</summary>
internal readonly unsafe struct EvenOddTaps<S, V> : IRowTaps<EvenOddTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddTaps<S, V> For(float* masks, nint second) => default;

    public static bool IsPair => false;

    public static bool IsWhole => true;

    public static int Outputs => Stencil3x3.OutputMask;

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

    public static bool IsPair => false;

    public static bool IsWhole => true;

    public static int Outputs => Stencil3x3.OutputMask;

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

    public static bool IsPair => false;

    public static bool IsWhole => false;

    public static int Outputs => Stencil3x3.OutputMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadMasked(p + 1, _low, S.Zero), high = S.LoadMasked(p + 1 + S.Width, _high, S.Zero);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.ShiftUp(t2, S.LoadMasked(p + 1 - S.Width, _before, S.Zero));
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

    public static bool IsPair => false;

    public static bool IsWhole => false;

    public static int Outputs => Stencil3x3.OutputMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddTurnTaps<S, V> For(float* masks, nint second) => new(masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadMasked(p + 1, _low, S.Zero), high = S.LoadMasked(p + 1 + S.Width, _high, S.Zero);
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

    public static bool IsWhole => false;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EvenOddPairTaps<S, V> For(float* masks, nint second) => new(masks, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadMasked(p + 1, _mask, S.Zero), high = S.LoadMasked(p + 1 + second, _mask, S.Zero);
        t1 = S.Even(low, high);
        t2 = S.Odd(low, high);
        t0 = S.RotateUp(t2);
    }
}

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
        here = S.LoadMasked(p, _here, S.Zero);
        next = S.LoadMasked(p + 1, _next, S.Zero);
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
        here = S.LoadMasked(p, _here, S.Zero);
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
        here = S.LoadMasked(p + _second, _high, S.LoadMasked(p, _low, S.Zero));
        next = S.RotateDown(here);
    }
}
