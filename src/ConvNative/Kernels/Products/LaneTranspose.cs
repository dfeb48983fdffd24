using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Transposes a few rows into a strip of a panel: <c>panel[k·R + i] = source[i·ld + k]</c> for k &lt; K and i below 4 or 8.
/// Of the rows only the first <c>lanes</c> exist (≥ 1); what stands in the places of the others is not defined.
/// </summary>
internal static unsafe class LaneTranspose
{
    /// <summary>Whether the machine has the instructions of <see cref="Pack8"/>.</summary>
    public static bool Has8 => Avx.IsSupported;

    /// <summary>8 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack8(float* source, nint ld, int K, int lanes, nint R, float* panel)
    {
        float* s0 = source, s1 = Row(source, ld, 1, lanes), s2 = Row(source, ld, 2, lanes), s3 = Row(source, ld, 3, lanes);
        float* s4 = Row(source, ld, 4, lanes), s5 = Row(source, ld, 5, lanes);
        float* s6 = Row(source, ld, 6, lanes), s7 = Row(source, ld, 7, lanes);
        nint k = 0;
        for (; k <= K - 4; k += 4, panel += 4 * R)
        {
            if (k % Prefetch.Line == 0) PrefetchStrip(s0 + (8 * ld) + k, ld, 8);

            // Rows i and i + 4 share a register, so that no step crosses its halves.
            Vector256<float> r0 = Pair(s0 + k, s4 + k), r1 = Pair(s1 + k, s5 + k), r2 = Pair(s2 + k, s6 + k), r3 = Pair(s3 + k, s7 + k);
            Vector256<float> low01 = Avx.UnpackLow(r0, r1), high01 = Avx.UnpackHigh(r0, r1);
            Vector256<float> low23 = Avx.UnpackLow(r2, r3), high23 = Avx.UnpackHigh(r2, r3);
            Avx.Shuffle(low01, low23, 0b01_00_01_00).Store(panel);
            Avx.Shuffle(low01, low23, 0b11_10_11_10).Store(panel + R);
            Avx.Shuffle(high01, high23, 0b01_00_01_00).Store(panel + 2 * R);
            Avx.Shuffle(high01, high23, 0b11_10_11_10).Store(panel + 3 * R);
        }

        PackTail(source, ld, k, K, Math.Min(lanes, 8), R, panel);
    }

    /// <summary>8 rows into a panel of just these: three perfect shuffles, each of which moves one bit of the row number into the lane number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack8Wide(float* source, nint ld, int K, int lanes, float* panel)
    {
        float* s0 = source, s1 = Row(source, ld, 1, lanes), s2 = Row(source, ld, 2, lanes), s3 = Row(source, ld, 3, lanes);
        float* s4 = Row(source, ld, 4, lanes), s5 = Row(source, ld, 5, lanes);
        float* s6 = Row(source, ld, 6, lanes), s7 = Row(source, ld, 7, lanes);
        nint k = 0;
        for (; k <= K - 16; k += 16, panel += 16 * 8)
        {
            PrefetchStrip(s0 + (8 * ld) + k, ld, 8);
            (Vector512<float> low04, Vector512<float> high04) = Interleave(Vector512.Load(s0 + k), Vector512.Load(s4 + k));
            (Vector512<float> low15, Vector512<float> high15) = Interleave(Vector512.Load(s1 + k), Vector512.Load(s5 + k));
            (Vector512<float> low26, Vector512<float> high26) = Interleave(Vector512.Load(s2 + k), Vector512.Load(s6 + k));
            (Vector512<float> low37, Vector512<float> high37) = Interleave(Vector512.Load(s3 + k), Vector512.Load(s7 + k));
            Store4(low04, low15, low26, low37, panel, 8);
            Store4(high04, high15, high26, high37, panel + (8 * 8), 8);
        }

        int rest = K - (int)k;
        if (rest == 0) return;
        (Vector512<float> a0, Vector512<float> b0) = Interleave(Simd512.LoadPartial(s0 + k, rest), Simd512.LoadPartial(s4 + k, rest));
        (Vector512<float> a1, Vector512<float> b1) = Interleave(Simd512.LoadPartial(s1 + k, rest), Simd512.LoadPartial(s5 + k, rest));
        (Vector512<float> a2, Vector512<float> b2) = Interleave(Simd512.LoadPartial(s2 + k, rest), Simd512.LoadPartial(s6 + k, rest));
        (Vector512<float> a3, Vector512<float> b3) = Interleave(Simd512.LoadPartial(s3 + k, rest), Simd512.LoadPartial(s7 + k, rest));
        Store4(a0, a1, a2, a3, panel, rest);
        Store4(b0, b1, b2, b3, panel + (8 * 8), rest - 8);
    }

    /// <summary>The first K of 8 values of k, from rows (0, 4), (1, 5), (2, 6), (3, 7).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(Vector512<float> r04, Vector512<float> r15, Vector512<float> r26, Vector512<float> r37, float* panel, int K)
    {
        (Vector512<float> low0246, Vector512<float> high0246) = Interleave(r04, r26);
        (Vector512<float> low1357, Vector512<float> high1357) = Interleave(r15, r37);
        (Vector512<float> k01, Vector512<float> k23) = Interleave(low0246, low1357);
        (Vector512<float> k45, Vector512<float> k67) = Interleave(high0246, high1357);
        StorePair(k01, panel, K);
        StorePair(k23, panel + 16, K - 2);
        StorePair(k45, panel + 32, K - 4);
        StorePair(k67, panel + 48, K - 6);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair(Vector512<float> pair, float* panel, int K)
    {
        if (K >= 2) pair.Store(panel);
        else if (K == 1) pair.GetLower().Store(panel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Low, Vector512<float> High) Interleave(Vector512<float> even, Vector512<float> odd) =>
        (Simd512.InterleaveLow(even, odd), Simd512.InterleaveHigh(even, odd));

    /// <summary>4 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack4(float* source, nint ld, int K, int lanes, nint R, float* panel)
    {
        float* s0 = source, s1 = Row(source, ld, 1, lanes), s2 = Row(source, ld, 2, lanes), s3 = Row(source, ld, 3, lanes);
        nint k = 0;
        for (; k <= K - 4; k += 4, panel += 4 * R)
            Simd128.StoreQuads(panel, R, Vector128.Load(s0 + k), Vector128.Load(s1 + k), Vector128.Load(s2 + k), Vector128.Load(s3 + k));
        PackTail(source, ld, k, K, Math.Min(lanes, 4), R, panel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) =>
        Avx.InsertVector128(Vector128.Load(low).ToVector256Unsafe(), Vector128.Load(high), 1);

    /// <summary>The next strip at the same k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchStrip(float* source, nint ld, int rows)
    {
        for (int i = 0; i < rows; i++) Prefetch.ToL1(source + (i * ld));
    }

    // A row that does not exist is read from the last one that does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* source, nint ld, int i, int lanes) => source + Math.Min(i, lanes - 1) * ld;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackTail(float* source, nint ld, nint k, int K, int lanes, nint R, float* panel)
    {
        for (; k < K; k++, panel += R)
            for (int i = 0; i < lanes; i++) panel[i] = source[i * ld + k];
    }
}
