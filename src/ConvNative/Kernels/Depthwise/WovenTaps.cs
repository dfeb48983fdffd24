using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Stride 2, one zero on the left, for a gradient: taps 1 and 2 in the order of <see cref="ISimd{V}.Woven"/>, in which even and odd lanes are
/// told apart within fours of lanes, by an instruction that most parts of a processor have. What tap 0 reads is what tap 2 of the output before it
/// reads: Σ dy[j]·t0[j] = Σ dy[j + 1]·t2[j], so that dy is shifted instead, one row where x has two.
/// </summary>
internal readonly unsafe struct WovenTaps<S, V> : IRowTaps<WovenTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WovenTaps<S, V> For(float* masks, nint second) => default;

    public static bool IsWhole => true;

    public static bool IsWoven => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(WovenTaps<S, V> taps, float* dy, V row) => S.Woven(S.Load(dy + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.Load(p + 1), high = S.Load(p + 1 + S.Width);
        t1 = S.EvenInFours(low, high);
        t0 = t2 = S.OddInFours(low, high);
    }
}

/// <summary>The same at the right edge.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct WovenEdgeTaps<S, V>(float* masks) : IRowTaps<WovenEdgeTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks + (2 * S.Width));
    private readonly V _high = S.Load(masks + (3 * S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WovenEdgeTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsWoven => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(WovenEdgeTaps<S, V> taps, float* dy, V row) => S.WovenNext(row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _low), high = S.LoadWhere(p + 1 + S.Width, _high);
        t1 = S.EvenInFours(low, high);
        t0 = t2 = S.OddInFours(low, high);
    }
}

/// <summary>
/// The same in the last of several strips: what tap 0 may not read is cleared at once, since the other strips' sums are in the same lanes.
/// </summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct WovenLastTaps<S, V>(float* masks) : IRowTaps<WovenLastTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _low = S.Load(masks + (2 * S.Width));
    private readonly V _high = S.Load(masks + (3 * S.Width));
    private readonly V _next = S.Woven(S.Load(masks + (Stencil3x3.NextMask * S.Width)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WovenLastTaps<S, V> For(float* masks, nint second) => new(masks);

    public static bool IsWoven => true;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(WovenLastTaps<S, V> taps, float* dy, V row) => S.And(S.WovenNext(row), taps._next);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _low), high = S.LoadWhere(p + 1 + S.Width, _high);
        t1 = S.EvenInFours(low, high);
        t2 = S.OddInFours(low, high);
        t0 = S.And(t2, _next);
    }
}

/// <summary>
/// The same with a row of each of two planes, the second plane <paramref name="second"/> floats on; twos of lanes belong to either.
/// </summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct WovenPairTaps<S, V>(float* masks, nint second) : IRowTaps<WovenPairTaps<S, V>, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly V _mask = S.Load(masks + (2 * S.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WovenPairTaps<S, V> For(float* masks, nint second) => new(masks, second);

    public static bool IsPair => true;

    public static bool IsWoven => true;

    public static int Stride => 2;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(WovenPairTaps<S, V> taps, float* dy, V row) => S.WovenNext(row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(float* p, out V t0, out V t1, out V t2)
    {
        V low = S.LoadWhere(p + 1, _mask), high = S.LoadWhere(p + 1 + second, _mask);
        t1 = S.EvenInFours(low, high);
        t0 = t2 = S.OddInFours(low, high);
    }
}
