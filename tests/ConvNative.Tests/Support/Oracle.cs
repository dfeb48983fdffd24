namespace ConvNative.Tests.Support;

/// <summary>
/// Convolution and its gradients in double precision, written from the definition and independent of the library's code. Beside each
/// value stands the sum of the magnitudes of its terms and their number, which is what bounds the error of a float32 sum.
/// </summary>
internal static unsafe class Oracle
{
    /// <summary>A value with Σ|terms| and the number of terms.</summary>
    public readonly record struct Sum(double Value, double Magnitude, int Terms)
    {
        public Sum Add(double term) => new(Value + term, Magnitude + Math.Abs(term), Terms + 1);
    }

    /// <summary>What to do with one product that the convolution consists of, given by the flat indices of its elements.</summary>
    private interface IProduct
    {
        void Visit(int x, int w, int y);
    }

    public static Sum[] Forward(ConvProblem problem, Tensor x, Tensor w, Tensor? b)
    {
        var y = new Sum[problem.Output.Length];
        TensorShape shape = problem.Output;
        if (b is not null)
        {
            for (int i = 0; i < y.Length; i++) y[i] = y[i].Add(b.Span[i / (shape.H * shape.W) % shape.C]);
        }

        ForEachProduct(problem, new ToY(x.Pointer, w.Pointer, y));
        return y;
    }

    public static Sum[] BackwardData(ConvProblem problem, Tensor dy, Tensor w)
    {
        var dx = new Sum[problem.Input.Length];
        ForEachProduct(problem, new ToX(dy.Pointer, w.Pointer, dx));
        return dx;
    }

    public static (Sum[] DW, Sum[] DB) BackwardWeights(ConvProblem problem, Tensor x, Tensor dy)
    {
        var dw = new Sum[problem.Weights.Length];
        ForEachProduct(problem, new ToW(dy.Pointer, x.Pointer, dw));
        TensorShape shape = problem.Output;
        var db = new Sum[shape.C];
        for (int i = 0; i < dy.Length; i++)
        {
            int oc = i / (shape.H * shape.W) % shape.C;
            db[oc] = db[oc].Add(dy.Span[i]);
        }

        return (dw, db);
    }

    private static void ForEachProduct<T>(ConvProblem problem, T product)
        where T : struct, IProduct
    {
        (TensorShape x, TensorShape w, TensorShape y) = (problem.Input, problem.Weights, problem.Output);
        (int strideH, int strideW, Padding padding) = (problem.StrideH, problem.StrideW, problem.Padding);
        (int dilationH, int dilationW) = (problem.DilationH, problem.DilationW);
        int ocPerGroup = y.C / problem.Groups;
        for (int n = 0; n < y.N; n++)
        for (int oc = 0; oc < y.C; oc++)
        for (int oh = 0; oh < y.H; oh++)
        for (int ow = 0; ow < y.W; ow++)
        for (int c = 0; c < w.C; c++)
        for (int kh = 0; kh < w.H; kh++)
        for (int kw = 0; kw < w.W; kw++)
        {
            int ih = (oh * strideH) - padding.Top + (kh * dilationH);
            int iw = (ow * strideW) - padding.Left + (kw * dilationW);
            if (ih < 0 || iw < 0 || ih >= x.H || iw >= x.W) continue;
            int ic = (oc / ocPerGroup * w.C) + c;
            product.Visit(
                (((((n * x.C) + ic) * x.H) + ih) * x.W) + iw,
                (((((oc * w.C) + c) * w.H) + kh) * w.W) + kw,
                (((((n * y.C) + oc) * y.H) + oh) * y.W) + ow);
        }
    }

    private readonly struct ToY(float* x, float* w, Sum[] sums) : IProduct
    {
        public void Visit(int xi, int wi, int yi) => sums[yi] = sums[yi].Add((double)x[xi] * w[wi]);
    }

    private readonly struct ToX(float* dy, float* w, Sum[] sums) : IProduct
    {
        public void Visit(int xi, int wi, int yi) => sums[xi] = sums[xi].Add((double)dy[yi] * w[wi]);
    }

    private readonly struct ToW(float* dy, float* x, Sum[] sums) : IProduct
    {
        public void Visit(int xi, int wi, int yi) => sums[wi] = sums[wi].Add((double)dy[yi] * x[xi]);
    }
}
