using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>V = Bᵀ·d·B for the tiles of a block, one channel: see <see cref="WinogradBlock"/>.</summary>
internal static unsafe class WinogradInput<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// <code>v[f·productStride + panel·panelStride + lane] = product f of tile panel·NR + lane</code>
    /// </summary>
    /// <param name="s">Sizes; the image may lie anywhere under the output (any padding, also negative).</param>
    /// <param name="block">The tiles.</param>
    /// <param name="x">The channel's plane in the first image.</param>
    /// <param name="v">The channel's row of the first panel of the first product.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="panelStride">Floats between panels.</param>
    /// <param name="NR">Lanes of a panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(in ConvSizes s, in WinogradBlock block, float* x, float* v, nint productStride, nint panelStride, int NR)
    {
        nint image = (nint)s.IC * s.InputPixels;
        for (int i = 0; i < block.SegmentCount; i++) Vertical(s, block, block.Segments[i], x + (block.Segments[i].Image * image));
        for (int first = 0; first < block.Lanes; first += NR, v += panelStride)
        {
            int lanes = Math.Min(NR, block.Lanes - first);
            for (int lane = 0; lane < lanes; lane += S.Width)
                Horizontal(block.Tiles + first + lane, block.RowLength, v + lane, productStride);
        }
    }

    /// <summary>Bᵀ·d, along the rows: six rows of the image into six rows of the buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vertical(in ConvSizes s, in WinogradBlock block, in WinogradSegment segment, float* x)
    {
        int left = segment.Column - s.pl;
        int from = Math.Max(0, -left), count = Math.Min((segment.Tiles * WinogradF4K3.Tile) + 2, s.IW - left) - from;
        int row = segment.Row - s.pt;
        x += (nint)row * s.IW + left + from;
        float* x0 = Row(x, s, row, 0, block.Zeros), x1 = Row(x, s, row, 1, block.Zeros), x2 = Row(x, s, row, 2, block.Zeros);
        float* x3 = Row(x, s, row, 3, block.Zeros), x4 = Row(x, s, row, 4, block.Zeros), x5 = Row(x, s, row, 5, block.Zeros);
        float* to = block.Rows + segment.Position + from;
        nint stride = block.RowLength, next = s.InputPixels;
        // Four rows of each tile are new; the next channel's are far away.
        for (nint i = 0; i < count; i += Prefetch.Line)
            PrefetchRows(x1 + next + i, x2 + next + i, x3 + next + i, x4 + next + i);

        nint j = 0;
        for (; j <= count - S.Width; j += S.Width)
            Store(S.Load(x0 + j), S.Load(x1 + j), S.Load(x2 + j), S.Load(x3 + j), S.Load(x4 + j), S.Load(x5 + j), to + j, stride);
        if (j >= count) return;
        int last = (int)(count - j);
        Store(
            S.LoadPartial(x0 + j, last), S.LoadPartial(x1 + j, last), S.LoadPartial(x2 + j, last),
            S.LoadPartial(x3 + j, last), S.LoadPartial(x4 + j, last), S.LoadPartial(x5 + j, last), to + j, stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRows(float* x1, float* x2, float* x3, float* x4)
    {
        Prefetch.ToL1(x1);
        Prefetch.ToL1(x2);
        Prefetch.ToL1(x3);
        Prefetch.ToL1(x4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* x, in ConvSizes s, int row, int u, float* zeros) =>
        (uint)(row + u) < (uint)s.IH ? x + ((nint)u * s.IW) : zeros;

    /// <summary>(Bᵀ·d)·B: one tile in each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Horizontal(float** tiles, nint rowLength, float* v, nint stride)
    {
        nint row = 0;
        for (int u = 0; u < WinogradF4K3.Reach; u++, row += rowLength, v += WinogradF4K3.Reach * stride)
        {
            S.LoadQuads(tiles, row, out V d0, out V d1, out V d2, out V d3);
            S.LoadQuads(tiles, row + 2, out _, out _, out V d4, out V d5);
            Store(d0, d1, d2, d3, d4, d5, v, stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V d0, V d1, V d2, V d3, V d4, V d5, float* to, nint stride)
    {
        WinogradF4K3<S, V>.Input(d0, d1, d2, d3, d4, d5, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5);
        S.Store(to, v0);
        S.Store(to + stride, v1);
        S.Store(to + (2 * stride), v2);
        S.Store(to + (3 * stride), v3);
        S.Store(to + (4 * stride), v4);
        S.Store(to + (5 * stride), v5);
    }
}
