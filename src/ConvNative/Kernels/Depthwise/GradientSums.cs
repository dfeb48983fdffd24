using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Whose the lanes of a vector are.</summary>
internal enum LanePlanes
{
    /// <summary>One plane's.</summary>
    One,

    /// <summary>Two planes', a half each.</summary>
    Halves,

    /// <summary>Two planes', two lanes of each in turn.</summary>
    Twos,
}

/// <summary>The sums of a 3×3 depthwise gradient: nine taps, then the bias. Each is a vector, whose lanes are added up in the end.</summary>
internal static unsafe class GradientSums
{
    public const int Count = 10;

    /// <summary>Floats from the sums of a plane to those of the next one, once the lanes are added up.</summary>
    public const int Pitch = 16;

    /// <summary>lanes += the ten sums, or = them if they are the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Keep<S, V>(V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, float* lanes, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (!isFirst)
        {
            a0 = S.Add(a0, S.Load(lanes));
            a1 = S.Add(a1, S.Load(lanes + S.Width));
            a2 = S.Add(a2, S.Load(lanes + (2 * S.Width)));
            a3 = S.Add(a3, S.Load(lanes + (3 * S.Width)));
            a4 = S.Add(a4, S.Load(lanes + (4 * S.Width)));
            a5 = S.Add(a5, S.Load(lanes + (5 * S.Width)));
            a6 = S.Add(a6, S.Load(lanes + (6 * S.Width)));
            a7 = S.Add(a7, S.Load(lanes + (7 * S.Width)));
            a8 = S.Add(a8, S.Load(lanes + (8 * S.Width)));
            a9 = S.Add(a9, S.Load(lanes + (9 * S.Width)));
        }

        S.Store(lanes, a0);
        S.Store(lanes + S.Width, a1);
        S.Store(lanes + (2 * S.Width), a2);
        S.Store(lanes + (3 * S.Width), a3);
        S.Store(lanes + (4 * S.Width), a4);
        S.Store(lanes + (5 * S.Width), a5);
        S.Store(lanes + (6 * S.Width), a6);
        S.Store(lanes + (7 * S.Width), a7);
        S.Store(lanes + (8 * S.Width), a8);
        S.Store(lanes + (9 * S.Width), a9);
    }

    /// <summary>sums = the lanes added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fold<S, V>(LanePlanes planes, float* lanes, float* sums)
        where S : struct, ISimd<V>
        where V : struct => Add<S, V>(
            planes, S.Load(lanes), S.Load(lanes + S.Width), S.Load(lanes + (2 * S.Width)), S.Load(lanes + (3 * S.Width)),
            S.Load(lanes + (4 * S.Width)), S.Load(lanes + (5 * S.Width)), S.Load(lanes + (6 * S.Width)), S.Load(lanes + (7 * S.Width)),
            S.Load(lanes + (8 * S.Width)), S.Load(lanes + (9 * S.Width)), sums, isFirst: true);

    /// <summary>sums += the lanes added up, or = them if they are the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<S, V>(LanePlanes planes, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        Fold<S, V>(planes, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, out V low, out V middle, out V high, out V secondLow, out V secondHigh);
        Add<S, V>(isFirst, sums, low);
        if (S.Width < 16) Add<S, V>(isFirst, sums + S.Width, S.Width == 4 ? middle : high);
        if (S.Width == 4) Add<S, V>(isFirst, sums + 8, high);
        if (planes == LanePlanes.One) return;
        Add<S, V>(isFirst, sums + Pitch, secondLow);
        if (S.Width == 8) Add<S, V>(isFirst, sums + Pitch + 8, secondHigh);
    }

    /// <summary>
    /// dw and db (which may be null) = the lanes added up; the second plane's stand so many channels on. They go there from the registers: a load
    /// of less than what was just stored waits for the store.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<S, V>(
        LanePlanes planes, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, float* dw, float* db, nint second)
        where S : struct, ISimd<V>
        where V : struct
    {
        Fold<S, V>(planes, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, out V low, out V middle, out V high, out V secondLow, out V secondHigh);
        Put<S, V>(low, middle, high, dw, db);
        if (planes != LanePlanes.One) Put<S, V>(secondLow, secondLow, secondHigh, dw + (9 * second), db == null ? null : db + second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<S, V>(V low, V middle, V high, float* dw, float* db)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (S.Width == 16) S.StorePartial(dw, low, 9);
        else
        {
            S.Store(dw, low);
            if (S.Width == 4) S.Store(dw + 4, middle);
            dw[8] = S.Lane(high, 0);
        }

        if (db != null) *db = S.Width == 16 ? S.Lane(low, 9) : S.Lane(high, 1);
    }

    /// <summary>
    /// The lanes added up, neighbours first, until one is left, or one for either of two planes. Sums 0 to 9 are in low where a vector has 16
    /// lanes, in low and high where it has 8, in low, middle and high where it has 4, the second plane's likewise.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold<S, V>(
        LanePlanes planes, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9,
        out V low, out V middle, out V high, out V secondLow, out V secondHigh)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (planes == LanePlanes.Twos)
        {
            // Fours of lanes: a sum of either plane, and the next sum's; then they are added up, four by four.
            V b0 = SumTwos<S, V>(a0, a1), b1 = SumTwos<S, V>(a2, a3), b2 = SumTwos<S, V>(a4, a5), b3 = SumTwos<S, V>(a6, a7);
            V b4 = SumTwos<S, V>(a8, a9);
            (b0, b1, b4) = (S.AddHalves(b0, b1), S.AddHalves(b2, b3), S.AddHalves(b4, b4));
            if (S.Width == 16) (b0, b1) = (AddFours<S, V>(b0, b1), AddFours<S, V>(b4, b4));
            (low, secondLow) = (S.Even(b0, b1), S.Odd(b0, b1));
            (middle, high, secondHigh) = (low, S.Even(b4, b4), S.Odd(b4, b4));
            return;
        }

        (low, middle, high) = (S.SumFours(a0, a1, a2, a3), S.SumFours(a4, a5, a6, a7), S.SumFours(a8, a9, a8, a9));
        (secondLow, secondHigh) = (low, high);
        if (S.Width == 4) return;

        // Two fours of lanes, or two twos of fours, are what is left: they belong to two planes, or are added up.
        (low, secondLow) = (S.EvenFours(low, middle), S.OddFours(low, middle));
        (high, secondHigh) = (S.EvenFours(high, high), S.OddFours(high, high));
        if (S.Width == 16)
        {
            (V even, V odd) = (S.Add(low, secondLow), S.Add(high, secondHigh));
            (low, secondLow) = (S.EvenFours(even, odd), S.OddFours(even, odd));
        }

        if (planes != LanePlanes.One) return;
        low = S.Add(low, secondLow);
        high = S.Add(high, secondHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SumTwos<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : struct => S.Add(S.EvenInFours(a, b), S.OddInFours(a, b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddFours<S, V>(V low, V high)
        where S : struct, ISimd<V>
        where V : struct => S.Add(S.EvenFours(low, high), S.OddFours(low, high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V>(bool isFirst, float* sums, V value)
        where S : struct, ISimd<V>
        where V : struct => S.Store(sums, isFirst ? value : S.Add(S.Load(sums), value));

    /// <summary>The sums of a plane, or of two, as dw and db, which may be null; the second plane's stand so many channels on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(LanePlanes planes, float* sums, float* dw, float* db, nint second)
    {
        Put(sums, dw, db);
        if (planes != LanePlanes.One) Put(sums + Pitch, dw + (9 * second), db == null ? null : db + second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* sums, float* dw, float* db)
    {
        Vector128.Load(sums).Store(dw);
        Vector128.Load(sums + 4).Store(dw + 4);
        dw[8] = sums[8];
        if (db != null) *db = sums[9];
    }
}
