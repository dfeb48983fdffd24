using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Verification;

/// <summary>One element of a result, computed in float64 by the definition.</summary>
/// <param name="Value">The sum.</param>
/// <param name="Magnitude">The sum of the terms' magnitudes: what rounding errors are measured by.</param>
/// <param name="Terms">Number of terms.</param>
internal readonly record struct ExactElement(double Value, double Magnitude, long Terms)
{
    private ExactElement Plus(double term) => new(Value + term, Magnitude + Math.Abs(term), Terms + 1);

    /// <summary>The element at a flat index of y, dx, dw or db.</summary>
    public static ExactElement Compute(ConvProblem problem, CaseData data, string result, long index) => result switch
    {
        "y" => Output(problem, data, index),
        "dx" => InputGradient(problem, data, index),
        "dw" => WeightGradient(problem, data, index),
        "db" => BiasGradient(problem, data, index),
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, "must be y, dx, dw or db"),
    };

    // y[n,oc,oh,ow] = b[oc] + Σ w[oc,ic,kh,kw] · x[n, ic of the group, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw]
    private static ExactElement Output(ConvProblem p, CaseData data, long index)
    {
        (int n, int oc, int oh, int ow) = Unflatten(p.Output, index);
        int firstIC = oc / (p.Weights.N / p.Groups) * p.Weights.C;
        ExactElement sum = default(ExactElement).Plus(data.B[oc]);
        foreach ((int kh, int kw, int ih, int iw) in Taps(p, oh, ow))
        {
            for (int ic = 0; ic < p.Weights.C; ic++)
                sum = sum.Plus((double)data.W[Flatten(p.Weights, oc, ic, kh, kw)] * data.X[Flatten(p.Input, n, firstIC + ic, ih, iw)]);
        }

        return sum;
    }

    // dx[n,ic,ih,iw] = Σ w[oc,ic,kh,kw] · dy[n,oc,oh,ow] over all that met the pixel: oh·sh − pt + kh·dh = ih, ow likewise.
    private static ExactElement InputGradient(ConvProblem p, CaseData data, long index)
    {
        (int n, int ic, int ih, int iw) = Unflatten(p.Input, index);
        int perGroup = p.Weights.N / p.Groups;
        int firstOC = ic / p.Weights.C * perGroup;
        ExactElement sum = default;
        for (int kh = 0; kh < p.Weights.H; kh++)
        {
            if (Source(ih + p.Padding.Top - (kh * p.DilationH), p.StrideH, p.Output.H) is not { } oh) continue;
            for (int kw = 0; kw < p.Weights.W; kw++)
            {
                if (Source(iw + p.Padding.Left - (kw * p.DilationW), p.StrideW, p.Output.W) is not { } ow) continue;
                for (int oc = firstOC; oc < firstOC + perGroup; oc++)
                    sum = sum.Plus((double)data.W[Flatten(p.Weights, oc, ic % p.Weights.C, kh, kw)] * data.DY[Flatten(p.Output, n, oc, oh, ow)]);
            }
        }

        return sum;
    }

    // dw[oc,ic,kh,kw] = Σ over n, oh, ow of dy[n,oc,oh,ow] · x[n, ic of the group, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw]
    private static ExactElement WeightGradient(ConvProblem p, CaseData data, long index)
    {
        (int oc, int ic, int kh, int kw) = Unflatten(p.Weights, index);
        int channel = (oc / (p.Weights.N / p.Groups) * p.Weights.C) + ic;
        ExactElement sum = default;
        for (int n = 0; n < p.Input.N; n++)
        {
            for (int oh = 0; oh < p.Output.H; oh++)
            {
                int ih = (oh * p.StrideH) - p.Padding.Top + (kh * p.DilationH);
                if ((uint)ih >= (uint)p.Input.H) continue;
                for (int ow = 0; ow < p.Output.W; ow++)
                {
                    int iw = (ow * p.StrideW) - p.Padding.Left + (kw * p.DilationW);
                    if ((uint)iw < (uint)p.Input.W)
                        sum = sum.Plus((double)data.DY[Flatten(p.Output, n, oc, oh, ow)] * data.X[Flatten(p.Input, n, channel, ih, iw)]);
                }
            }
        }

        return sum;
    }

    // db[oc] = Σ over n, oh, ow of dy[n,oc,oh,ow]
    private static ExactElement BiasGradient(ConvProblem p, CaseData data, long oc)
    {
        ExactElement sum = default;
        long pixels = (long)p.Output.H * p.Output.W;
        for (long n = 0; n < p.Output.N; n++)
        {
            foreach (float dy in data.DY.AsSpan((int)(((n * p.Output.C) + oc) * pixels), (int)pixels)) sum = sum.Plus(dy);
        }

        return sum;
    }

    private static IEnumerable<(int KH, int KW, int IH, int IW)> Taps(ConvProblem p, int oh, int ow)
    {
        for (int kh = 0; kh < p.Weights.H; kh++)
        {
            int ih = (oh * p.StrideH) - p.Padding.Top + (kh * p.DilationH);
            if ((uint)ih >= (uint)p.Input.H) continue;
            for (int kw = 0; kw < p.Weights.W; kw++)
            {
                int iw = (ow * p.StrideW) - p.Padding.Left + (kw * p.DilationW);
                if ((uint)iw < (uint)p.Input.W) yield return (kh, kw, ih, iw);
            }
        }
    }

    private static int? Source(int position, int stride, int size) =>
        position >= 0 && position % stride == 0 && position / stride < size ? position / stride : null;

    private static long Flatten(TensorShape shape, int n, int c, int h, int w) => (((((long)n * shape.C) + c) * shape.H) + h) * shape.W + w;

    private static (int N, int C, int H, int W) Unflatten(TensorShape shape, long index) =>
        ((int)(index / shape.W / shape.H / shape.C), (int)(index / shape.W / shape.H % shape.C), (int)(index / shape.W % shape.H), (int)(index % shape.W));
}
