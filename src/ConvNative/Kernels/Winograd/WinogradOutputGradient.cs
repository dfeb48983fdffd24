using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>A·dy·Aᵀ for consecutive tiles of dy, one channel in each lane; what of a tile lies outside the image is zero.</summary>
internal static unsafe class WinogradOutputGradient<S, V, F>
    where S : struct, ISimd<V>
    where V : struct
    where F : struct, IWinogradScheme<V>
{
    /// <summary>Floats of a row of a tile's columns.</summary>
    private static int Pitch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => WinogradPoints.Tile * S.Width;
    }

    /// <summary>
    /// <code>m[f·productStride + t·tileStride + c] = product f of tile first + t of channel c,   c &lt; lanes</code>
    /// The other lanes of the vectors repeat the last channel.
    /// </summary>
    /// <param name="s">Sizes; dy is at least <see cref="WinogradPoints.Tile"/> columns wide.</param>
    /// <param name="first">First tile.</param>
    /// <param name="count">Tiles.</param>
    /// <param name="dy">The first channel's plane in the first image.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="m">The first channel of the first tile of the first product.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="tileStride">Floats between tiles, at least a vector.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(in ConvSizes s, long first, int count, float* dy, int lanes, float* m, nint productStride, nint tileStride)
    {
        float** planes = stackalloc float*[S.Width];
        float* columns = stackalloc float[(F.Reach * Pitch) + StackBuffer.Slack];
        columns = StackBuffer.Align(columns);
        while (count > 0)
        {
            WinogradStrip strip = WinogradStrip.At(s, first, count);
            float* image = dy + (strip.Image * (nint)s.OC * s.OutputPixels);
            for (int i = 0; i < S.Width; i++) planes[i] = image + (Math.Min(i, lanes - 1) * (nint)s.OutputPixels);
            for (int t = 0; t < strip.Tiles; t++, m += tileStride)
            {
                Columns(s, planes, strip.Row, strip.Column + (t * WinogradPoints.Tile), columns);
                Rows(columns, m, productStride);
            }

            first += strip.Tiles;
            count -= strip.Tiles;
        }
    }

    /// <summary>A·dy: a row of four columns for each point.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Columns(in ConvSizes s, float** planes, int row, int column, float* to)
    {
        // The row's last quad ends with the row.
        int missing = Math.Max(0, column + WinogradPoints.Tile - s.OW), rows = s.OH - row;
        nint at = ((nint)row * s.OW) + column - missing;
        Load(planes, at, rows > 0, missing, out V d00, out V d01, out V d02, out V d03);
        Load(planes, at + s.OW, rows > 1, missing, out V d10, out V d11, out V d12, out V d13);
        Load(planes, at + (2 * (nint)s.OW), rows > 2, missing, out V d20, out V d21, out V d22, out V d23);
        Load(planes, at + (3 * (nint)s.OW), rows > 3, missing, out V d30, out V d31, out V d32, out V d33);
        Prefetch.FourRows(planes, S.Width, at + (WinogradPoints.Tile * (nint)s.OW), s.OW, column);
        Store(d00, d10, d20, d30, to, Pitch);
        Store(d01, d11, d21, d31, to + S.Width, Pitch);
        Store(d02, d12, d22, d32, to + (2 * S.Width), Pitch);
        Store(d03, d13, d23, d33, to + (3 * S.Width), Pitch);
    }

    /// <summary>Four pixels of a row, the first of which lie before the tile's, as many as are missing behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float** planes, nint at, bool exists, int missing, out V d0, out V d1, out V d2, out V d3)
    {
        if (exists) S.LoadQuads(planes, at, out d0, out d1, out d2, out d3);
        else d0 = d1 = d2 = d3 = S.Zero;
        for (; missing > 0; missing--) (d0, d1, d2, d3) = (d1, d2, d3, S.Zero);
    }

    /// <summary>(A·dy)·Aᵀ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows(float* from, float* m, nint stride)
    {
        nint row = Pitch, next = F.Reach * stride;
        Row(from, m, stride);
        Row(from + row, m + next, stride);
        Row(from + (2 * row), m + (2 * next), stride);
        Row(from + (3 * row), m + (3 * next), stride);
        Row(from + (4 * row), m + (4 * next), stride);
        Row(from + (5 * row), m + (5 * next), stride);
        if (F.Reach == 6) return;
        Row(from + (6 * row), m + (6 * next), stride);
        if (F.Reach == 7) return;
        Row(from + (7 * row), m + (7 * next), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(float* from, float* m, nint stride) =>
        Store(S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)), m, stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V y0, V y1, V y2, V y3, float* to, nint stride)
    {
        F.OutputTransposed(y0, y1, y2, y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7);
        WinogradStore<S, V, F>.Points(to, stride, m0, m1, m2, m3, m4, m5, m6, m7);
    }
}
