using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>Every algorithm × instruction set × GEMM engine, in all directions, against the double-precision oracle.</summary>
internal sealed class ConvAlgorithmTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        from options in Configurations.All
        select new TestCaseData(problem, options).SetArgDisplayNames(problem.Name!, Configurations.Name(options));

    [TestCaseSource(nameof(Cases))]
    public void Forward_is_within_the_float32_bound(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2);
        using Tensor b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        foreach (Tensor? bias in new[] { b, null })
        {
            using Tensor y = Tensors.Filled(problem.Output, float.NaN);
            if (!TestRun.Supported(() => conv.Forward(x, w, bias, y))) return;
            ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, bias), y.Span, "y", Configurations.Amplification(options));
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void BackwardData_is_within_the_float32_bound(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor dy = Tensors.Random(problem.Output, 4), w = Tensors.Random(problem.Weights, 5);
        using Tensor dx = Tensors.Filled(problem.Input, float.NaN);
        if (!TestRun.Supported(() => conv.BackwardData(dy, w, dx))) return;
        ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, "dx", Configurations.Amplification(options));
    }

    [TestCaseSource(nameof(Cases))]
    public void BackwardWeights_is_within_the_float32_bound(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        using Tensor x = Tensors.Random(problem.Input, 6), dy = Tensors.Random(problem.Output, 7);
        using Tensor dw = Tensors.Filled(problem.Weights, float.NaN);
        using Tensor db = Tensors.Filled(new TensorShape(1, 1, 1, problem.Output.C), float.NaN);
        if (!TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, db))) return;
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        ErrorBound.AssertWithin(exactDW, dw.Span, "dw", Configurations.Amplification(options));
        ErrorBound.AssertWithin(exactDB, db.Span, "db");
        dw.Span.Fill(float.NaN);
        conv.BackwardWeights(x, dy, dw, null);
        ErrorBound.AssertWithin(exactDW, dw.Span, "dw without db", Configurations.Amplification(options));
    }
}
