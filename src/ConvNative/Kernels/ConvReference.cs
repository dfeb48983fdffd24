namespace ConvNative.Kernels;

/// <summary>
/// Convolution by its definition, one output plane per call. With ic over the channels of oc's group:
/// y[n,oc,oh,ow] = b[oc] + Σ_{ic,kh,kw} w[oc,ic,kh,kw] · x[n,ic, oh·sh + kh·dh − pt, ow·sw + kw·dw − pl], x being 0 outside.
/// </summary>
internal static unsafe class ConvReference
{
    /// <summary>The plane y[n, oc]. b may be null.</summary>
    public static void Forward(in ConvSizes s, int n, int oc, float* x, float* w, float* b, float* y)
    {
        int ic0 = oc / s.GroupOC * s.GroupIC;
        for (int oh = 0; oh < s.OH; oh++)
        for (int ow = 0; ow < s.OW; ow++)
        {
            double sum = b == null ? 0 : b[oc];
            for (int ic = 0; ic < s.GroupIC; ic++)
            for (int kh = 0; kh < s.KH; kh++)
            for (int kw = 0; kw < s.KW; kw++)
            {
                int ih = (oh * s.sh) + (kh * s.dh) - s.pt;
                int iw = (ow * s.sw) + (kw * s.dw) - s.pl;
                if (ih < 0 || ih >= s.IH || iw < 0 || iw >= s.IW) continue;
                sum += (double)w[WeightAt(s, oc, ic, kh, kw)] * x[InputAt(s, n, ic0 + ic, ih, iw)];
            }

            y[OutputAt(s, n, oc, oh, ow)] = (float)sum;
        }
    }

    /// <summary>The plane dx[n, ic]: each pixel gathers from the outputs that read it.</summary>
    public static void BackwardData(in ConvSizes s, int n, int ic, float* dy, float* w, float* dx)
    {
        int oc0 = ic / s.GroupIC * s.GroupOC;
        for (int ih = 0; ih < s.IH; ih++)
        for (int iw = 0; iw < s.IW; iw++)
        {
            double sum = 0;
            for (int kh = 0; kh < s.KH; kh++)
            for (int kw = 0; kw < s.KW; kw++)
            {
                int h = ih + s.pt - (kh * s.dh);
                int v = iw + s.pl - (kw * s.dw);
                if (h < 0 || h % s.sh != 0 || h / s.sh >= s.OH || v < 0 || v % s.sw != 0 || v / s.sw >= s.OW) continue;
                for (int oc = oc0; oc < oc0 + s.GroupOC; oc++)
                    sum += (double)w[WeightAt(s, oc, ic % s.GroupIC, kh, kw)] * dy[OutputAt(s, n, oc, h / s.sh, v / s.sw)];
            }

            dx[InputAt(s, n, ic, ih, iw)] = (float)sum;
        }
    }

    /// <summary>dw[oc] and db[oc]. db may be null.</summary>
    public static void BackwardWeights(in ConvSizes s, int oc, float* x, float* dy, float* dw, float* db)
    {
        int ic0 = oc / s.GroupOC * s.GroupIC;
        for (int ic = 0; ic < s.GroupIC; ic++)
        for (int kh = 0; kh < s.KH; kh++)
        for (int kw = 0; kw < s.KW; kw++)
        {
            double sum = 0;
            for (int n = 0; n < s.N; n++)
            for (int oh = 0; oh < s.OH; oh++)
            for (int ow = 0; ow < s.OW; ow++)
            {
                int ih = (oh * s.sh) + (kh * s.dh) - s.pt;
                int iw = (ow * s.sw) + (kw * s.dw) - s.pl;
                if (ih < 0 || ih >= s.IH || iw < 0 || iw >= s.IW) continue;
                sum += (double)dy[OutputAt(s, n, oc, oh, ow)] * x[InputAt(s, n, ic0 + ic, ih, iw)];
            }

            dw[WeightAt(s, oc, ic, kh, kw)] = (float)sum;
        }

        if (db == null) return;
        double bias = 0;
        for (int n = 0; n < s.N; n++)
        for (int p = 0; p < s.OutputPixels; p++)
            bias += dy[OutputAt(s, n, oc, 0, 0) + p];
        db[oc] = (float)bias;
    }

    private static long InputAt(in ConvSizes s, int n, int ic, int ih, int iw) => ((((long)n * s.IC) + ic) * s.InputPixels) + ((long)ih * s.IW) + iw;

    private static long OutputAt(in ConvSizes s, int n, int oc, int oh, int ow) => ((((long)n * s.OC) + oc) * s.OutputPixels) + ((long)oh * s.OW) + ow;

    private static long WeightAt(in ConvSizes s, int oc, int ic, int kh, int kw) => ((((((long)oc * s.GroupIC) + ic) * s.KH) + kh) * s.KW) + kw;
}
