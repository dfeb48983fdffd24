namespace ConvNative.Kernels;

/// <summary>im2col as its formula says, one element at a time: the specification that <see cref="Im2Col"/> is tested against.</summary>
internal static unsafe class Im2ColReference
{
    /// <summary>
    /// col[(c, kh, kw), (oh, ow)] = x[c, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw], 0 outside the image; columns are the
    /// pixels [firstPixel, firstPixel + pixels) of the flattened (oh, ow) plane. The contract of <see cref="Im2Col.Tile"/>.
    /// </summary>
    public static void Tile(in ConvSizes s, float* x, int channels, int firstPixel, int pixels, float* col, nint ldcol)
    {
        for (int c = 0; c < channels; c++)
        for (int kh = 0; kh < s.KH; kh++)
        for (int kw = 0; kw < s.KW; kw++)
        {
            float* row = col + ((((nint)c * s.KH) + kh) * s.KW + kw) * ldcol;
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                (int oh, int ow) = Math.DivRem(firstPixel + pixel, s.OW);
                row[pixel] = Pixel(s, x + ((nint)c * s.IH * s.IW), oh, ow, kh, kw);
            }
        }
    }

    /// <summary>
    /// col[(kh, kw), (oh, ow, n)] = x[n, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw] for one channel, 0 outside the image.
    /// The contract of <see cref="Im2Col.BatchInnermost"/>.
    /// </summary>
    public static void BatchInnermost(in ConvSizes s, float* x, float* col, nint ldcol)
    {
        for (int kh = 0; kh < s.KH; kh++)
        for (int kw = 0; kw < s.KW; kw++)
        {
            float* row = col + ((((nint)kh * s.KW) + kw) * ldcol);
            for (int oh = 0; oh < s.OH; oh++)
            for (int ow = 0; ow < s.OW; ow++)
            for (int n = 0; n < s.N; n++)
                *row++ = Pixel(s, x + ((nint)n * s.IC * s.IH * s.IW), oh, ow, kh, kw);
        }
    }

    private static float Pixel(in ConvSizes s, float* plane, int oh, int ow, int kh, int kw)
    {
        long ih = ((long)oh * s.sh) - s.pt + ((long)kh * s.dh);
        long iw = ((long)ow * s.sw) - s.pl + ((long)kw * s.dw);
        return ih >= 0 && ih < s.IH && iw >= 0 && iw < s.IW ? plane[(ih * s.IW) + iw] : 0;
    }
}
