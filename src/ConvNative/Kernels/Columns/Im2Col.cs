using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Lays the patches that a convolution sees side by side: row (c, kh, kw) of the column matrix is the image shifted by
/// (kh·dh − pt, kw·dw − pl), every sh-th row and sw-th pixel of it, 0 outside. Formula: <see cref="Im2ColReference"/>.
/// Each matrix row is written from left to right in whole vectors: what a vector writes beyond its run of pixels is
/// overwritten by the next run, so only the end of a row needs a partial store. Nothing outside x is read.
/// </summary>
internal static unsafe class Im2Col
{
    /// <summary>
    /// Writes rows (c, kh, kw), c &lt; <paramref name="channels"/>, and as columns the pixels
    /// [<paramref name="firstPixel"/>, firstPixel + <paramref name="pixels"/>) of the flattened (oh, ow) plane of one image.
    /// </summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="s">Sizes; N, IC, OC and G are not looked at.</param>
    /// <param name="x">First of <paramref name="channels"/> planes, IH×IW each. No alignment needed.</param>
    /// <param name="channels">Channel planes to read.</param>
    /// <param name="firstPixel">First column.</param>
    /// <param name="pixels">Number of columns.</param>
    /// <param name="col">channels·KH·KW rows of <paramref name="pixels"/> floats. No alignment needed.</param>
    /// <param name="ldcol">Distance between rows of <paramref name="col"/>, in floats.</param>
    public static void Tile(Isa isa, in ConvSizes s, float* x, int channels, int firstPixel, int pixels, float* col, nint ldcol) =>
        Write(isa, s, x, 1, channels, firstPixel, pixels, col, ldcol);

    /// <summary>Writes the rows (kh, kw) of one channel with columns (oh, ow, n), n fastest: the article's order.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="s">Sizes; OC and G are not looked at.</param>
    /// <param name="x">The channel's plane in the first image; the next image's is IC·IH·IW floats on.</param>
    /// <param name="scratch">IH·IW·N floats.</param>
    /// <param name="col">KH·KW rows of OH·OW·N floats.</param>
    /// <param name="ldcol">Distance between rows of <paramref name="col"/>, in floats.</param>
    public static void BatchInnermost(Isa isa, in ConvSizes s, float* x, float* scratch, float* col, nint ldcol)
    {
        // With the batch innermost in the image too, a pixel is N contiguous floats and a run of pixels one copy.
        nint plane = (nint)s.IH * s.IW;
        Transpose.Run(isa, s.N, plane, x, s.IC * plane, scratch, s.N);
        Write(isa, s, scratch, s.N, 1, 0, s.OH * s.OW, col, ldcol);
    }

    /// <summary>Tile of an image whose pixels are <paramref name="depth"/> floats each.</summary>
    private static void Write(
        Isa isa, in ConvSizes s, float* x, int depth, int channels, int firstPixel, int pixels, float* col, nint ldcol)
    {
        switch (isa)
        {
            case Isa.Avx512:
                WriteAtWidth<Simd512, Vector512<float>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
                break;
            case Isa.Avx2:
                WriteAtWidth<Simd256, Vector256<float>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
                break;
            default:
                WriteAtWidth<Simd128, Vector128<float>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteAtWidth<S, V>(
        in ConvSizes s, float* x, int depth, int channels, int firstPixel, int pixels, float* col, nint ldcol)
        where S : struct, ISimd<V>
        where V : struct
    {
        // Pixels of several floats are contiguous runs whatever the stride.
        if (s.sw == 1 || depth > 1)
            WriteRows<S, V, UnitRead<S, V>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
        else if (s.sw == 2)
            WriteRows<S, V, PairRead<S, V>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
        else
            WriteRows<S, V, GatherRead<S, V>>(s, x, depth, channels, firstPixel, pixels, col, ldcol);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteRows<S, V, R>(
        in ConvSizes s, float* x, int depth, int channels, int firstPixel, int pixels, float* col, nint ldcol)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        nint plane = (nint)s.IH * s.IW * depth;
        float* xEnd = x + (channels * plane);
        int oh = firstPixel / s.OW;
        for (int c = 0; c < channels; c++, x += plane)
        {
            for (int kh = 0; kh < s.KH; kh++)
            {
                long top = ((long)kh * s.dh) - s.pt;
                TapRange down = TapRange.Inside(s.IH, s.OH, s.sh, top);
                for (int kw = 0; kw < s.KW; kw++, col += ldcol)
                {
                    long left = ((long)kw * s.dw) - s.pl;
                    TapRange across = TapRange.Inside(s.IW, s.OW, s.sw, left);
                    float* origin = x + (((top * s.IW) + left) * depth);
                    if (s.sh == 1 && s.sw == 1 && s.OW == s.IW && depth == 1)
                        WriteShiftedPlane<S, V>(s.OW, origin, xEnd, down, across, oh, firstPixel, pixels, col);
                    else
                        WriteRow<S, V, R>(s, origin, xEnd, depth, down, across, oh, firstPixel, pixels, col);
                }
            }
        }
    }

    /// <summary>
    /// One matrix row from output row <paramref name="oh"/> on; <paramref name="origin"/> is what the tap reads for pixel
    /// (0, 0). Counted in floats: a pixel is <paramref name="depth"/> of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteRow<S, V, R>(
        in ConvSizes s, float* origin, float* xEnd, int depth, TapRange down, TapRange across, int oh, int firstPixel, int pixels, float* col)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        int sw = s.sw;
        nint width = (nint)s.OW * depth, step = (nint)s.sh * s.IW * depth;
        nint inside = (nint)across.First * depth, outside = (nint)across.End * depth;
        // Places in the matrix row: a pointer to where a row of pixels starts that is cut off on the left may wrap round.
        nint end = (nint)pixels * depth, row = (((nint)oh * s.OW) - firstPixel) * depth;
        float* colEnd = col + end;
        origin += oh * step;
        for (nint begin = 0; begin < end; begin = row, origin += step, oh++)
        {
            nint stop = Math.Min(row + width, end), first = stop, last = stop;
            if (down.Contains(oh))
            {
                first = Math.Clamp(row + inside, begin, stop);
                last = Math.Clamp(row + outside, first, stop);
            }

            Zeros<S, V>(col + begin, col + first, colEnd);
            Pixels<S, V, R>(origin + ((first - row) * sw), sw, depth, xEnd, col + first, col + last, colEnd);
            Zeros<S, V>(col + last, col + stop, colEnd);
            row += width;
        }
    }

    /// <summary>
    /// One matrix row where a row of the output is as wide as one of the image and strides are 1: a single copy of the
    /// plane from the tap's first pixel inside to its last, then zeros where that copy wrapped from row to row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteShiftedPlane<S, V>(
        nint width, float* origin, float* xEnd, TapRange down, TapRange across, int oh, int firstPixel, int pixels, float* col)
        where S : struct, ISimd<V>
        where V : struct
    {
        // Places in the matrix row, as in WriteRow; image is the plane's first.
        nint image = -firstPixel;
        nint first = Math.Clamp(image + (down.First * width) + across.First, 0, pixels);
        nint last = Math.Clamp(image + ((down.End - 1) * width) + across.End, first, pixels);
        if (across.First == across.End)
            last = first;
        float* end = col + pixels;
        Zeros<S, V>(col, col + first, end);
        Copy<S, V, UnitRead<S, V>>(origin + firstPixel + first, 1, xEnd, col + first, col + last, end);
        Zeros<S, V>(col + last, end, end);

        // From the end of the row before the tile, which may wrap into it.
        nint seam = width - (across.End - across.First);
        if (seam == 0)
            return;
        for (nint wrapped = image + (Math.Max(down.First, oh - 1) * width) + across.End; wrapped < last; wrapped += width)
        {
            nint stop = Math.Clamp(wrapped + seam, first, last);
            for (nint i = Math.Clamp(wrapped, first, last); i < stop; i++)
                col[i] = 0;
        }
    }

    /// <summary>Every <paramref name="stride"/>-th pixel from p on fills [<paramref name="col"/>, <paramref name="stop"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pixels<S, V, R>(float* p, int stride, int depth, float* xEnd, float* col, float* stop, float* end)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        if (stride == 1 || depth == 1)
        {
            Copy<S, V, R>(p, stride, xEnd, col, stop, end);
            return;
        }

        for (; col < stop; col += depth, p += (nint)stride * depth)
            Copy<S, V, R>(p, 1, xEnd, col, col + depth, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<S, V, R>(float* p, int stride, float* xEnd, float* col, float* stop, float* end)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        for (; col + S.Width < stop; col += S.Width, p += (nint)stride * S.Width)
            S.Store(col, R.Inner(p, stride));
        if (col < stop)
            StoreRunEnd<S, V>(col, R.Last(p, stride, (int)(stop - col), xEnd), stop, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zeros<S, V>(float* col, float* stop, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; col + S.Width < stop; col += S.Width)
            S.Store(col, S.Zero);
        if (col < stop)
            StoreRunEnd<S, V>(col, S.Zero, stop, end);
    }

    /// <summary>The last 1 … Width lanes of a run: a whole vector where the matrix row has room for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRunEnd<S, V>(float* col, V value, float* stop, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (col + S.Width <= end)
            S.Store(col, value);
        else
            S.StorePartial(col, value, (int)(stop - col));
    }
}
