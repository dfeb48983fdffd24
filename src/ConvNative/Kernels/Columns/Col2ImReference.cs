namespace ConvNative.Kernels;

/// <summary>col2im as its formula says, one element at a time: the specification that <see cref="Col2Im"/> is tested against.</summary>
internal static unsafe class Col2ImReference
{
    /// <summary>
    /// dx[c, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw] += dcol[(c, kh, kw), (oh, ow)] for the pixels
    /// [firstPixel, firstPixel + pixels) of the flattened (oh, ow) plane; what falls outside the image is dropped.
    /// One element of dx receives its terms in the order of (kh, kw). The contract of <see cref="Col2Im.Tile"/>.
    /// </summary>
    public static void Tile(in ConvSizes s, float* dcol, nint ldcol, int channels, int firstPixel, int pixels, float* dx)
    {
        for (int c = 0; c < channels; c++)
        for (int kh = 0; kh < s.KH; kh++)
        for (int kw = 0; kw < s.KW; kw++)
        {
            float* row = dcol + ((((nint)c * s.KH) + kh) * s.KW + kw) * ldcol;
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                (int oh, int ow) = Math.DivRem(firstPixel + pixel, s.OW);
                Add(s, dx + ((nint)c * s.IH * s.IW), oh, ow, kh, kw, row[pixel]);
            }
        }
    }

    /// <summary>
    /// dx[n, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw] += dcol[(kh, kw), (oh, ow, n)] for one channel, from dx = 0.
    /// The contract of <see cref="Col2Im.BatchInnermost"/>.
    /// </summary>
    public static void BatchInnermost(in ConvSizes s, float* dcol, nint ldcol, float* dx)
    {
        for (int n = 0; n < s.N; n++)
            new Span<float>(dx + ((nint)n * s.IC * s.IH * s.IW), s.IH * s.IW).Clear();
        for (int kh = 0; kh < s.KH; kh++)
        for (int kw = 0; kw < s.KW; kw++)
        {
            float* row = dcol + ((((nint)kh * s.KW) + kw) * ldcol);
            for (int oh = 0; oh < s.OH; oh++)
            for (int ow = 0; ow < s.OW; ow++)
            for (int n = 0; n < s.N; n++)
                Add(s, dx + ((nint)n * s.IC * s.IH * s.IW), oh, ow, kh, kw, *row++);
        }
    }

    private static void Add(in ConvSizes s, float* plane, int oh, int ow, int kh, int kw, float value)
    {
        long ih = ((long)oh * s.sh) - s.pt + ((long)kh * s.dh);
        long iw = ((long)ow * s.sw) - s.pl + ((long)kw * s.dw);
        if (ih >= 0 && ih < s.IH && iw >= 0 && iw < s.IW)
            plane[(ih * s.IW) + iw] += value;
    }
}
