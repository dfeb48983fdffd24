using System.Runtime.CompilerServices;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>
/// NaN and infinities travel as IEEE 754 says: they reach exactly the results that they are a term of, and ∞·0 is NaN. Two liberties
/// stand in each algorithm's nature: one that transforms tiles (amplification above 1) spreads a NaN over its tile, and a non-finite weight,
/// or dy in the weight gradient, may meet the zeros around an image (for dx around dy, too), which the definition leaves out. Denormals count as zero in a run, and
/// the caller's own floating-point state is as it was.
/// </summary>
internal sealed class NonFiniteTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        where problem.Flops < 500_000
        from options in Configurations.All
        select new TestCaseData(problem, options).SetArgDisplayNames(problem.Name!, Configurations.Name(options));

    private static IEnumerable<TestCaseData> All =>
        from options in Configurations.All
        from threads in new[] { 1, 2 }
        select new TestCaseData(options with { Threads = threads }).SetArgDisplayNames(Configurations.Name(options), $"{threads}");

    [TestCaseSource(nameof(Cases))]
    public void They_reach_the_results_that_they_are_terms_of(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        bool isExact = Configurations.Amplification(options) == 1;
        bool hasPadding = problem.Padding != default;
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights);
        foreach (float poison in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            foreach (bool zeros in new[] { false, true })
            {
                using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
                if (zeros) Thin(x, w, dy);
                void Forward(bool exact)
                {
                    if (TestRun.Supported(() => conv.Forward(x, w, null, y))) AssertTravelled(Oracle.Forward(problem, x, w, null), y, exact, "y");
                }

                void BackwardData(bool exact)
                {
                    if (TestRun.Supported(() => conv.BackwardData(dy, w, dx))) AssertTravelled(Oracle.BackwardData(problem, dy, w), dx, exact, "dx");
                }

                void BackwardWeights(bool exact)
                {
                    if (TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, null))) AssertTravelled(Oracle.BackwardWeights(problem, x, dy).DW, dw, exact, "dw");
                }

                using (Poisoned(x, poison))
                {
                    Forward(isExact);
                    BackwardWeights(isExact);
                }

                using (Poisoned(w, poison))
                {
                    Forward(isExact && !hasPadding);
                    BackwardData(exact: false);
                }

                using (Poisoned(dy, poison))
                {
                    BackwardData(isExact);
                    BackwardWeights(isExact && !hasPadding);
                }
            }
        }
    }

    [TestCaseSource(nameof(All))]
    public void The_caller_s_denormals_live_on(Conv2dOptions options)
    {
        ConvProblem problem = ConvProblem.Parse("mb2ic8ih12oc8oh12kh3ph1");
        using Conv2d? conv = TestRun.Plan(problem, options with { Activation = ConvActivation.LeakyRelu(0.5f) });
        if (conv is null) return;
        using Tensor x = Tensors.Filled(problem.Input, 1e-39f), w = Tensors.Filled(problem.Weights, 1), y = new(problem.Output), dw = new(problem.Weights);
        foreach (Action run in new Action[]
        {
            () => conv.Forward(x, w, null, y), () => conv.BackwardData(y, w, x), () => conv.BackwardWeights(x, y, dw, null),
            () => conv.BackwardActivation(y, y, y), () => conv.Forward(x, w, w, y),   // the last one: refused
        })
        {
            Assert.That(HalfOf(1e-39f), Is.Not.Zero, "before");
            try
            {
                run();
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                // The state must be as it was all the same.
            }

            Assert.That(HalfOf(1e-39f), Is.Not.Zero, "after");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float HalfOf(float value) => value * 0.5f;

    /// <summary>Every third element becomes zero, so that infinities meet zeros.</summary>
    private static void Thin(params Tensor[] tensors)
    {
        foreach (Tensor tensor in tensors)
            for (int i = 0; i < tensor.Length; i += 3) tensor.Span[i] = 0;
    }

    private static Poison Poisoned(Tensor tensor, float value) => new(tensor, (int)(tensor.Length / 2), value);

    private static void AssertTravelled(Oracle.Sum[] exact, Tensor actual, bool isExact, string what)
    {
        for (int i = 0; i < exact.Length; i++)
        {
            bool same = KindOf(exact[i].Value) == KindOf(actual.Span[i]);
            // Where more may be spoilt, what is spoilt by definition must not come out finite.
            bool atLeast = double.IsFinite(exact[i].Value) || !float.IsFinite(actual.Span[i]);
            if (!(isExact ? same : atLeast)) Assert.Fail($"{what}, element {i}: {actual.Span[i]} in place of {exact[i].Value}");
        }

        static int KindOf(double value) => double.IsNaN(value) ? 2 : double.IsInfinity(value) ? Math.Sign(value) : 0;
    }

    /// <summary>One element that holds another value until this is disposed.</summary>
    private readonly struct Poison : IDisposable
    {
        private readonly Tensor _tensor;
        private readonly int _index;
        private readonly float _before;

        public Poison(Tensor tensor, int index, float value)
        {
            (_tensor, _index, _before) = (tensor, index, tensor.Span[index]);
            tensor.Span[index] = value;
        }

        public void Dispose() => _tensor.Span[_index] = _before;
    }
}
