namespace ConvNative.Tests.Support;

/// <summary>
/// Convolution and its gradients in double precision, written from the definition and independent of the library's code. Beside each
/// value stands the sum of the magnitudes of its terms and their number, which is what bounds the error of a float32 sum.
/// </summary>
internal static class Oracle
{
    /// <summary>A value with Σ|terms| and the number of terms.</summary>
    public readonly record struct Sum(double Value, double Magnitude, int Terms)
    {
        public Sum Add(double term) => new(Value + term, Magnitude + Math.Abs(term), Terms + 1);
    }

    public static Sum[] Forward(ConvProblem problem, Tensor x, Tensor w, Tensor? b)
    {
        var y = new Sum[problem.Output.Length];
        TensorShape shape = problem.Output;
        if (b is not null)
        {
            for (long i = 0; i < y.Length; i++) y[i] = y[i].Add(b.Span[(int)(i / (shape.H * shape.W) % shape.C)]);
        }

        ForEachTap(problem, (xi, wi, yi) => y[yi] = y[yi].Add((double)x.Span[xi] * w.Span[wi]));
        return y;
    }

    public static Sum[] BackwardData(ConvProblem problem, Tensor dy, Tensor w)
    {
        var dx = new Sum[problem.Input.Length];
        ForEachTap(problem, (xi, wi, yi) => dx[xi] = dx[xi].Add((double)dy.Span[yi] * w.Span[wi]));
        return dx;
    }

    public static (Sum[] DW, Sum[] DB) BackwardWeights(ConvProblem problem, Tensor x, Tensor dy)
    {
        var dw = new Sum[problem.Weights.Length];
        ForEachTap(problem, (xi, wi, yi) => dw[wi] = dw[wi].Add((double)dy.Span[yi] * x.Span[xi]));
        TensorShape shape = problem.Output;
        var db = new Sum[shape.C];
        for (int i = 0; i < dy.Length; i++)
        {
            int oc = i / (shape.H * shape.W) % shape.C;
            db[oc] = db[oc].Add(dy.Span[i]);
        }

        return (dw, db);
    }

    /// <summary>Calls <paramref name="visit"/> with the flat indices (x, w, y) of every product that the convolution consists of.</summary>
    private static void ForEachTap(ConvProblem problem, Action<int, int, int> visit)
    {
        (TensorShape x, TensorShape w, TensorShape y) = (problem.Input, problem.Weights, problem.Output);
        int ocPerGroup = y.C / problem.Groups;
        for (int n = 0; n < y.N; n++)
        for (int oc = 0; oc < y.C; oc++)
        for (int oh = 0; oh < y.H; oh++)
        for (int ow = 0; ow < y.W; ow++)
        for (int c = 0; c < w.C; c++)
        for (int kh = 0; kh < w.H; kh++)
        for (int kw = 0; kw < w.W; kw++)
        {
            int ih = (oh * problem.StrideH) - problem.Padding.Top + (kh * problem.DilationH);
            int iw = (ow * problem.StrideW) - problem.Padding.Left + (kw * problem.DilationW);
            if (ih < 0 || iw < 0 || ih >= x.H || iw >= x.W) continue;
            int ic = (oc / ocPerGroup * w.C) + c;
            visit(
                (((((n * x.C) + ic) * x.H) + ih) * x.W) + iw,
                (((((oc * w.C) + c) * w.H) + kh) * w.W) + kw,
                (((((n * y.C) + oc) * y.H) + oh) * y.W) + ow);
        }
    }
}
