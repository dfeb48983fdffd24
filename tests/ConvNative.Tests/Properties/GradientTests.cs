using ConvNative.Tests.Support;

namespace ConvNative.Tests.Properties;

/// <summary>
/// Gradients against central differences of the loss L = Σ dy·y, element by element. L is linear in each of x, w and b, so that a
/// step of 1 has no error of its own: what remains is the rounding of the two forward runs.
/// </summary>
internal sealed class GradientTests
{
    private const float Step = 1;

    private static IEnumerable<TestCaseData> Cases =>
        from descriptor in new[]
        {
            "mb2ic3ih6oc4oh6kh3ph1", "mb2ic3ih6oc5oh6kh1ph0", "mb1ic2ih7iw9oc3oh4ow5kh3sh2ph1", "mb1ic2ih8oc2oh4kh3dh1", "g2mb1ic4ih5oc4oh5kh3ph1",
            "g4mb2ic4ih6oc4oh6kh3ph1",
        }
        from options in Configurations.All
        select new TestCaseData(ConvProblem.Parse(descriptor), options).SetArgDisplayNames(descriptor, Configurations.Name(options));

    [TestCaseSource(nameof(Cases))]
    public void Gradients_equal_differences(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        using Tensor dy = Tensors.Random(problem.Output, 4), y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(b.Shape);
        if (!TestRun.Supported(() => conv.Forward(x, w, b, y))) return;

        double Loss()
        {
            conv.Forward(x, w, b, y);
            double loss = 0;
            for (int i = 0; i < y.Length; i++) loss += (double)dy.Span[i] * y.Span[i];
            return loss;
        }

        // Two losses and the gradient round; every |argument| is at most 2 during a step, every dy at most 1.
        int terms = problem.Weights.C * problem.Weights.H * problem.Weights.W;
        double magnitude = problem.Output.Length * (2.0 * terms + 2);
        double bound = ErrorBound.Of(new Oracle.Sum(0, magnitude, Math.Max(terms, problem.Output.N * problem.Output.H * problem.Output.W)), Configurations.Amplification(options)) / Step;
        void AssertGradient(Tensor argument, Tensor gradient, string name)
        {
            for (int i = 0; i < argument.Length; i++)
            {
                float value = argument.Span[i];
                argument.Span[i] = value + Step;
                double above = Loss(), high = argument.Span[i];
                argument.Span[i] = value - Step;
                double below = Loss(), low = argument.Span[i];
                argument.Span[i] = value;
                double difference = (above - below) / (high - low);
                if (!(Math.Abs(gradient.Span[i] - difference) <= bound)) Assert.Fail($"{name}, element {i}: {gradient.Span[i]} is further than {bound} from {difference}");
            }
        }

        if (TestRun.Supported(() => conv.BackwardData(dy, w, dx))) AssertGradient(x, dx, "dx");
        if (!TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, db))) return;
        AssertGradient(w, dw, "dw");
        AssertGradient(b, db, "db");
    }
}
