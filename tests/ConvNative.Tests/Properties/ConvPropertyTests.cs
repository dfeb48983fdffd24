using ConvNative.Tests.Support;

namespace ConvNative.Tests.Properties;

/// <summary>What holds for every convolution, over random problems; bounds are those of float32 sums (<see cref="ErrorBound"/>).</summary>
internal sealed class ConvPropertyTests
{
    private static IEnumerable<TestCaseData> All =>
        Configurations.All.Select(options => new TestCaseData(options).SetArgDisplayNames(Configurations.Name(options)));

    // conv(a·x + c·z) = a·conv(x) + c·conv(z). Values are multiples of 2⁻⁸ and a, c powers of two: the argument itself is exact.
    [TestCaseSource(nameof(All))]
    public void Convolution_is_linear(Conv2dOptions options) => RandomProblems.ForAll(problem =>
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        const float A = 2, C = -0.5f;
        using Tensor x = Coarse(problem.Input, 1), z = Coarse(problem.Input, 2), w = Tensors.Random(problem.Weights, 3), sum = new(problem.Input);
        for (int i = 0; i < sum.Length; i++) sum.Span[i] = (A * x.Span[i]) + (C * z.Span[i]);
        using Tensor ofX = new(problem.Output), ofZ = new(problem.Output), ofSum = new(problem.Output);
        if (!TestRun.Supported(() => conv.Forward(x, w, null, ofX))) return;
        conv.Forward(z, w, null, ofZ);
        conv.Forward(sum, w, null, ofSum);
        Oracle.Sum[] exactX = Oracle.Forward(problem, x, w, null), exactZ = Oracle.Forward(problem, z, w, null), exactSum = Oracle.Forward(problem, sum, w, null);
        double amplification = Configurations.Amplification(options);
        double Bound(Oracle.Sum exact) => ErrorBound.Of(exact, amplification);
        for (int i = 0; i < ofSum.Length; i++)
        {
            double expected = ((double)A * ofX.Span[i]) + ((double)C * ofZ.Span[i]);
            double bound = (A * Bound(exactX[i])) + (-C * Bound(exactZ[i])) + Bound(exactSum[i]);
            AssertNear(ofSum.Span[i], expected, bound, $"{problem}, {i}");
        }
    });

    // Moving the image by the stride moves the output by one, away from the edges.
    [TestCaseSource(nameof(All))]
    public void Convolution_is_shift_equivariant(Conv2dOptions options) => RandomProblems.ForAll(problem =>
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), moved = new(problem.Input);
        using Tensor y = new(problem.Output), movedY = new(problem.Output);
        TensorShape s = problem.Input;
        for (int plane = 0; plane < s.N * s.C; plane++)
        for (int h = problem.StrideH; h < s.H; h++)
        for (int v = problem.StrideW; v < s.W; v++)
            moved[plane / s.C, plane % s.C, h, v] = x[plane / s.C, plane % s.C, h - problem.StrideH, v - problem.StrideW];
        if (!TestRun.Supported(() => conv.Forward(x, w, null, y))) return;
        conv.Forward(moved, w, null, movedY);
        Oracle.Sum[] exact = Oracle.Forward(problem, moved, w, null);
        double amplification = Configurations.Amplification(options);
        bool Inside(int o, int stride, int before, int dilation, int kernel, int size) =>
            (o * stride) - before >= stride && (o * stride) - before + (dilation * (kernel - 1)) < size;
        for (int i = 0; i < y.Length; i++)
        {
            (int rest, int ow) = Math.DivRem(i, problem.Output.W);
            (int plane, int oh) = Math.DivRem(rest, problem.Output.H);
            if (!Inside(oh, problem.StrideH, problem.Padding.Top, problem.DilationH, problem.Weights.H, s.H)) continue;
            if (!Inside(ow, problem.StrideW, problem.Padding.Left, problem.DilationW, problem.Weights.W, s.W)) continue;
            if (oh == 0 || ow == 0) continue;
            float before = y[plane / problem.Output.C, plane % problem.Output.C, oh - 1, ow - 1];
            AssertNear(movedY.Span[i], before, 2 * ErrorBound.Of(exact[i], amplification), $"{problem}, {i}");
        }
    });

    // ⟨conv(x, w), dy⟩ = ⟨x, BackwardData(dy, w)⟩ = ⟨w, BackwardWeights(x, dy)⟩: one sum of products, in three orders.
    [TestCaseSource(nameof(All))]
    public void The_three_directions_are_adjoint(Conv2dOptions options) => RandomProblems.ForAll(problem =>
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights);
        double amplification = Configurations.Amplification(options);
        double magnitude = 0;
        Oracle.Sum[] exactY = Oracle.Forward(problem, x, w, null), exactDX = Oracle.BackwardData(problem, dy, w);
        (Oracle.Sum[] exactDW, _) = Oracle.BackwardWeights(problem, x, dy);
        for (int i = 0; i < exactY.Length; i++) magnitude += exactY[i].Magnitude * Math.Abs(dy.Span[i]);
        double exact = Dot(exactY.Select(sum => sum.Value), dy);
        double Bound(Oracle.Sum[] sums) => ErrorBound.Of(new Oracle.Sum(exact, magnitude, sums.Max(sum => sum.Terms)), amplification);
        if (TestRun.Supported(() => conv.Forward(x, w, null, y))) AssertNear(Dot(Values(y), dy), exact, Bound(exactY), $"{problem}, y");
        if (TestRun.Supported(() => conv.BackwardData(dy, w, dx))) AssertNear(Dot(Values(dx), x), exact, Bound(exactDX), $"{problem}, dx");
        if (TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, null))) AssertNear(Dot(Values(dw), w), exact, Bound(exactDW), $"{problem}, dw");
    });

    // ⟨im2col(x), c⟩ = ⟨x, col2im(c)⟩; im2col copies, so that only col2im's sums of at most KH·KW terms round.
    [Test]
    public void Im2col_and_col2im_are_adjoint([Values] ColumnOrder order) => RandomProblems.ForAll(problem =>
    {
        using Tensor x = Tensors.Random(problem.Input, 1);
        using Tensor columns = Columns.Im2Col(x, problem, order), c = Tensors.Random(columns.Shape, 2);
        using Tensor image = Columns.Col2Im(c, problem, order);
        double left = Dot(Values(columns), c), right = Dot(Values(image), x), magnitude = 0;
        for (int i = 0; i < c.Length; i++) magnitude += Math.Abs((double)c.Span[i] * columns.Span[i]);
        AssertNear(right, left, ErrorBound.Of(new Oracle.Sum(left, magnitude, problem.Weights.H * problem.Weights.W)), problem.ToString());
    });

    // The pool under a batch: images do not see each other.
    [TestCaseSource(nameof(All))]
    public void Images_of_a_batch_are_independent(Conv2dOptions options) => RandomProblems.ForAll(
        problem =>
        {
            TensorShape one = problem.Input with { N = 1 };
            var single = new ConvProblem(one, problem.Weights.N, problem.Weights.H, problem.Weights.W)
            {
                Groups = problem.Groups, StrideH = problem.StrideH, StrideW = problem.StrideW,
                DilationH = problem.DilationH, DilationW = problem.DilationW, Padding = problem.Padding,
            };
            using Conv2d? conv = TestRun.Plan(problem, options), alone = TestRun.Plan(single, options);
            if (conv is null || alone is null) return;
            using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output), yOfOne = new(single.Output);
            if (!TestRun.Supported(() => conv.Forward(x, w, null, y))) return;
            Oracle.Sum[] exact = Oracle.Forward(problem, x, w, null);
            for (int n = 0; n < problem.Input.N; n++)
            {
                using Tensor image = Tensor.From(x.Span.Slice(n * (int)one.Length, (int)one.Length), one);
                if (!TestRun.Supported(() => alone.Forward(image, w, null, yOfOne))) return;
                for (int i = 0; i < yOfOne.Length; i++)
                {
                    int at = (n * (int)yOfOne.Length) + i;
                    AssertNear(y.Span[at], yOfOne.Span[i], 2 * ErrorBound.Of(exact[at], Configurations.Amplification(options)), $"{problem}, image {n}, {i}");
                }
            }
        },
        count: 30);

    private static Tensor Coarse(TensorShape shape, int seed)
    {
        Tensor tensor = Tensors.Random(shape, seed);
        foreach (ref float value in tensor.Span) value = MathF.Round(value * 256) / 256;
        return tensor;
    }

    private static IEnumerable<double> Values(Tensor tensor) => tensor.Span.ToArray().Select(value => (double)value);

    private static double Dot(IEnumerable<double> left, Tensor right) => left.Zip(Values(right), (a, b) => a * b).Sum();

    private static void AssertNear(double actual, double expected, double bound, string what)
    {
        if (!(Math.Abs(actual - expected) <= bound)) Assert.Fail($"{what}: {actual:R} is further than {bound} from {expected:R}");
    }
}
