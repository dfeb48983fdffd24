namespace ConvNative.Kernels;

/// <summary>The sizes of one convolution as plain numbers, for kernels (docs/notation.md).</summary>
internal readonly record struct ConvSizes(
    int N, int IC, int IH, int IW,
    int OC, int KH, int KW,
    int OH, int OW,
    int sh, int sw, int dh, int dw,
    int pt, int pl, int pb, int pr,
    int G)
{
    /// <summary>Input channels of one group.</summary>
    public int GroupIC => IC / G;

    /// <summary>Output channels of one group.</summary>
    public int GroupOC => OC / G;

    /// <summary>Rows of the column matrix of one group: IC/G·KH·KW.</summary>
    public int PatchLength => GroupIC * KH * KW;

    /// <summary>Pixels of one output image: OH·OW.</summary>
    public int OutputPixels => OH * OW;

    /// <summary>Pixels of one input image: IH·IW.</summary>
    public int InputPixels => IH * IW;

    /// <summary>Bytes of x.</summary>
    public long BytesOfX => sizeof(float) * (long)N * IC * InputPixels;

    /// <summary>Bytes of y.</summary>
    public long BytesOfY => sizeof(float) * (long)N * OC * OutputPixels;

    /// <summary>Whether each output is the dot product of an image and a kernel as they stand in memory, a dense layer: no tap reads padding, behind the image either.</summary>
    public bool IsDense =>
        (OH, OW, KH, KW, pt, pl) == (1, 1, IH, IW, 0, 0) && (KH == 1 || dh == 1) && (KW == 1 || dw == 1);

    /// <summary>Pairs of a pixel of an output image and a tap for which the tap reads the image, not its padding.</summary>
    public long TapsInside => InsideOf(IH, OH, KH, sh, dh, pt) * InsideOf(IW, OW, KW, sw, dw, pl);

    /// <summary>The convolution from dy to dx, with kernels turned by 180°, where there are no strides.</summary>
    public ConvSizes FromOutput() => this with
    {
        IC = OC, IH = OH, IW = OW, OC = IC, OH = IH, OW = IW, pt = (dh * (KH - 1)) - pt, pl = (dw * (KW - 1)) - pl,
    };

    /// <summary>With strides, whether a pixel of the image is seen by one patch at most, between whose first and last pixel is no other's.</summary>
    public bool PatchesAreApart =>
        (sh > 1 || sw > 1) && (KH - 1) * (long)dh < sh && (KW - 1) * (long)dw < sw && IC * (long)KH * KW <= int.MaxValue;

    /// <summary>The same sums over channels for each tap by itself: the 1×1 convolution whose input channels (ic, kh, kw) are the patches' pixels.</summary>
    public ConvSizes OfTaps() => this with
    {
        IC = IC * KH * KW, IH = OH, IW = OW, KH = 1, KW = 1, sh = 1, sw = 1, dh = 1, dw = 1, pt = 0, pl = 0, pb = 0, pr = 0,
    };

    private static long InsideOf(int size, int outputs, int taps, int stride, int dilation, int padding)
    {
        long sum = 0;
        for (int tap = 0; tap < taps; tap++) sum += TapRange.Inside(size, outputs, stride, ((long)tap * dilation) - padding).Length;
        return sum;
    }
}
