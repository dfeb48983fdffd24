using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>A·dy·Aᵀ for the tiles of a strip of dy, one channel in each lane; what of a tile lies outside the image is zero.</summary>
internal static unsafe class WinogradOutputGradient<S, V, FH, FW>
    where S : struct, ISimd<V>
    where V : struct
    where FH : struct, IWinogradTile<V>
    where FW : struct, IWinogradTile<V>
{
    /// <summary>Floats of a row of a tile's columns.</summary>
    private static int Pitch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => FW.Outputs * S.Width;
    }

    /// <summary>
    /// <code>m[f·productStride + t·tileStride + c] = product f of the strip's tile t of channel c,   c &lt; lanes</code>
    /// The other lanes of the vectors repeat the last channel; products that the tiles do not have are left alone.
    /// </summary>
    /// <param name="s">Sizes; dy is at least <see cref="WinogradPoints.Quad"/> columns wide.</param>
    /// <param name="strip">Tiles of FH × FW.</param>
    /// <param name="dy">The first channel's plane in the first image.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="m">The first channel of the strip's first tile of the first product.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="tileStride">Floats between tiles, at least a vector.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(in ConvSizes s, in WinogradStrip strip, float* dy, int lanes, float* m, nint productStride, nint tileStride)
    {
        float* columns = stackalloc float[(FH.Reach * Pitch) + StackBuffer.Slack];
        columns = StackBuffer.Align(columns);
        PlaneRows planes = new(dy + (strip.Image * (nint)s.OC * s.OutputPixels) + (strip.Row * (nint)s.OW), s.OutputPixels, s.OW);
        if (PlaneWindow<S, V>.Pays(s.OutputPixels))
        {
            // The row's last quad may begin before the strip. Of tiles of two or six columns the last quad ends two columns after it.
            int first = Math.Min(strip.Column, s.OW - WinogradPoints.Quad), end = Math.Min(strip.Column + (strip.Tiles * FW.Outputs) + 2, s.OW), width = end - first;
            float* window = stackalloc float[PlaneWindow<S, V>.Length(FH.Outputs, width) + StackBuffer.Slack];
            int rows = Math.Min(FH.Outputs, s.OH - strip.Row), ahead = PlaneWindow<S, V>.Ahead(rows, s.BytesOfY);
            PlaneRows copy = PlaneWindow<S, V>.Read(planes.From(first), lanes, FH.Outputs, 0, rows, width, ahead, StackBuffer.Align(window));
            Tiles(s, strip, new AllLanes<S, V>(copy.From(-first)), asks: false, columns, m, productStride, tileStride);
        }
        else if (lanes < S.Width)
        {
            float** each = stackalloc float*[S.Width];
            Tiles(s, strip, SomeLanes<S, V>.Of(planes, lanes, each), asks: true, columns, m, productStride, tileStride);
        }
        else
        {
            Tiles(s, strip, new AllLanes<S, V>(planes), asks: true, columns, m, productStride, tileStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles<P>(in ConvSizes s, in WinogradStrip strip, P planes, bool asks, float* columns, float* m, nint productStride, nint tileStride)
        where P : struct, IPlaneLanes<V>
    {
        int column = strip.Column;
        for (int t = 0; t < strip.Tiles; t++, m += tileStride, column += FW.Outputs)
        {
            Columns(s, planes, asks, strip.Row, column, Math.Min(FW.Outputs, WinogradPoints.Quad), columns);
            if (FW.Outputs > WinogradPoints.Quad)
            {
                int next = column + WinogradPoints.Quad, left = FW.Outputs - WinogradPoints.Quad;
                Columns(s, planes, asks, strip.Row, next, left, columns + (WinogradPoints.Quad * S.Width));
            }

            Rows(columns, m, productStride);
        }
    }

    /// <summary>A·dy of two or four columns: a row of them for each point.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns<P>(in ConvSizes s, P planes, bool asks, int row, int column, int count, float* to)
        where P : struct, IPlaneLanes<V>
    {
        // The row's last quad ends with the row.
        int missing = Math.Max(0, column + WinogradPoints.Quad - s.OW), rows = s.OH - row;
        nint at = column - missing, rowStride = planes.Rows.RowStride;
        Load(planes, at, rows > 0, missing, out V d00, out V d01, out V d02, out V d03);
        Load(planes, at + rowStride, rows > 1, missing, out V d10, out V d11, out V d12, out V d13);
        Load(planes, at + (2 * rowStride), FH.Outputs > 2 && rows > 2, missing, out V d20, out V d21, out V d22, out V d23);
        Load(planes, at + (3 * rowStride), FH.Outputs > 2 && rows > 3, missing, out V d30, out V d31, out V d32, out V d33);
        Load(planes, at + (4 * rowStride), FH.Outputs > 4 && rows > 4, missing, out V d40, out V d41, out V d42, out V d43);
        Load(planes, at + (5 * rowStride), FH.Outputs > 4 && rows > 5, missing, out V d50, out V d51, out V d52, out V d53);
        if (asks) Prefetch.Band(planes.Rows.First + at + (FH.Outputs * rowStride), planes.Rows.Pitch, planes.Lanes, rowStride, FH.Outputs, column);
        Store<FH>(d00, d10, d20, d30, d40, d50, to, Pitch);
        Store<FH>(d01, d11, d21, d31, d41, d51, to + S.Width, Pitch);
        if (count == 2) return;
        Store<FH>(d02, d12, d22, d32, d42, d52, to + (2 * S.Width), Pitch);
        Store<FH>(d03, d13, d23, d33, d43, d53, to + (3 * S.Width), Pitch);
    }

    /// <summary>Four pixels of a row, the first of which lie before the tile's, as many as are missing behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<P>(P planes, nint at, bool exists, int missing, out V d0, out V d1, out V d2, out V d3)
        where P : struct, IPlaneLanes<V>
    {
        if (exists) planes.Load(at, out d0, out d1, out d2, out d3);
        else d0 = d1 = d2 = d3 = S.Zero;
        for (; missing > 0; missing--) (d0, d1, d2, d3) = (d1, d2, d3, S.Zero);
    }

    /// <summary>(A·dy)·Aᵀ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows(float* from, float* m, nint stride)
    {
        nint row = Pitch, next = FW.Reach * stride;
        if (FH.Has(0)) Row(from, m, stride);
        if (FH.Has(1)) Row(from + row, m + next, stride);
        if (FH.Has(2)) Row(from + (2 * row), m + (2 * next), stride);
        if (FH.Has(3)) Row(from + (3 * row), m + (3 * next), stride);
        if (FH.Has(4)) Row(from + (4 * row), m + (4 * next), stride);
        if (FH.Has(5)) Row(from + (5 * row), m + (5 * next), stride);
        if (FH.Has(6)) Row(from + (6 * row), m + (6 * next), stride);
        if (FH.Has(7)) Row(from + (7 * row), m + (7 * next), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* m, nint stride) => Store<FW>(
        S.Load(from), S.Load(from + S.Width),
        FW.Outputs > 2 ? S.Load(from + (2 * S.Width)) : S.Zero, FW.Outputs > 2 ? S.Load(from + (3 * S.Width)) : S.Zero,
        FW.Outputs > 4 ? S.Load(from + (4 * S.Width)) : S.Zero, FW.Outputs > 4 ? S.Load(from + (5 * S.Width)) : S.Zero, m, stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<F>(V y0, V y1, V y2, V y3, V y4, V y5, float* to, nint stride)
        where F : struct, IWinogradTile<V>
    {
        F.OutputTransposed(y0, y1, y2, y3, y4, y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7);
        WinogradStore<S, V, F>.Points(to, stride, m0, m1, m2, m3, m4, m5, m6, m7);
    }
}
