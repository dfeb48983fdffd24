using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Fused bias, residual and activation, and packed weights, against the plain run followed by the definition.</summary>
internal sealed class Conv2dEpilogueTests
{
    private static readonly (ConvActivation Activation, Func<float, float> Definition, Func<float, float> Derivative)[] Activations =
    [
        (ConvActivation.None, v => v, _ => 1),
        (ConvActivation.Relu, v => v > 0 ? v : 0, y => y > 0 ? 1 : 0),
        (ConvActivation.LeakyRelu(0.25f), v => v >= 0 ? v : 0.25f * v, y => y > 0 ? 1 : 0.25f),
        (ConvActivation.LeakyRelu(-0.5f), v => v >= 0 ? v : -0.5f * v, y => y > 0 ? 1 : -0.5f),
        (ConvActivation.Clip(-0.5f, 0.75f), v => Math.Min(Math.Max(v, -0.5f), 0.75f), y => y is > -0.5f and < 0.75f ? 1 : 0),
    ];

    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        where problem.Name is "article_batch" or "pointwise_tail" or "pointwise_stride" or "w17" or "square14" or "odd13" or "first_layer" or "first_layer_wide"
            or "dilated" or "dilated_3x4" or "dilated_five" or "groups2" or "groups_pointwise" or "depthwise_tail" or "depthwise_multiplier" or "lopsided" or "one_pixel"
        from options in Configurations.All
        select new TestCaseData(problem, options).SetArgDisplayNames(problem.Name!, Configurations.Name(options));

    [TestCaseSource(nameof(Cases))]
    public void Activation_and_residual_follow_the_definition(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? plain = TestRun.Plan(problem, options);
        if (plain is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2);
        using Tensor b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3), residual = Tensors.Random(problem.Output, 4);
        using Tensor y = new(problem.Output), fused = new(problem.Output);
        Oracle.Sum[] exact = Oracle.Forward(problem, x, w, b);
        double amplification = Configurations.Amplification(options);
        Oracle.Sum[] mixed = ErrorBound.Mixed(exact, amplification);
        foreach ((ConvActivation activation, Func<float, float> definition, _) in Activations)
        {
            using Conv2d conv = new(problem, options with { Activation = activation });
            if (!TestRun.Supported(() => plain.Forward(x, w, b, y))) return;
            conv.Forward(x, w, b, fused);
            for (int i = 0; i < fused.Length; i++)
                AssertNear(fused.Span[i], definition(y.Span[i]), 2 * ErrorBound.Of(mixed[i], amplification), $"{activation}, {i}");

            fused.Span.Fill(float.NaN);
            conv.Forward(x, w, b, fused, residual);
            for (int i = 0; i < fused.Length; i++)
                AssertNear(fused.Span[i], definition(y.Span[i] + residual.Span[i]), 2 * ErrorBound.Of(mixed[i].Add(residual.Span[i]), amplification), $"{activation}, residual, {i}");

            fused.Span.Fill(float.NaN);
            plain.Forward(x, w, null, y);
            conv.Forward(x, w, null, fused, residual);
            for (int i = 0; i < fused.Length; i++)
                AssertNear(fused.Span[i], definition(y.Span[i] + residual.Span[i]), 2 * ErrorBound.Of(mixed[i].Add(residual.Span[i]), amplification), $"{activation}, residual, no bias, {i}");
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Packed_weights_give_the_same_bits(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options with { Activation = ConvActivation.Relu });
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = new(problem.Output), dx = new(problem.Input);
        using Tensor packedY = Tensors.Filled(problem.Output, float.NaN), packedDX = Tensors.Filled(problem.Input, float.NaN);
        bool forward = TestRun.Supported(() => conv.Forward(x, w, null, y)), data = TestRun.Supported(() => conv.BackwardData(dy, w, dx));
        using PackedWeights packed = conv.Pack(w);
        Assert.That(packed.Bytes, Is.GreaterThanOrEqualTo(w.Length * sizeof(float)));
        w.Span.Fill(float.NaN);   // copies are used
        if (forward) conv.Forward(x, packed, null, packedY);
        if (data) conv.BackwardData(dy, packed, packedDX);
        Assert.That(!forward || packedY.Span.SequenceEqual(y.Span), "y");
        Assert.That(!data || packedDX.Span.SequenceEqual(dx.Span), "dx");
    }

    [Test]
    public void BackwardActivation_multiplies_by_the_derivative()
    {
        ConvProblem problem = ConvProblem.Parse("mb2ic1ih5oc3oh5kh1ph0");
        using Tensor dy = Tensors.Random(problem.Output, 1), y = Tensors.Random(problem.Output, 2), dz = new(problem.Output);
        y.Span[0] = 0;
        y.Span[1] = -0.5f;
        y.Span[2] = 0.75f;
        foreach ((ConvActivation activation, _, Func<float, float> derivative) in Activations)
        {
            using Conv2d conv = new(problem, new Conv2dOptions { Activation = activation });
            if (activation == ConvActivation.LeakyRelu(-0.5f))
            {
                dz.Span.Fill(9);
                Assert.That(() => conv.BackwardActivation(dy, y, dz), Throws.TypeOf<NotSupportedException>().With.Message.Contains("leaky ReLU, slope -0.5"));
                Assert.That(dz.Span.IndexOfAnyExcept(9), Is.EqualTo(-1));
                continue;
            }

            conv.BackwardActivation(dy, y, dz);
            for (int i = 0; i < dz.Length; i++)
                Assert.That(dz.Span[i], Is.EqualTo(derivative(y.Span[i]) * dy.Span[i]), $"{activation}, {i}");
        }
    }

    [Test]
    public void BackwardActivation_may_work_in_place()
    {
        ConvProblem problem = ConvProblem.Parse("mb2ic1ih5oc3oh5kh1ph0");
        using Conv2d conv = new(problem, new Conv2dOptions { Activation = ConvActivation.Relu });
        using Tensor dy = Tensors.Random(problem.Output, 1), y = Tensors.Random(problem.Output, 2), dz = new(problem.Output);
        conv.BackwardActivation(dy, y, dz);
        conv.BackwardActivation(dy, y, dy);
        Assert.That(dy.Span.SequenceEqual(dz.Span));
    }

    [Test]
    public void Activations_tell_what_they_are() => Assert.That(
        Activations.Select(entry => entry.Activation.ToString()),
        Is.EqualTo(new[] { "none", "ReLU", "leaky ReLU, slope 0.25", "leaky ReLU, slope -0.5", "clip to [-0.5, 0.75]" }));

    private static void AssertNear(float actual, float expected, double bound, string what)
    {
        if (!(Math.Abs((double)actual - expected) <= bound)) Assert.Fail($"{what}: {actual:R} is further than {bound} from {expected:R}");
    }
}
