using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>y = epilogue(Aᵀ·m·A) for the tiles of a block, one channel: see <see cref="WinogradBlock"/>.</summary>
internal static unsafe class WinogradOutput<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// <code>product f of tile panel·NR + lane = m[f·productStride + panel·panelStride + lane]</code>
    /// </summary>
    /// <param name="s">Sizes.</param>
    /// <param name="block">The tiles; its row buffer is overwritten.</param>
    /// <param name="m">The channel's row of the first panel of the first product.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="panelStride">Floats between panels.</param>
    /// <param name="NR">Lanes of a panel.</param>
    /// <param name="y">The channel's plane in the first image.</param>
    /// <param name="epilogue">Bias: the channel's; Addend: the plane that is added to the first image's.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(
        in ConvSizes s, in WinogradBlock block, float* m, nint productStride, nint panelStride, int NR, float* y, in TileStore epilogue)
    {
        for (int first = 0; first < block.Lanes; first += NR, m += panelStride)
        {
            int lanes = Math.Min(NR, block.Lanes - first);
            for (int lane = 0; lane < lanes; lane += S.Width)
                Horizontal(block.Tiles + first + lane, block.RowLength, m + lane, productStride);
        }

        nint image = (nint)s.OC * s.OutputPixels;
        for (int i = 0; i < block.SegmentCount; i++)
        {
            ref WinogradSegment segment = ref block.Segments[i];
            nint at = (segment.Image * image) + ((nint)segment.Row * s.OW) + segment.Column;
            Rows rows = new(s, block, segment, y + at, epilogue.Addend == null ? null : epilogue.Addend + at);
            rows.PrefetchNext(s.OutputPixels);
            if (rows.Count >= S.Width) Vertical<S, V>(rows, epilogue);
            else if (rows.Count >= Simd128.Width) Vertical<Simd128, Vector128<float>>(rows, epilogue);
            else Narrow(rows, epilogue);
        }
    }

    /// <summary>m·A: one tile in each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Horizontal(float** tiles, nint rowLength, float* m, nint stride)
    {
        nint row = 0;
        for (int u = 0; u < WinogradF4K3.Reach; u++, row += rowLength, m += WinogradF4K3.Reach * stride)
        {
            WinogradF4K3<S, V>.Output(
                S.Load(m), S.Load(m + stride), S.Load(m + (2 * stride)), S.Load(m + (3 * stride)), S.Load(m + (4 * stride)), S.Load(m + (5 * stride)),
                out V y0, out V y1, out V y2, out V y3);
            S.StoreQuads(tiles, row, y0, y1, y2, y3);
        }
    }

    /// <summary>Aᵀ·(m·A) along the rows; the last vector ends with the row, and some columns are then written twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vertical<S1, V1>(in Rows rows, in TileStore epilogue)
        where S1 : struct, ISimd<V1>
        where V1 : struct
    {
        V1 bias = epilogue.Bias == null ? S1.Zero : S1.Broadcast(epilogue.Bias);
        int last = rows.Count - S1.Width;
        for (int j = 0; ; j = Math.Min(j + S1.Width, last))
        {
            rows.Load<S1, V1>(j, out V1 y0, out V1 y1, out V1 y2, out V1 y3);
            S1.Store(rows.Y0 + j, Finish<S1, V1>(y0, bias, rows.Addend0, j, epilogue));
            S1.Store(rows.Y1 + j, Finish<S1, V1>(y1, bias, rows.Addend1, j, epilogue));
            S1.Store(rows.Y2 + j, Finish<S1, V1>(y2, bias, rows.Addend2, j, epilogue));
            S1.Store(rows.Y3 + j, Finish<S1, V1>(y3, bias, rows.Addend3, j, epilogue));
            if (j == last) return;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V1 Finish<S1, V1>(V1 y, V1 bias, float* addend, int j, in TileStore epilogue)
        where S1 : struct, ISimd<V1>
        where V1 : struct
    {
        y = S1.Add(y, bias);
        if (addend != null) y = S1.Add(y, S1.Load(addend + j));
        return epilogue.Activate<S1, V1>(y);
    }

    /// <summary>Rows of less than 4 pixels.</summary>
    private static void Narrow(in Rows rows, in TileStore epilogue)
    {
        Vector128<float> bias = Vector128.Create(epilogue.Bias == null ? 0 : *epilogue.Bias);
        rows.Load<Simd128, Vector128<float>>(0, out Vector128<float> y0, out Vector128<float> y1, out Vector128<float> y2, out Vector128<float> y3);
        NarrowRow(y0 + bias, rows.Addend0, rows.Y0, rows.Count, epilogue);
        NarrowRow(y1 + bias, rows.Addend1, rows.Y1, rows.Count, epilogue);
        NarrowRow(y2 + bias, rows.Addend2, rows.Y2, rows.Count, epilogue);
        NarrowRow(y3 + bias, rows.Addend3, rows.Y3, rows.Count, epilogue);
    }

    private static void NarrowRow(Vector128<float> y, float* addend, float* to, int count, in TileStore epilogue)
    {
        if (addend != null) y += Simd128.LoadPartial(addend, count);
        Simd128.StorePartial(to, epilogue.Activate<Simd128, Vector128<float>>(y), count);
    }

    /// <summary>A segment's four output rows; those below the image lead to the block's dump and zeros.</summary>
    private readonly struct Rows
    {
        public readonly float* Y0, Y1, Y2, Y3, Addend0, Addend1, Addend2, Addend3;
        public readonly int Count;
        private readonly float* _buffer;
        private readonly nint _stride;

        public Rows(in ConvSizes s, in WinogradBlock block, in WinogradSegment segment, float* y, float* addend)
        {
            Count = Math.Min(segment.Tiles * WinogradF4K3.Tile, s.OW - segment.Column);
            _buffer = block.Rows + segment.Position;
            _stride = block.RowLength;
            int present = s.OH - segment.Row;
            Y0 = y;
            Y1 = present > 1 ? y + s.OW : block.Dump;
            Y2 = present > 2 ? y + (2 * (nint)s.OW) : block.Dump;
            Y3 = present > 3 ? y + (3 * (nint)s.OW) : block.Dump;
            if (addend == null) return;
            Addend0 = addend;
            Addend1 = present > 1 ? addend + s.OW : block.Zeros;
            Addend2 = present > 2 ? addend + (2 * (nint)s.OW) : block.Zeros;
            Addend3 = present > 3 ? addend + (3 * (nint)s.OW) : block.Zeros;
        }

        /// <summary>The same rows of the next channel: far away, and to be written soon.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void PrefetchNext(nint plane)
        {
            for (int j = 0; j < Count; j += Prefetch.Line)
            {
                Prefetch.ToL1(Y0 + plane + j);
                Prefetch.ToL1(Y1 + plane + j);
                Prefetch.ToL1(Y2 + plane + j);
                Prefetch.ToL1(Y3 + plane + j);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load<S1, V1>(int j, out V1 y0, out V1 y1, out V1 y2, out V1 y3)
            where S1 : struct, ISimd<V1>
            where V1 : struct
        {
            float* m = _buffer + j;
            WinogradF4K3<S1, V1>.Output(
                S1.Load(m), S1.Load(m + _stride), S1.Load(m + (2 * _stride)),
                S1.Load(m + (3 * _stride)), S1.Load(m + (4 * _stride)), S1.Load(m + (5 * _stride)),
                out y0, out y1, out y2, out y3);
        }
    }
}
