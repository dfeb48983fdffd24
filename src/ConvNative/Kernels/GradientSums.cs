using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

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
    public static void Fold<S, V>(bool isPair, float* lanes, float* sums)
        where S : struct, ISimd<V>
        where V : struct => Fold<S, V>(
            isPair, S.Load(lanes), S.Load(lanes + S.Width), S.Load(lanes + (2 * S.Width)), S.Load(lanes + (3 * S.Width)),
            S.Load(lanes + (4 * S.Width)), S.Load(lanes + (5 * S.Width)), S.Load(lanes + (6 * S.Width)), S.Load(lanes + (7 * S.Width)),
            S.Load(lanes + (8 * S.Width)), S.Load(lanes + (9 * S.Width)), sums, isFirst: true);

    /// <summary>
    /// The lanes added up, neighbours first, until one is left, or one for either of two planes: sums += it, or = it if it is the first.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fold<S, V>(bool isPair, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7, V a8, V a9, float* sums, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        V low = S.SumFours(a0, a1, a2, a3), middle = S.SumFours(a4, a5, a6, a7), high = S.SumFours(a8, a9, a8, a9);
        if (S.Width == 4)
        {
            Add<S, V>(isFirst, sums, low);
            Add<S, V>(isFirst, sums + 4, middle);
            Add<S, V>(isFirst, sums + 8, high);
            return;
        }

        V even = S.EvenFours(low, middle), odd = S.OddFours(low, middle), even8 = S.EvenFours(high, high), odd8 = S.OddFours(high, high);
        if (S.Width == 8)
        {
            Add<S, V>(isFirst, sums, isPair ? even : S.Add(even, odd));
            Add<S, V>(isFirst, sums + 8, isPair ? even8 : S.Add(even8, odd8));
            if (!isPair) return;
            Add<S, V>(isFirst, sums + Pitch, odd);
            Add<S, V>(isFirst, sums + Pitch + 8, odd8);
        }
        else
        {
            low = S.Add(even, odd);
            high = S.Add(even8, odd8);
            even = S.EvenFours(low, high);
            odd = S.OddFours(low, high);
            Add<S, V>(isFirst, sums, isPair ? even : S.Add(even, odd));
            if (isPair) Add<S, V>(isFirst, sums + Pitch, odd);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V>(bool isFirst, float* sums, V value)
        where S : struct, ISimd<V>
        where V : struct => S.Store(sums, isFirst ? value : S.Add(S.Load(sums), value));

    /// <summary>The sums of a plane, or of two, as dw and db, which may be null; the second plane's stand so many channels on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(bool isPair, float* sums, float* dw, float* db, nint second)
    {
        Put(sums, dw, db);
        if (isPair) Put(sums + Pitch, dw + (9 * second), db == null ? null : db + second);
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
