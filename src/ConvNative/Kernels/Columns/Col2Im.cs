using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The adjoint of <see cref="Im2Col"/>: adds every column back onto the patch that it was made from. Formula:
/// <see cref="Col2ImReference"/>, whose order of summation, (kh, kw) for each pixel, is kept exactly.
/// </summary>
internal static unsafe class Col2Im
{
    /// <summary>Floats of the image worked on at a time: it stays in the first-level cache while all taps add to it.</summary>
    private const int BandLength = 4096;

    /// <summary>
    /// Adds rows (c, kh, kw), c &lt; <paramref name="channels"/>, of the columns [<paramref name="firstPixel"/>,
    /// firstPixel + <paramref name="pixels"/>) of the flattened (oh, ow) plane onto the planes of one image. The caller has
    /// zeroed the planes before the first tile. Calls on the same planes must follow each other; on others they may run at
    /// the same time.
    /// </summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="s">Sizes; N, IC, OC and G are not looked at.</param>
    /// <param name="dcol">channels·KH·KW rows of <paramref name="pixels"/> floats. No alignment needed.</param>
    /// <param name="ldcol">Distance between rows of <paramref name="dcol"/>, in floats.</param>
    /// <param name="channels">Channel planes to add onto.</param>
    /// <param name="firstPixel">First column.</param>
    /// <param name="pixels">Number of columns.</param>
    /// <param name="dx">First of <paramref name="channels"/> planes, IH×IW each. No alignment needed.</param>
    public static void Tile(Isa isa, in ConvSizes s, float* dcol, nint ldcol, int channels, int firstPixel, int pixels, float* dx) =>
        Add(isa, s, dcol, ldcol, 1, channels, firstPixel, pixels, dx);

    /// <summary>Writes one channel of all images from its rows (kh, kw) with columns (oh, ow, n), n fastest: the article's order.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="s">Sizes; OC and G are not looked at.</param>
    /// <param name="dcol">KH·KW rows of OH·OW·N floats.</param>
    /// <param name="ldcol">Distance between rows of <paramref name="dcol"/>, in floats.</param>
    /// <param name="scratch">IH·IW·N floats.</param>
    /// <param name="dx">The channel's plane in the first image; the next image's is IC·IH·IW floats on. Overwritten.</param>
    public static void BatchInnermost(Isa isa, in ConvSizes s, float* dcol, nint ldcol, float* scratch, float* dx)
    {
        nint plane = (nint)s.IH * s.IW;
        NativeMemory.Clear(scratch, (nuint)(plane * s.N * sizeof(float)));
        Add(isa, s, dcol, ldcol, s.N, 1, 0, s.OH * s.OW, scratch);
        Transpose.Run(isa, plane, s.N, scratch, s.N, dx, s.IC * plane);
    }

    /// <summary>Tile of an image whose pixels are <paramref name="depth"/> floats each.</summary>
    private static void Add(
        Isa isa, in ConvSizes s, float* dcol, nint ldcol, int depth, int channels, int firstPixel, int pixels, float* dx)
    {
        switch (isa)
        {
            case Isa.Avx512:
                AddAtWidth<Simd512, Vector512<float>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
                break;
            case Isa.Avx2:
                AddAtWidth<Simd256, Vector256<float>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
                break;
            default:
                AddAtWidth<Simd128, Vector128<float>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddAtWidth<S, V>(
        in ConvSizes s, float* dcol, nint ldcol, int depth, int channels, int firstPixel, int pixels, float* dx)
        where S : struct, ISimd<V>
        where V : struct
    {
        // Pixels of several floats are contiguous runs whatever the stride.
        if (s.sw == 1 || depth > 1)
            AddPlanes<S, V, UnitAdd<S, V>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
        else if (s.sw == 2)
            AddPlanes<S, V, PairAdd<S, V>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
        else
            AddPlanes<S, V, ScatterAdd<S, V>>(s, dcol, ldcol, depth, channels, firstPixel, pixels, dx);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPlanes<S, V, A>(
        in ConvSizes s, float* dcol, nint ldcol, int depth, int channels, int firstPixel, int pixels, float* dx)
        where S : struct, ISimd<V>
        where V : struct
        where A : struct, IStridedAdd<S, V>
    {
        if (pixels == 0)
            return;
        nint plane = (nint)s.IH * s.IW * depth;
        float* dxEnd = dx + (channels * plane);

        // Image rows that the tile's output rows reach, in bands.
        var tileRows = new TapRange(firstPixel / s.OW, ((firstPixel + pixels - 1) / s.OW) + 1);
        long top = ((long)tileRows.First * s.sh) - s.pt;
        long bottom = ((long)(tileRows.End - 1) * s.sh) - s.pt + ((long)(s.KH - 1) * s.dh);
        int firstRow = (int)Math.Max(top, 0), endRow = (int)Math.Min(bottom + 1, s.IH);
        int band = (int)Math.Max(BandLength / ((nint)s.IW * depth), 1);
        for (int c = 0; c < channels; c++, dx += plane, dcol += (nint)s.KH * s.KW * ldcol)
        {
            for (int ih = firstRow; ih < endRow; ih += Math.Min(band, endRow - ih))
                AddBand<S, V, A>(s, dcol, ldcol, depth, tileRows, firstPixel, pixels, dx, dxEnd, ih, Math.Min(band, endRow - ih));
        }
    }

    /// <summary>All that the tile adds to the rows [<paramref name="firstRow"/>, firstRow + <paramref name="rows"/>) of one plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddBand<S, V, A>(
        in ConvSizes s, float* dcol, nint ldcol, int depth, TapRange tileRows, int firstPixel, int pixels,
        float* dx, float* dxEnd, int firstRow, int rows)
        where S : struct, ISimd<V>
        where V : struct
        where A : struct, IStridedAdd<S, V>
    {
        for (int kh = 0; kh < s.KH; kh++)
        {
            long top = ((long)kh * s.dh) - s.pt;
            TapRange down = TapRange.Inside(rows, s.OH, s.sh, top - firstRow).Intersect(tileRows);
            for (int kw = 0; kw < s.KW; kw++, dcol += ldcol)
            {
                long left = ((long)kw * s.dw) - s.pl;
                TapRange across = TapRange.Inside(s.IW, s.OW, s.sw, left);
                float* origin = dx + (((top * s.IW) + left) * depth);
                AddRow<S, V, A>(s, dcol, depth, firstPixel, pixels, down, across, origin, dxEnd);
            }
        }
    }

    /// <summary>
    /// One matrix row, output rows <paramref name="down"/> of it; <paramref name="origin"/> is where the tap adds pixel
    /// (0, 0). Counted in floats: a pixel is <paramref name="depth"/> of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRow<S, V, A>(
        in ConvSizes s, float* dcol, int depth, int firstPixel, int pixels, TapRange down, TapRange across, float* origin, float* dxEnd)
        where S : struct, ISimd<V>
        where V : struct
        where A : struct, IStridedAdd<S, V>
    {
        int sw = s.sw;
        nint width = (nint)s.OW * depth, step = (nint)s.sh * s.IW * depth;
        nint inside = (nint)across.First * depth, outside = (nint)across.End * depth;
        // Places in the matrix row: a pointer to where a row of pixels starts that is cut off on the left may wrap round.
        nint end = (nint)pixels * depth, row = (((nint)down.First * s.OW) - firstPixel) * depth;
        origin += down.First * step;
        for (int oh = down.First; oh < down.End; oh++, row += width, origin += step)
        {
            nint first = Math.Max(row + inside, 0), last = Math.Max(Math.Min(row + outside, end), first);
            AddPixels<S, V, A>(origin + ((first - row) * sw), sw, depth, dcol + first, dcol + last, dxEnd);
        }
    }

    /// <summary>Adds the pixels [<paramref name="dcol"/>, <paramref name="stop"/>) onto every <paramref name="stride"/>-th pixel from p on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPixels<S, V, A>(float* p, int stride, int depth, float* dcol, float* stop, float* dxEnd)
        where S : struct, ISimd<V>
        where V : struct
        where A : struct, IStridedAdd<S, V>
    {
        if (stride == 1 || depth == 1)
        {
            AddRun<S, V, A>(p, stride, dcol, stop, dxEnd);
            return;
        }

        for (; dcol < stop; dcol += depth, p += (nint)stride * depth)
            AddRun<S, V, A>(p, 1, dcol, dcol + depth, dxEnd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRun<S, V, A>(float* p, int stride, float* dcol, float* stop, float* dxEnd)
        where S : struct, ISimd<V>
        where V : struct
        where A : struct, IStridedAdd<S, V>
    {
        for (; dcol + S.Width < stop; dcol += S.Width, p += (nint)stride * S.Width)
            A.Inner(p, stride, dcol);
        if (dcol < stop)
            A.Last(p, stride, dcol, (int)(stop - dcol), dxEnd);
    }
}
