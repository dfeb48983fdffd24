using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Lays a matrix of <c>lanes</c> × K into panels for <see cref="GemmKernel"/>, R lanes wide (R = MR for A, NR for B):
/// <code>
/// panels[p][k][i] = lane p·R + i at k;  0 where there is no such lane.        ⌈lanes / R⌉ panels of K·R floats each
/// </code>
/// The lanes are rows of A or columns of B; R is 4, 3 vectors or a multiple of 8; any number for a single panel of fewer lanes. Nothing outside the
/// source and the panels is touched.
/// <see cref="PanelPackingReference"/> says the same in plain loops.
/// </summary>
internal static unsafe class PanelPacking<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int RowsAtOnce = 8;
    private const int FoursAhead = 32;   // rows; measured on Zen 5

    /// <summary>
    /// From a matrix stored with K rows, <paramref name="ld"/> apart, in which the lanes are neighbours:
    /// B as it stands, or A stored transposed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromRows(float* source, nint ld, int K, int lanes, int R, float* panels)
    {
        if (R == 4)
        {
            for (; lanes >= Prefetch.Line; lanes -= Prefetch.Line, source += Prefetch.Line, panels += (nint)K * Prefetch.Line)
                CopyFours(source, ld, K, panels);
        }

        // A few rows at a time over all panels, so that the source is read along its rows and no line of it twice.
        for (int k = 0; k < K; k += RowsAtOnce)
        {
            int rows = Math.Min(RowsAtOnce, K - k);
            float* from = source + k * ld, panel = panels + (nint)k * R;
            for (int first = 0; first < lanes; first += R, from += R, panel += (nint)K * R)
            {
                PrefetchRows(from + (RowsAtOnce * ld), ld, rows);
                if (lanes - first < R) CopyEdge(from, ld, rows, lanes - first, R, panel);
                else if (R == 4) Copy4(from, ld, rows, panel);
                else if (R == 3 * S.Width) Copy3Vectors(from, ld, rows, panel);
                else Copy8(from, ld, rows, R, panel);
            }
        }
    }

    /// <summary>
    /// From a matrix stored with one row for each lane, <paramref name="ld"/> apart, in which K runs along the row:
    /// A as it stands, or B stored transposed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromColumns(float* source, nint ld, int K, int lanes, int R, float* panels)
    {
        for (int first = 0; first < lanes; first += R, source += R * ld, panels += (nint)K * R)
        {
            int present = Math.Min(lanes - first, R);
            if (R == 8 && S.Width == 16 && LaneTranspose.Has8)
                LaneTranspose.Pack8Wide(source, ld, K, present, panels);
            else if (R >= 8 && S.Width >= 8 && LaneTranspose.Has8)
                for (int i = 0; i < present; i += 8) LaneTranspose.Pack8(source + i * ld, ld, K, present - i, R, panels + i);
            else
                for (int i = 0; i < present; i += 4) LaneTranspose.Pack4(source + i * ld, ld, K, present - i, R, panels + i);
            if (present < R) Clear(K, present, R, panels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRows(float* source, nint ld, int rows)
    {
        for (; rows > 0; rows--, source += ld) Prefetch.ToL1(source);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy3Vectors(float* source, nint ld, int K, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += 3 * S.Width)
        {
            S.Store(panel, S.Load(source));
            S.Store(panel + S.Width, S.Load(source + S.Width));
            S.Store(panel + 2 * S.Width, S.Load(source + 2 * S.Width));
        }
    }

    /// <summary>
    /// A cache line of each row into four panels of 4: rows a power of two apart have few places in L1. The last rows ask for the next line of the first
    /// ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyFours(float* source, nint ld, int K, float* panel)
    {
        nint step = (nint)K * 4;
        float* next = source + Prefetch.Line;
        float* ahead = K < FoursAhead ? next : source + (FoursAhead * ld);
        for (; K > 0; K--, source += ld, ahead += ld, panel += 4)
        {
            if (K == FoursAhead) ahead = next;
            Prefetch.ToL1(ahead);
            Vector128.Load(source).Store(panel);
            Vector128.Load(source + 4).Store(panel + step);
            Vector128.Load(source + 8).Store(panel + (2 * step));
            Vector128.Load(source + 12).Store(panel + (3 * step));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy4(float* source, nint ld, int K, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += 4) Vector128.Load(source).Store(panel);
    }

    /// <summary>Any multiple of 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy8(float* source, nint ld, int K, int R, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += R)
            for (int i = 0; i < R; i += 8) Vector256.Load(source + i).Store(panel + i);
    }

    /// <summary>The last panel, where lanes are missing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyEdge(float* source, nint ld, int K, int lanes, int R, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += R)
        {
            new Span<float>(source, lanes).CopyTo(new Span<float>(panel, R));
            new Span<float>(panel + lanes, R - lanes).Clear();
        }
    }

    /// <summary>Zero in the lanes that do not exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear(int K, int lanes, int R, float* panel)
    {
        for (; K > 0; K--, panel += R) new Span<float>(panel + lanes, R - lanes).Clear();
    }
}
