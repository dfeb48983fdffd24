using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>
/// Cases computed by others: the article's numpy functions, PyTorch's autograd (both in float64, stored as float32) and the ONNX backend
/// tests (computed in float32, so that both sides have an error of their own).
/// </summary>
internal sealed class ConformanceTests
{
    private static IEnumerable<TestCaseData> Article => Conformance.Cases("seed").Select(name => new TestCaseData(name));

    private static IEnumerable<TestCaseData> SeedAndTorch =>
        from name in Conformance.Cases("seed").Concat(Conformance.Cases("torch"))
        from options in Configurations.All
        select new TestCaseData(name, options).SetArgDisplayNames(name, Configurations.Name(options));

    private static IEnumerable<TestCaseData> Onnx =>
        from name in Conformance.Cases("onnx", c => c.Dimensions("x").Length == 4)
        from options in Configurations.All
        select new TestCaseData(name, options).SetArgDisplayNames(name, Configurations.Name(options));

    [TestCaseSource(nameof(Article))]
    public void The_layer_gives_what_the_article_gives(string name)
    {
        Conformance.Case c = Conformance.Read(name);
        using Tensor x = c.Load("x"), w = c.Load("w"), b = c.Load("b"), dy = c.Load("dy");
        (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, b, c.Ints("stride")[0], c.Ints("pads")[0]);
        (Tensor dx, Tensor dw, Tensor db) = ConvLayer.Backward(dy, cache);
        using (y)
        using (dx)
        using (dw)
        using (db)
        {
            Assert.That(db.Shape, Is.EqualTo(new TensorShape(1, w.Shape.N, 1, 1)));
            AssertAll(c, ProblemOf(c), x, w, b, dy, y, dx, dw, db, Configurations.Amplification(new Conv2dOptions()));
        }
    }

    [TestCaseSource(nameof(SeedAndTorch))]
    public void Forward_and_gradients_agree(string name, Conv2dOptions options)
    {
        Conformance.Case c = Conformance.Read(name);
        ConvProblem problem = ProblemOf(c);
        using Tensor x = c.Load("x"), w = c.Load("w"), dy = c.Load("dy");
        using Tensor? b = c.LoadIfAny("b");
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(1, problem.Output.C, 1, 1);
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        bool forward = TestRun.Supported(() => conv.Forward(x, w, b, y));
        bool data = TestRun.Supported(() => conv.BackwardData(dy, w, dx));
        bool weights = TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, db));
        AssertAll(
            c, problem, x, w, b, dy, forward ? y : null, data ? dx : null, weights ? dw : null, weights ? db : null, Configurations.Amplification(options));
    }

    [TestCaseSource(nameof(Onnx))]
    public void Onnx_cases_agree(string name, Conv2dOptions options)
    {
        Conformance.Case c = Conformance.Read(name);
        int[] x4 = c.Dimensions("x"), w4 = c.Dimensions("w"), y4 = c.Dimensions("y");
        int[] strides = c.Attribute("strides") ?? [1, 1], dilations = c.Attribute("dilations") ?? [1, 1];
        int groups = (c.Attribute("group") ?? [1])[0];
        bool transposed = c.Op == "ConvTranspose";

        // A transposed convolution is the data gradient of the convolution from its output to its input.
        int[] image = transposed ? y4 : x4, result = transposed ? x4 : y4;
        var problem = new ConvProblem(new TensorShape(image[0], image[1], image[2], image[3]), result[1], w4[2], w4[3])
        {
            StrideH = strides[0], StrideW = strides[1], DilationH = dilations[0], DilationW = dilations[1], Groups = groups,
        };
        problem = problem with { Padding = OnnxPadding(c, problem, result) };
        Assert.That(problem.Output, Is.EqualTo(new TensorShape(result[0], result[1], result[2], result[3])), "the padding is read as ONNX means it");

        using Tensor x = c.Load("x"), w = c.Load("w"), expected = c.Load("y");
        using Tensor? b = c.LoadIfAny("b");
        using var actual = new Tensor(expected.Shape);
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        bool ran = TestRun.Supported(transposed ? () => conv.BackwardData(x, w, actual) : () => conv.Forward(x, w, b, actual));
        if (!ran) return;
        Oracle.Sum[] exact = transposed ? Oracle.BackwardData(problem, x, w) : Oracle.Forward(problem, x, w, b);
        if (transposed && b is not null) AddBias(exact, actual, b);   // a data gradient has none: added here
        AssertClose(exact, expected, actual, name, bothInFloat32: true, Configurations.Amplification(options));
    }

    private static void AddBias(Oracle.Sum[] exact, Tensor actual, Tensor b)
    {
        for (int i = 0; i < exact.Length; i++)
        {
            float bias = b.Span[i / (actual.Shape.H * actual.Shape.W) % actual.Shape.C];
            exact[i] = exact[i].Add(bias);
            actual.Span[i] += bias;
        }
    }

    private static Padding OnnxPadding(Conformance.Case c, ConvProblem problem, int[] result)
    {
        if (c.Attribute("pads") is [var t, var l, var bottom, var r]) return new Padding(t, l, bottom, r);
        if (!c.HasAttribute("auto_pad") && !c.HasAttribute("output_shape")) return default;

        // SAME_UPPER and output_shape: what the sizes leave, the larger half at the end.
        int H = ((result[2] - 1) * problem.StrideH) + (problem.DilationH * (problem.Weights.H - 1)) + 1 - problem.Input.H;
        int W = ((result[3] - 1) * problem.StrideW) + (problem.DilationW * (problem.Weights.W - 1)) + 1 - problem.Input.W;
        (H, W) = (Math.Max(H, 0), Math.Max(W, 0));
        return new Padding(H / 2, W / 2, H - (H / 2), W - (W / 2));
    }

    private static ConvProblem ProblemOf(Conformance.Case c)
    {
        int[] stride = c.Ints("stride"), dilation = c.Ints("dilation"), pads = c.Ints("pads");
        return new ConvProblem(new TensorShape(c.Int("n"), c.Int("ic"), c.Int("ih"), c.Int("iw")), c.Int("oc"), c.Int("kh"), c.Int("kw"))
        {
            StrideH = stride[0], StrideW = stride[1], DilationH = dilation[0], DilationW = dilation[1],
            Padding = new Padding(pads[0], pads[1], pads[2], pads[3]), Groups = c.Int("groups"),
        };
    }

    private static void AssertAll(
        Conformance.Case c, ConvProblem problem, Tensor x, Tensor w, Tensor? b, Tensor dy, Tensor? y, Tensor? dx, Tensor? dw, Tensor? db,
        double amplification)
    {
        using Tensor expectedY = c.Load("y"), expectedDX = c.Load("dx"), expectedDW = c.Load("dw");
        using Tensor? expectedDB = c.LoadIfAny("db");
        if (y is not null) AssertClose(Oracle.Forward(problem, x, w, b), expectedY, y, "y", bothInFloat32: false, amplification);
        if (dx is not null) AssertClose(Oracle.BackwardData(problem, dy, w), expectedDX, dx, "dx", bothInFloat32: false, amplification);
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        if (dw is not null) AssertClose(exactDW, expectedDW, dw, "dw", bothInFloat32: false, amplification);
        if (db is not null && expectedDB is not null) AssertClose(exactDB, expectedDB, db, "db", bothInFloat32: false, amplification: 1);
    }

    /// <summary>The bound comes from the oracle, the values from the file; a float64 file was rounded once, a float32 one has the whole error.</summary>
    private static void AssertClose(
        Oracle.Sum[] exact, Tensor expected, Tensor actual, string what, bool bothInFloat32, double amplification)
    {
        Assert.That(actual.Length, Is.EqualTo(expected.Length), what);
        for (int i = 0; i < actual.Length; i++)
        {
            double own = ErrorBound.Of(exact[i], amplification);
            double theirs = bothInFloat32 ? ErrorBound.Of(exact[i]) : Math.Abs(exact[i].Value) / (1 << 23);
            double difference = Math.Abs((double)actual.Span[i] - expected.Span[i]);
            if (!(difference <= own + theirs))
                Assert.Fail($"{what}, element {i}: {actual.Span[i]:R} is {difference} away from {expected.Span[i]:R}; at most {own + theirs} is allowed");
        }
    }
}
