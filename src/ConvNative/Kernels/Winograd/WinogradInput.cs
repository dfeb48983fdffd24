using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// V = Bᵀ·d·B for the tiles of a strip, one channel in each lane:
/// <code>
/// rows of the planes ──transposed, columns transformed──►  rows of pixels, one vector each  ──rows transformed──►  V
/// </code>
/// The strip goes through the buffer at once, so that columns that two tiles share are transformed once.
/// </summary>
internal static unsafe class WinogradInput<S, V, FH, FW>
    where S : struct, ISimd<V>
    where V : struct
    where FH : struct, IWinogradTile<V>
    where FW : struct, IWinogradTile<V>
{
    // Pixels before and behind the strip: whole quads of columns are transformed.
    private const int Margin = WinogradPoints.Quad - 1;

    private static nint Pitch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (WinogradGrid.MostColumns(FW.Reach) + FW.Inputs - FW.Outputs + (2 * Margin)) * S.Width;
    }

    /// <summary>Floats of the buffer.</summary>
    public static int BufferLength => (int)(FH.Reach * Pitch);

    /// <summary>
    /// <code>v[f·productStride + t·tileStride + c] = product f of the strip's tile t of channel c,   c &lt; lanes</code>
    /// What the other lanes of the vector get is not defined; products that the tiles do not have are left alone.
    /// </summary>
    /// <param name="s">Sizes; the image is at least <see cref="WinogradPoints.Quad"/> columns wide and may lie anywhere under the output.</param>
    /// <param name="strip">Tiles of FH × FW.</param>
    /// <param name="x">The first channel's plane in the first image.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="buffer"><see cref="BufferLength"/> floats.</param>
    /// <param name="v">The first channel of the strip's first tile of the first product.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="tileStride">Floats between tiles, at least a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(
        in ConvSizes s, in WinogradStrip strip, float* x, int lanes, float* buffer, float* v, nint productStride, nint tileStride)
    {
        buffer += Margin * S.Width;
        Part part = PartOf(s, strip);
        nint image = strip.Image * (nint)s.IC * s.InputPixels, first = (part.Row * (nint)s.IW) + strip.Column - s.pl;
        PlaneRows planes = new(x + image + first, s.InputPixels, s.IW);
        if (part.From < part.To && PlaneWindow<S, V>.Pays(s.InputPixels)) ColumnsByWindow(part, s, planes, lanes, buffer);
        else if (lanes < S.Width) ColumnsOfSome(part, s.IH, planes, lanes, buffer);
        else Columns(part, s.IH, new AllLanes<S, V>(planes), asks: true, buffer);
        for (int t = 0; t < strip.Tiles; t++, v += tileStride, buffer += FW.Outputs * S.Width)
        {
            FirstRows(buffer, v, productStride);
            if (FH.Reach > 6) LastRows(buffer, v, productStride);
        }
    }

    /// <summary>
    /// The strip's part of the planes: so many columns, of which those from From to before To exist, and the rows from Row on. The last whole quad of a row begins with
    /// column Last.
    /// </summary>
    private readonly record struct Part(int Row, int Columns, int From, int To, int Last);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Part PartOf(in ConvSizes s, in WinogradStrip strip)
    {
        int row = strip.Row - s.pt, left = strip.Column - s.pl, columns = ((strip.Tiles - 1) * FW.Outputs) + FW.Inputs;
        int from = Math.Clamp(-left, 0, columns), to = Math.Clamp(s.IW - left, from, columns);
        return new(row, columns, from, to, s.IW - left - WinogradPoints.Quad);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ColumnsByWindow(in Part part, in ConvSizes s, in PlaneRows planes, int lanes, float* buffer)
    {
        int first = Math.Min(part.From, part.Last), width = part.To - first;
        float* window = stackalloc float[PlaneWindow<S, V>.Length(FH.Inputs, width) + StackBuffer.Slack];
        int ahead = PlaneWindow<S, V>.Ahead(FH.Outputs, s.BytesOfX), above = Math.Max(0, -part.Row), end = Math.Min(FH.Inputs, s.IH - part.Row);
        PlaneRows copy = PlaneWindow<S, V>.Read(planes.From(first), lanes, FH.Inputs, above, end, width, ahead, StackBuffer.Align(window));
        Columns(part, s.IH, new AllLanes<S, V>(copy.From(-first)), asks: false, buffer);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ColumnsOfSome(in Part part, int height, in PlaneRows planes, int lanes, float* buffer)
    {
        float** each = stackalloc float*[S.Width];
        Columns(part, height, SomeLanes<S, V>.Of(planes, lanes, each), asks: true, buffer);
    }

    /// <summary>Bᵀ·d: the strip's rows of the planes, from its first column on, into the rows of the buffer. Asks: for what the next strip reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns<P>(in Part part, int height, P planes, bool asks, float* buffer)
        where P : struct, IPlaneLanes<V>
    {
        Clear(buffer, 0, part.From);
        Clear(buffer, part.To, part.Columns);
        int row = part.Row, last = part.Last, from = part.From, to = part.To;
        nint pitch = Pitch, rowStride = planes.Rows.RowStride;
        for (int j = from; j < to; j += WinogradPoints.Quad)
        {
            nint at = Math.Min(j, last);   // the row's last quad ends with the row
            Load(planes, at, row, height, out V d00, out V d01, out V d02, out V d03);
            Load(planes, at + rowStride, row + 1, height, out V d10, out V d11, out V d12, out V d13);
            Load(planes, at + (2 * rowStride), row + 2, height, out V d20, out V d21, out V d22, out V d23);
            Load(planes, at + (3 * rowStride), row + 3, height, out V d30, out V d31, out V d32, out V d33);
            Load(planes, at + (4 * rowStride), FH.Inputs > 4 ? row + 4 : -1, height, out V d40, out V d41, out V d42, out V d43);
            Load(planes, at + (5 * rowStride), FH.Inputs > 5 ? row + 5 : -1, height, out V d50, out V d51, out V d52, out V d53);
            Load(planes, at + (6 * rowStride), FH.Inputs > 6 ? row + 6 : -1, height, out V d60, out V d61, out V d62, out V d63);
            Load(planes, at + (7 * rowStride), FH.Inputs > 7 ? row + 7 : -1, height, out V d70, out V d71, out V d72, out V d73);
            if (asks) Prefetch.Band(planes.Rows.First + at + (FH.Inputs * rowStride), planes.Rows.Pitch, planes.Lanes, rowStride, FH.Outputs, j);
            float* pixel = buffer + (at * S.Width);
            Store<FH>(d00, d10, d20, d30, d40, d50, d60, d70, pixel, pitch);
            Store<FH>(d01, d11, d21, d31, d41, d51, d61, d71, pixel + S.Width, pitch);
            Store<FH>(d02, d12, d22, d32, d42, d52, d62, d72, pixel + (2 * S.Width), pitch);
            Store<FH>(d03, d13, d23, d33, d43, d53, d63, d73, pixel + (3 * S.Width), pitch);
        }
    }

    /// <summary>Four pixels of a row; zeros where the image has no such row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<P>(P planes, nint at, int row, int height, out V d0, out V d1, out V d2, out V d3)
        where P : struct, IPlaneLanes<V>
    {
        if ((uint)row < (uint)height) planes.Load(at, out d0, out d1, out d2, out d3);
        else d0 = d1 = d2 = d3 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Clear(float* buffer, int from, int to)
    {
        for (int u = 0; u < FH.Reach; u++, buffer += Pitch)
            for (int j = from; j < to; j++) S.Store(buffer + (j * S.Width), S.Zero);
    }

    /// <summary>(Bᵀ·d)·B of one tile. Methods of their own: the compiler inlines only so much into one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void FirstRows(float* d, float* v, nint stride)
    {
        nint pitch = Pitch, next = FW.Reach * stride;
        if (FH.Has(0)) Row(d, v, stride);
        if (FH.Has(1)) Row(d + pitch, v + next, stride);
        if (FH.Has(2)) Row(d + (2 * pitch), v + (2 * next), stride);
        if (FH.Has(3)) Row(d + (3 * pitch), v + (3 * next), stride);
        if (FH.Has(4)) Row(d + (4 * pitch), v + (4 * next), stride);
        if (FH.Has(5)) Row(d + (5 * pitch), v + (5 * next), stride);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void LastRows(float* d, float* v, nint stride)
    {
        nint pitch = Pitch, next = FW.Reach * stride;
        if (FH.Has(6)) Row(d + (6 * pitch), v + (6 * next), stride);
        if (FH.Has(7)) Row(d + (7 * pitch), v + (7 * next), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* d, float* v, nint stride)
    {
        Store<FW>(
            S.Load(d), S.Load(d + S.Width), S.Load(d + (2 * S.Width)), S.Load(d + (3 * S.Width)),
            FW.Inputs > 4 ? S.Load(d + (4 * S.Width)) : S.Zero, FW.Inputs > 5 ? S.Load(d + (5 * S.Width)) : S.Zero,
            FW.Inputs > 6 ? S.Load(d + (6 * S.Width)) : S.Zero, FW.Inputs > 7 ? S.Load(d + (7 * S.Width)) : S.Zero, v, stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<F>(V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, float* to, nint stride)
        where F : struct, IWinogradTile<V>
    {
        F.Input(d0, d1, d2, d3, d4, d5, d6, d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7);
        WinogradStore<S, V, F>.Points(to, stride, v0, v1, v2, v3, v4, v5, v6, v7);
    }
}
