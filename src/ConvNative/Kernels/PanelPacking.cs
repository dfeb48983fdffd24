using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Lays a matrix of <c>lanes</c> × K into panels for <see cref="GemmKernel"/>, R lanes wide (R = MR for A, NR for B):
/// <code>
/// panels[p][k][i] = lane p·R + i at k;  0 where there is no such lane.        ⌈lanes / R⌉ panels of K·R floats each
/// </code>
/// The lanes are rows of A or columns of B. <see cref="PanelPackingReference"/> says the same in plain loops.
/// </summary>
internal static unsafe class PanelPacking<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private static int RowsAtOnce => (Tune.PF&4)!=0?4:(Tune.PF&8)!=0?16:8; public static bool PF=>(Tune.PF&1)!=0;

    /// <summary>
    /// From a matrix stored with K rows, <paramref name="ld"/> apart, in which the lanes are neighbours:
    /// B as it stands, or A stored transposed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromRows(float* source, nint ld, int K, int lanes, int R, float* panels)
    {
        // A few rows at a time over all panels: the source is read along its rows, and no line of it twice.
        for (int k = 0; k < K; k += RowsAtOnce)
        {
            int rows = Math.Min(RowsAtOnce, K - k);
            bool last = k + rows == K;
            float* from = source + k * ld, panel = panels + (nint)k * R;
            for (int first = 0; first < lanes; first += R, from += R, panel += (nint)K * R)
            {
                int present = lanes - first;
                if (PF && R >= 16) for (int q = 0; q < rows; q++) Sse.Prefetch0(from + (q + RowsAtOnce) * ld);
                if (R == 2 * S.Width && present >= R) Copy2(from, ld, rows, panel);
                else if (R == 3 * S.Width && present >= R) Copy3(from, ld, rows, panel);
                else if (R < S.Width && present >= S.Width && !last) CopyOver(from, ld, rows, R, panel);
                else CopyAny(from, ld, rows, present, R, panel);
            }
        }
    }

    /// <summary>
    /// From a matrix stored with one row for each lane, <paramref name="ld"/> apart, in which K runs along the row:
    /// A as it stands, or B stored transposed.
    /// </summary>
    public static void FromColumns(float* source, nint ld, int K, int lanes, int R, float* panels)
    {
        int group = S.Width >= 8 && LaneTranspose.Has8 ? 8 : 4;
        for (int first = 0; first < lanes; first += R, source += R * ld, panels += (nint)K * R)
        {
            int present = Math.Min(lanes - first, R);
            for (int i = 0; i < present; i += group)
            {
                // The last group is moved back so that it ends with the panel.
                int start = Math.Max(0, Math.Min(i, R - group));
                if (group == 8) LaneTranspose.Pack8(source + start * ld, ld, K, present - start, R, panels + start);
                else LaneTranspose.Pack4(source + start * ld, ld, K, present - start, R, panels + start);
            }

            if (present < R) Clear(K, present, R, panels);
        }
    }

    /// <summary>Full panels of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy2(float* source, nint ld, int K, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += 2 * S.Width)
        {
            S.Store(panel, S.Load(source));
            S.Store(panel + S.Width, S.Load(source + S.Width));
        }
    }

    /// <summary>Full panels of three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy3(float* source, nint ld, int K, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += 3 * S.Width)
        {
            S.Store(panel, S.Load(source));
            S.Store(panel + S.Width, S.Load(source + S.Width));
            S.Store(panel + 2 * S.Width, S.Load(source + 2 * S.Width));
        }
    }

    /// <summary>Panels narrower than a vector: each row runs over its end, and the next row overwrites that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyOver(float* source, nint ld, int K, int R, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += R) S.Store(panel, S.Load(source));
    }

    /// <summary>Any width, any number of lanes.</summary>
    private static void CopyAny(float* source, nint ld, int K, int lanes, int R, float* panel)
    {
        for (; K > 0; K--, source += ld, panel += R)
            for (int i = 0; i < R; i += S.Width)
                S.StorePartial(panel + i, S.LoadPartial(source + i, Math.Clamp(lanes - i, 0, S.Width)), Math.Min(S.Width, R - i));
    }

    /// <summary>Zero in the lanes that do not exist.</summary>
    private static void Clear(int K, int present, int R, float* panel)
    {
        for (; K > 0; K--, panel += R) new Span<float>(panel + present, R - present).Clear();
    }
}
internal static class Tune { public static int PF, NP=8, AP=42; }
