using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The masks of the neighbours of a strip's vector, or of what taps 0 and 2 read where those are loaded too.</summary>
internal static unsafe class UnitMasks<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>With AVX2 a masked load takes less than a shift across the halves of a vector, which is two shuffles.</summary>
    public static bool LoadsTaps => S.Width == 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Before(float* masks) => LoadsTaps ? S.ShiftUp(S.Load(masks + S.Width), S.Load(masks)) : S.Load(masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V After(float* masks) =>
        LoadsTaps ? S.ShiftDown(S.Load(masks + S.Width), S.Load(masks + (2 * S.Width))) : S.Load(masks + (2 * S.Width));
}

/// <summary>Stride 1, away from the edges.</summary>
internal readonly unsafe struct UnitTaps<S, V> : IRowTaps<UnitTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitTaps<S, V> For(float* masks, nint second) => default;

    public static bool IsWhole => true;

    public static int Stride => 1;

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
    private readonly V _before = UnitMasks<S, V>.Before(masks);
    private readonly V _after = UnitMasks<S, V>.After(masks);
    private readonly nint _first = ((int*)masks)[S.Width - 1] != 0 ? 0 : 1;
    private readonly nint _last = ((int*)masks)[2 * S.Width] != 0 ? S.Width + 1 : S.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitSideTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsWhole => true;

    public static int Stride => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.Load(p + 1);
        if (UnitMasks<S, V>.LoadsTaps)
        {
            t0 = S.LoadWhere(p, _before);
            t2 = S.LoadWhere(p + 2, _after);
            return;
        }

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
    private readonly V _before = UnitMasks<S, V>.Before(masks);
    private readonly V _mask = S.Load(masks + S.Width);
    private readonly V _after = UnitMasks<S, V>.After(masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitEdgeTaps<S, V> For(float* masks, nint second) => new(masks);

    public static int Stride => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadWhere(p + 1, _mask);
        t0 = UnitMasks<S, V>.LoadsTaps ? S.LoadWhere(p, _before) : S.ShiftUp(t1, S.LoadWhere(p + 1 - S.Width, _before));
        t2 = UnitMasks<S, V>.LoadsTaps ? S.LoadWhere(p + 2, _after) : S.ShiftDown(t1, S.LoadWhere(p + 1 + S.Width, _after));
    }
}

/// <summary>Stride 1 at the right edge, where the last lanes are no outputs: of the neighbours only the one before is read.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitTailTaps<S, V>(float* masks) : IRowTaps<UnitTailTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _mask = S.Load(masks + S.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitTailTaps<S, V> For(float* masks, nint second) => new(masks);

    public static int Stride => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadWhere(p + 1, _mask);
        t0 = S.ShiftUp(t1, S.Broadcast(p));
        t2 = S.RotateDown(t1);
    }
}

/// <summary>
/// The same in the last of several strips of a gradient: what is read beyond the outputs is cleared at once, see <see cref="WovenLastTaps{S, V}"/>.
/// </summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct UnitLastTaps<S, V>(float* masks) : IRowTaps<UnitLastTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _mask = OfOutputs(S.Load(masks + S.Width), masks);
    private readonly V _outputs = S.Load(masks + (Stencil3x3.OutputMask * S.Width));
    private readonly V _before = OfOutputs(UnitMasks<S, V>.Before(masks), masks);
    private readonly V _after = OfOutputs(UnitMasks<S, V>.After(masks), masks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitLastTaps<S, V> For(float* masks, nint second) => new(masks);

    public static int Stride => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        if (UnitMasks<S, V>.LoadsTaps)
        {
            t0 = S.LoadWhere(p, _before);
            t1 = S.LoadWhere(p + 1, _mask);
            t2 = S.LoadWhere(p + 2, _after);
            return;
        }

        V row = S.LoadWhere(p + 1, _mask);   // tap 2 of the last output reads one more
        t0 = S.And(S.ShiftUp(row, S.Broadcast(p)), _outputs);
        t1 = S.And(row, _outputs);
        t2 = S.And(S.RotateDown(row), _outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V OfOutputs(V mask, float* masks) =>
        UnitMasks<S, V>.LoadsTaps ? S.And(mask, S.Load(masks + (Stencil3x3.OutputMask * S.Width))) : mask;
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

    public static bool Turns => true;

    public static int Stride => 1;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadWhere(p + 1, _mask);
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

    public static bool Turns => true;

    public static int Stride => 1;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnitPairTaps<S, V> For(float* masks, nint second) => new(masks, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        t1 = S.LoadMasked(p + 1 + _second, _high, S.LoadWhere(p + 1, _low));
        t0 = S.RotateUp(t1);
        t2 = S.RotateDown(t1);
    }
}
