using ConvNative;

// Forward and backward of one problem, by every way to the product of matrices, against plain loops in double precision.
// 0: the numbers are right; 1: they are not; 3: a native library could not be used, and the message says why.
try
{
    Console.Write(ConvNativeInfo.Describe());
    var problem = new ConvProblem(new TensorShape(2, 6, 13, 11), outputChannels: 8, kernelH: 3, kernelW: 3) { Padding = Padding.All(1) };
    bool right = Check("Auto", problem, new Conv2dOptions());
    right &= Check("im2col + GEMM", problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Im2ColGemm });
    right &= CheckLayer(problem);
    Console.WriteLine(right ? "every number is right" : "WRONG NUMBERS");
    return right ? 0 : 1;
}
catch (NativeLibraryException e)
{
    Console.Error.WriteLine($"{nameof(NativeLibraryException)}: {e.Message}");
    return 3;
}

static bool Check(string name, ConvProblem problem, Conv2dOptions options)
{
    using var conv = new Conv2d(problem, options);
    using Tensor x = Random(problem.Input, 1), w = Random(problem.Weights, 2), b = Random(new TensorShape(1, 8, 1, 1), 3), dy = Random(problem.Output, 4);
    using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(1, 8, 1, 1);
    conv.Forward(x, w, b, y);
    conv.BackwardData(dy, w, dx);
    conv.BackwardWeights(x, dy, dw, db);
    return Compare(name, (x, w, b, dy), (y, dx, dw, db));
}

static bool CheckLayer(ConvProblem problem)
{
    using Tensor x = Random(problem.Input, 5), w = Random(problem.Weights, 6), b = Random(new TensorShape(1, 8, 1, 1), 7), dy = Random(problem.Output, 8);
    (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, b, stride: 1, padding: 1);
    (Tensor dx, Tensor dw, Tensor db) = ConvLayer.Backward(dy, cache);
    using (y) using (dx) using (dw) using (db) return Compare("ConvLayer", (x, w, b, dy), (y, dx, dw, db));
}

static bool Compare(string name, (Tensor X, Tensor W, Tensor B, Tensor DY) given, (Tensor Y, Tensor DX, Tensor DW, Tensor DB) got)
{
    ((Tensor x, Tensor w, Tensor b, Tensor dy), TensorShape i, TensorShape o) = (given, given.X.Shape, given.DY.Shape);
    double[] y = new double[o.Length], dx = new double[i.Length], dw = new double[w.Length], db = new double[b.Length];
    for (int n = 0; n < o.N; n++)
    for (int oc = 0; oc < o.C; oc++)
    for (int oh = 0; oh < o.H; oh++)
    for (int ow = 0; ow < o.W; ow++)
    {
        int at = ((n * o.C + oc) * o.H + oh) * o.W + ow;
        y[at] = b.Span[oc];
        db[oc] += dy.Span[at];
        for (int ic = 0; ic < i.C; ic++)
        for (int kh = 0; kh < 3; kh++)
        for (int kw = 0; kw < 3; kw++)
        {
            int ih = oh + kh - 1, iw = ow + kw - 1;
            if (ih < 0 || ih >= i.H || iw < 0 || iw >= i.W) continue;
            int from = ((n * i.C + ic) * i.H + ih) * i.W + iw, tap = ((oc * i.C + ic) * 3 + kh) * 3 + kw;
            y[at] += (double)x.Span[from] * w.Span[tap];
            dx[from] += (double)dy.Span[at] * w.Span[tap];
            dw[tap] += (double)dy.Span[at] * x.Span[from];
        }
    }

    double[] errors = [Error(got.Y, y), Error(got.DX, dx), Error(got.DW, dw), Error(got.DB, db)];
    Console.WriteLine($"{name}: largest error of y {errors[0]:E1}, dx {errors[1]:E1}, dw {errors[2]:E1}, db {errors[3]:E1}");
    return errors.All(error => error <= 1e-4);
}

static double Error(Tensor got, double[] wanted)
{
    double error = 0;
    for (int k = 0; k < wanted.Length; k++) error = Math.Max(error, Math.Abs(got.Span[k] - wanted[k])); // NaN stays
    return error;
}

static Tensor Random(TensorShape shape, int seed)
{
    var random = new Random(seed);
    var tensor = new Tensor(shape);
    foreach (ref float value in tensor.Span) value = random.NextSingle() - 0.5f;
    return tensor;
}
