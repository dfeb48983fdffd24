using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>y = epilogue(Aᵀ·m·A) for consecutive tiles, one channel in each lane.</summary>
internal static unsafe class WinogradOutput<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// <code>product f of tile first + t of channel c = m[f·productStride + t·tileStride + c],   c &lt; lanes</code>
    /// </summary>
    /// <param name="s">Sizes.</param>
    /// <param name="first">First tile.</param>
    /// <param name="count">Tiles.</param>
    /// <param name="m">The first channel of the first tile of the first product; whole vectors are read.</param>
    /// <param name="productStride">Floats between products.</param>
    /// <param name="tileStride">Floats between tiles.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="y">The first channel's plane in the first image.</param>
    /// <param name="epilogue">Bias: the first channel's; Addend: its plane in the first image.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(
        in ConvSizes s, long first, int count, float* m, nint productStride, nint tileStride, int lanes, float* y, in TileStore epilogue)
    {
        float** planes = stackalloc float*[2 * S.Width];
        float* columns = stackalloc float[WinogradF4K3.Tile * WinogradF4K3.Reach * S.Width];
        V bias = epilogue.Bias == null ? S.Zero : S.LoadPartial(epilogue.Bias, lanes);
        while (count > 0)
        {
            WinogradStrip strip = WinogradStrip.At(s, first, count);
            nint image = strip.Image * (nint)s.OC * s.OutputPixels;
            for (int i = 0; i < lanes; i++)
            {
                planes[i] = y + image + (i * (nint)s.OutputPixels);
                planes[S.Width + i] = epilogue.Addend + image + (i * (nint)s.OutputPixels);
            }

            nint at = ((nint)strip.Row * s.OW) + strip.Column;
            int rows = Math.Min(WinogradF4K3.Tile, s.OH - strip.Row), column = strip.Column;
            for (int t = 0; t < strip.Tiles; t++, m += tileStride, column += WinogradF4K3.Tile, at += WinogradF4K3.Tile)
            {
                Columns(m, productStride, columns);
                Rows(columns, planes, at, s.OW, rows, Math.Min(WinogradF4K3.Tile, s.OW - column), lanes, bias, epilogue);
            }

            first += strip.Tiles;
            count -= strip.Tiles;
        }
    }

    /// <summary>Aᵀ·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Columns(float* m, nint stride, float* to)
    {
        nint row = WinogradF4K3.Reach * stride, next = WinogradF4K3.Reach * S.Width;
        for (int j = 0; j < WinogradF4K3.Reach; j++, m += stride, to += S.Width)
        {
            WinogradF4K3<S, V>.Output(
                S.Load(m), S.Load(m + row), S.Load(m + (2 * row)), S.Load(m + (3 * row)), S.Load(m + (4 * row)), S.Load(m + (5 * row)),
                out V y0, out V y1, out V y2, out V y3);
            S.Store(to, y0);
            S.Store(to + next, y1);
            S.Store(to + (2 * next), y2);
            S.Store(to + (3 * next), y3);
        }
    }

    /// <summary>(Aᵀ·m)·A, the epilogue, and the rows and columns of the tile that exist into their planes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows(float* from, float** planes, nint at, nint rowStride, int rows, int columns, int lanes, V bias, in TileStore epilogue)
    {
        for (int r = 0; r < rows; r++, at += rowStride, from += WinogradF4K3.Reach * S.Width)
        {
            WinogradF4K3<S, V>.Output(
                S.Load(from), S.Load(from + S.Width), S.Load(from + (2 * S.Width)), S.Load(from + (3 * S.Width)), S.Load(from + (4 * S.Width)),
                S.Load(from + (5 * S.Width)), out V y0, out V y1, out V y2, out V y3);
            (y0, y1, y2, y3) = (S.Add(y0, bias), S.Add(y1, bias), S.Add(y2, bias), S.Add(y3, bias));
            if (columns < WinogradF4K3.Tile || lanes < S.Width)
            {
                StorePart(planes, at, columns, lanes, y0, y1, y2, y3, epilogue);
                continue;
            }

            if (epilogue.Addend != null)
            {
                S.LoadQuads(planes + S.Width, at, out V a0, out V a1, out V a2, out V a3);
                (y0, y1, y2, y3) = (S.Add(y0, a0), S.Add(y1, a1), S.Add(y2, a2), S.Add(y3, a3));
            }

            S.StoreQuads(
                planes, at, epilogue.Activate<S, V>(y0), epilogue.Activate<S, V>(y1), epilogue.Activate<S, V>(y2), epilogue.Activate<S, V>(y3));
        }
    }

    /// <summary>A row of a tile of which not all columns or channels exist, channel by channel.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void StorePart(float** planes, nint at, int columns, int lanes, V y0, V y1, V y2, V y3, in TileStore epilogue)
    {
        float* quads = stackalloc float[WinogradF4K3.Quad * S.Width];
        float** each = stackalloc float*[S.Width];
        for (int i = 0; i < S.Width; i++) each[i] = quads + (i * WinogradF4K3.Quad);
        S.StoreQuads(each, 0, y0, y1, y2, y3);
        for (int i = 0; i < lanes; i++)
        {
            Vector128<float> quad = Vector128.Load(each[i]);
            if (epilogue.Addend != null) quad += Simd128.LoadPartial(planes[S.Width + i] + at, columns);
            Simd128.StorePartial(planes[i] + at, epilogue.Activate<Simd128, Vector128<float>>(quad), columns);
        }
    }
}
