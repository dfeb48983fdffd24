using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Transposes a few rows into a strip of a panel: <c>panel[k·R + i] = source[i·ld + k]</c> for i &lt; min(group, R), k &lt; K.
/// Of the rows only the first <c>lanes</c> exist (≥ 1); what stands in the places of the others is not defined.
/// </summary>
internal static unsafe class LaneTranspose
{
    public static bool Has8 => Avx.IsSupported;

    /// <summary>8 rows. With R &lt; 8 each stored vector runs into the next row of the panel, which then overwrites it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack8(float* source, nint ld, int K, int lanes, int R, float* panel)
    {
        float* s0 = source, s1 = Row(source, ld, 1, lanes), s2 = Row(source, ld, 2, lanes), s3 = Row(source, ld, 3, lanes);
        float* s4 = Row(source, ld, 4, lanes), s5 = Row(source, ld, 5, lanes);
        float* s6 = Row(source, ld, 6, lanes), s7 = Row(source, ld, 7, lanes);
        int whole = R >= 8 ? K : K - 8;
        int k = 0;
        for (; k <= whole - 8; k += 8)
        {
            Transpose4x8(s0 + k, s1 + k, s2 + k, s3 + k, s4 + k, s5 + k, s6 + k, s7 + k, panel, R);
            Transpose4x8(s0 + k + 4, s1 + k + 4, s2 + k + 4, s3 + k + 4, s4 + k + 4, s5 + k + 4, s6 + k + 4, s7 + k + 4, panel + 4 * R, R);
            if ((Tune.PF & 2) != 0 && (k & 8) == 0)
            {
                nint d = R * ld + k;
                Sse.Prefetch0(s0 + d); Sse.Prefetch0(s1 + d); Sse.Prefetch0(s2 + d); Sse.Prefetch0(s3 + d);
                Sse.Prefetch0(s4 + d); Sse.Prefetch0(s5 + d); Sse.Prefetch0(s6 + d); Sse.Prefetch0(s7 + d);
            }
            panel += 8 * R;
        }

        PackTail(source, ld, k, K, lanes, Math.Min(R, 8), R, panel);
    }

    /// <summary>4 rows; R ≥ 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack4(float* source, nint ld, int K, int lanes, int R, float* panel)
    {
        float* s0 = source, s1 = Row(source, ld, 1, lanes), s2 = Row(source, ld, 2, lanes), s3 = Row(source, ld, 3, lanes);
        int k = 0;
        for (; k <= K - 4; k += 4, panel += 4 * R)
        {
            Vector128<float> r0 = Vector128.Load(s0 + k), r1 = Vector128.Load(s1 + k);
            Vector128<float> r2 = Vector128.Load(s2 + k), r3 = Vector128.Load(s3 + k);
            Vector128<float> even0 = Simd128.InterleaveLow(r0, r2), even1 = Simd128.InterleaveHigh(r0, r2);
            Vector128<float> odd0 = Simd128.InterleaveLow(r1, r3), odd1 = Simd128.InterleaveHigh(r1, r3);
            Simd128.InterleaveLow(even0, odd0).Store(panel);
            Simd128.InterleaveHigh(even0, odd0).Store(panel + R);
            Simd128.InterleaveLow(even1, odd1).Store(panel + 2 * R);
            Simd128.InterleaveHigh(even1, odd1).Store(panel + 3 * R);
        }

        PackTail(source, ld, k, K, lanes, 4, R, panel);
    }

    /// <summary>4 values from each of 8 rows: rows i and i + 4 share a register, so that no step crosses its halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4x8(
        float* s0, float* s1, float* s2, float* s3, float* s4, float* s5, float* s6, float* s7, float* panel, nint R)
    {
        Vector256<float> r0 = Pair(s0, s4), r1 = Pair(s1, s5), r2 = Pair(s2, s6), r3 = Pair(s3, s7);
        Vector256<float> low01 = Avx.UnpackLow(r0, r1), high01 = Avx.UnpackHigh(r0, r1);
        Vector256<float> low23 = Avx.UnpackLow(r2, r3), high23 = Avx.UnpackHigh(r2, r3);
        Avx.Shuffle(low01, low23, 0b01_00_01_00).Store(panel);
        Avx.Shuffle(low01, low23, 0b11_10_11_10).Store(panel + R);
        Avx.Shuffle(high01, high23, 0b01_00_01_00).Store(panel + 2 * R);
        Avx.Shuffle(high01, high23, 0b11_10_11_10).Store(panel + 3 * R);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) =>
        Avx.InsertVector128(Vector128.Load(low).ToVector256Unsafe(), Vector128.Load(high), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* source, nint ld, int i, int lanes) => source + Math.Min(i, lanes - 1) * ld;

    private static void PackTail(float* source, nint ld, int k, int K, int lanes, int group, int R, float* panel)
    {
        for (; k < K; k++, panel += R)
            for (int i = 0; i < Math.Min(group, lanes); i++) panel[i] = source[i * ld + k];
    }
}
