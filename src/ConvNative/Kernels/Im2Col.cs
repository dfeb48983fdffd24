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

    private static void WriteRows<S, V, R>(
        in ConvSizes s, float* x, int depth, int channels, int firstPixel, int pixels, float* col, nint ldcol)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        nint plane = (nint)s.IH * s.IW * depth;
        float* xEnd = x + (channels * plane);
        (int oh, int ow) = Math.DivRem(firstPixel, s.OW);
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
                    WriteRow<S, V, R>(s, origin, xEnd, depth, down, across, oh, ow, pixels, col);
                }
            }
        }
    }

    /// <summary>One matrix row from pixel (oh, ow) on; <paramref name="origin"/> is what the tap reads for pixel (0, 0).</summary>
    private static void WriteRow<S, V, R>(
        in ConvSizes s, float* origin, float* xEnd, int depth, TapRange down, TapRange across, int oh, int ow, int pixels, float* col)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        float* end = col + ((nint)pixels * depth);
        for (; pixels > 0; oh++, ow = 0)
        {
            int stop = Math.Min(s.OW, ow + pixels);
            pixels -= stop - ow;
            if (!down.Contains(oh))
            {
                col = Zeros<S, V>(col, (nint)(stop - ow) * depth, end);
                continue;
            }

            int first = Math.Clamp(across.First, ow, stop);
            int last = Math.Clamp(across.End, first, stop);
            float* p = origin + ((((nint)oh * s.sh * s.IW) + ((nint)first * s.sw)) * depth);
            col = Zeros<S, V>(col, (nint)(first - ow) * depth, end);
            col = Pixels<S, V, R>(p, s.sw, depth, last - first, xEnd, col, end);
            col = Zeros<S, V>(col, (nint)(stop - last) * depth, end);
        }
    }

    /// <summary>Every <paramref name="stride"/>-th pixel from p on; returns where the next run of the matrix row starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Pixels<S, V, R>(float* p, int stride, int depth, int count, float* xEnd, float* col, float* end)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        if (stride == 1 || depth == 1)
            return Copy<S, V, R>(p, stride, (nint)count * depth, xEnd, col, end);
        for (; count > 0; count--, p += (nint)stride * depth)
            col = Copy<S, V, R>(p, 1, depth, xEnd, col, end);
        return col;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Copy<S, V, R>(float* p, int stride, nint count, float* xEnd, float* col, float* end)
        where S : struct, ISimd<V>
        where V : struct
        where R : struct, IStridedRead<S, V>
    {
        for (; count > S.Width; count -= S.Width, p += (nint)stride * S.Width, col += S.Width)
            S.Store(col, R.Inner(p, stride));
        if (count > 0)
            StoreRunEnd<S, V>(col, R.Last(p, stride, (int)count, xEnd), (int)count, end);
        return col + count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Zeros<S, V>(float* col, nint count, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (; count > S.Width; count -= S.Width, col += S.Width)
            S.Store(col, S.Zero);
        if (count > 0)
            StoreRunEnd<S, V>(col, S.Zero, (int)count, end);
        return col + count;
    }

    /// <summary>The last 1 … Width lanes of a run: a whole vector where the matrix row has room for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRunEnd<S, V>(float* col, V value, int lanes, float* end)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (col + S.Width <= end)
            S.Store(col, value);
        else
            S.StorePartial(col, value, lanes);
    }
}
