using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>y = epilogue(Aᵀ·m·A) for the tiles of a strip, one channel in each lane.</summary>
internal static unsafe class WinogradOutput<S, V, FH, FW>
    where S : struct, ISimd<V>
    where V : struct
    where FH : struct, IWinogradTile<V>
    where FW : struct, IWinogradTile<V>
{
    private const int Quad = WinogradPoints.Quad;

    /// <summary>Floats of a row of a tile's columns.</summary>
    private static int Row
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => FW.Reach * S.Width;
    }

    private static int MostColumns => WinogradGrid.MostColumns(FW.Reach);

    /// <summary>
    /// <code>product f of the strip's tile t of channel c = m[f·productStride + t·tileStride + c],   c &lt; lanes</code>
    /// </summary>
    /// <param name="s">Sizes.</param>
    /// <param name="strip">Tiles of FH × FW.</param>
    /// <param name="m">The first channel of the strip's first tile of the first product; whole vectors are read.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="tileStride">Floats between tiles.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="y">The first channel's plane in the first image.</param>
    /// <param name="epilogue">Bias: the first channel's; Addend: its plane in the first image; Streams: of results that go by way of a window.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(
        in ConvSizes s, in WinogradStrip strip, float* m, nint productStride, nint tileStride, int lanes, float* y, in TileStore epilogue)
    {
        if (epilogue.Addend != null || !PlaneWindow<S, V>.Pays(s.OutputPixels))
        {
            Tiles(s, strip, m, productStride, tileStride, lanes, y, epilogue, null);
            return;
        }

        float* window = stackalloc float[PlaneWindow<S, V>.Length(FH.Outputs, MostColumns) + StackBuffer.Slack];
        Tiles(s, strip, m, productStride, tileStride, lanes, y, epilogue, StackBuffer.Align(window));
    }

    /// <summary>The same by way of a window, or where that is null, at once. A residual is read where the results go, so that a window for them alone would not help.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles(
        in ConvSizes s, in WinogradStrip strip, float* m, nint productStride, nint tileStride, int lanes, float* y, in TileStore epilogue, float* window)
    {
        float* columns = stackalloc float[(FH.Outputs * Row) + StackBuffer.Slack];
        columns = StackBuffer.Align(columns);
        V bias = epilogue.Bias == null ? S.Zero : S.LoadPartial(epilogue.Bias, lanes);
        nint at = (strip.Image * (nint)s.OC * s.OutputPixels) + ((nint)strip.Row * s.OW) + strip.Column;
        float* results = y + at, addend = epilogue.Addend + at;   // of use only where there is an addend, and then as far apart as y
        PlaneRows to = window == null
            ? new(results, s.OutputPixels, s.OW) : new(window, PlaneWindow<S, V>.Plane(FH.Outputs, MostColumns), PlaneWindow<S, V>.Row(MostColumns));
        int rows = Math.Min(FH.Outputs, s.OH - strip.Row), column = strip.Column;
        bool isFollowed = strip.Row + FH.Outputs < s.OH, asks = window == null && isFollowed && !strip.IsRight && lanes == S.Width && IsFar(s.BytesOfY);
        for (int t = 0; t < strip.Tiles; t++, m += tileStride, column += FW.Outputs)
        {
            if (asks) Ask(to, column);
            Columns(m, productStride, columns);
            Rows(columns, to, addend, rows, Math.Min(FW.Outputs, s.OW - column), lanes, bias, epilogue);
            to = to.From(FW.Outputs);
            addend += FW.Outputs;
        }

        if (window == null) return;
        int ahead = isFollowed && !epilogue.Streams ? PlaneWindow<S, V>.Ahead(rows, s.BytesOfY) : 0;
        PlaneWindow<S, V>.Write(window, FH.Outputs, MostColumns, lanes, rows, Math.Min(column, s.OW) - strip.Column, results, s.OutputPixels, s.OW, epilogue.Streams, ahead);
    }

    /// <summary>Whether so many bytes of results are not near enough when they are written (measured on Zen 5: nearer ones are up to 8 % slower where they are asked for).</summary>
    private static bool IsFar(long bytes) => bytes / CacheSizes.Machine.L2 >= (FH.Outputs > Quad ? 3 : 5);

    /// <summary>The rows under the tile: their lines shall be near when they are written.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Ask(in PlaneRows tile, int column)
    {
        float* next = tile.First + (FH.Outputs * tile.RowStride);
        Prefetch.Band(next, tile.Pitch, S.Width, tile.RowStride, FH.Outputs, column);
        if (FW.Outputs > Quad) Prefetch.Band(next + Quad, tile.Pitch, S.Width, tile.RowStride, FH.Outputs, column + Quad);
    }

    /// <summary>Aᵀ·m. A method of its own, as <see cref="Rows"/>: the compiler inlines only so much into one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns(float* m, nint stride, float* to)
    {
        if (FW.Has(0)) Column(m, stride, to);
        if (FW.Has(1)) Column(m + stride, stride, to + S.Width);
        if (FW.Has(2)) Column(m + (2 * stride), stride, to + (2 * S.Width));
        if (FW.Has(3)) Column(m + (3 * stride), stride, to + (3 * S.Width));
        if (FW.Has(4)) Column(m + (4 * stride), stride, to + (4 * S.Width));
        if (FW.Has(5)) Column(m + (5 * stride), stride, to + (5 * S.Width));
        if (FW.Has(6)) Column(m + (6 * stride), stride, to + (6 * S.Width));
        if (FW.Has(7)) Column(m + (7 * stride), stride, to + (7 * S.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* m, nint stride, float* to)
    {
        FH.Output(m, FW.Reach * stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5);
        S.Store(to, y0);
        S.Store(to + Row, y1);
        if (FH.Outputs == 2) return;
        S.Store(to + (2 * Row), y2);
        S.Store(to + (3 * Row), y3);
        if (FH.Outputs == 4) return;
        S.Store(to + (4 * Row), y4);
        S.Store(to + (5 * Row), y5);
    }

    /// <summary>(Aᵀ·m)·A, the epilogue, and the rows and columns of the tile that exist into their planes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Rows(float* from, in PlaneRows planes, float* addend, int rows, int columns, int lanes, V bias, in TileStore epilogue)
    {
        float* to = planes.First;
        nint pitch = planes.Pitch, rowStride = planes.RowStride;
        for (int r = 0; r < rows; r++, to += rowStride, addend += rowStride, from += Row)
        {
            FW.Output(from, S.Width, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5);
            (y0, y1, y2, y3) = (S.Add(y0, bias), S.Add(y1, bias), S.Add(y2, bias), S.Add(y3, bias));
            if (FW.Outputs > Quad) (y4, y5) = (S.Add(y4, bias), S.Add(y5, bias));
            if (FW.Outputs == 2 && columns == 2 && epilogue.Addend == null)
            {
                StorePairs(to, pitch, lanes, epilogue.Activate<S, V>(y0), epilogue.Activate<S, V>(y1));
                continue;
            }

            if (columns < Quad || columns < FW.Outputs || lanes < S.Width)
            {
                StorePart(to, addend, pitch, Math.Min(columns, Quad), lanes, y0, y1, y2, y3, epilogue);
                if (FW.Outputs > Quad && columns > Quad) StorePart(to + Quad, addend + Quad, pitch, columns - Quad, lanes, y4, y5, S.Zero, S.Zero, epilogue);
                continue;
            }

            if (epilogue.Addend != null)
            {
                S.LoadQuads(addend, pitch, out V a0, out V a1, out V a2, out V a3);
                (y0, y1, y2, y3) = (S.Add(y0, a0), S.Add(y1, a1), S.Add(y2, a2), S.Add(y3, a3));
                if (FW.Outputs > Quad)
                {
                    S.LoadQuads(addend + 2, pitch, out _, out _, out V a4, out V a5);
                    (y4, y5) = (S.Add(y4, a4), S.Add(y5, a5));
                }
            }

            (y2, y3) = (epilogue.Activate<S, V>(y2), epilogue.Activate<S, V>(y3));
            S.StoreQuads(to, pitch, epilogue.Activate<S, V>(y0), epilogue.Activate<S, V>(y1), y2, y3);
            // Six columns are two quads, which overlap.
            if (FW.Outputs > Quad) S.StoreQuads(to + 2, pitch, y2, y3, epilogue.Activate<S, V>(y4), epilogue.Activate<S, V>(y5));
        }
    }

    /// <summary>A row of a tile of two columns.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void StorePairs(float* to, nint pitch, int lanes, V y0, V y1)
    {
        float* pairs = stackalloc float[2 * S.Width];
        S.Store(pairs, S.InterleaveLow(y0, y1));
        S.Store(pairs + S.Width, S.InterleaveHigh(y0, y1));
        for (int i = 0; i < lanes; i++) Vector64.Store(Vector64.Load(pairs + (2 * i)), to + (i * pitch));
    }

    /// <summary>A row of a tile of which not all columns or channels exist.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void StorePart(float* to, float* addend, nint pitch, int columns, int lanes, V y0, V y1, V y2, V y3, in TileStore epilogue)
    {
        float* quads = stackalloc float[Quad * S.Width];
        if (epilogue.Addend != null)
        {
            for (int i = 0; i < lanes; i++) Copy(addend + (i * pitch), quads + (i * Quad), columns);
            S.LoadQuads(quads, Quad, out V a0, out V a1, out V a2, out V a3);
            (y0, y1, y2, y3) = (S.Add(y0, a0), S.Add(y1, a1), S.Add(y2, a2), S.Add(y3, a3));
        }

        S.StoreQuads(quads, Quad, epilogue.Activate<S, V>(y0), epilogue.Activate<S, V>(y1), epilogue.Activate<S, V>(y2), epilogue.Activate<S, V>(y3));
        for (int i = 0; i < lanes; i++) Copy(quads + (i * Quad), to + (i * pitch), columns);
    }

    /// <summary>1 … 4 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* from, float* to, int count)
    {
        if (count == Quad)
        {
            Vector128.Store(Vector128.Load(from), to);
            return;
        }

        if (count >= 2) Vector64.Store(Vector64.Load(from), to);
        if ((count & 1) != 0) to[count - 1] = from[count - 1];
    }
}
