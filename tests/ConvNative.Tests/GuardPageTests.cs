using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>No run touches memory outside its tensors: each of them lies flush against a page that nobody may touch.</summary>
internal sealed class GuardPageTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        from options in Configurations.All
        select new TestCaseData(problem, options).SetArgDisplayNames(problem.Name!, Configurations.Name(options));

    [Test]
    public void An_access_beyond_the_edge_ends_the_process([Values] GuardedBuffer.Edge edge)
    {
        ChildProcess.Result inside = ChildProcess.Run(["touch", edge.ToString(), "-1"]);
        Assert.That(inside.ExitCode, Is.Zero, inside.Errors);
        ChildProcess.Result beyond = ChildProcess.Run(["touch", edge.ToString(), "0"]);
        // SIGSEGV, the SIGABRT with which the runtime ends after one, a Windows access violation, or the fail-fast after one (wine).
        Assert.That(beyond.ExitCode, Is.AnyOf(139, 134, unchecked((int)0xC0000005), unchecked((int)0xC0000602)), beyond.Errors);
    }

    [TestCaseSource(nameof(Cases))]
    public void Every_access_is_inside(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options with { Activation = ConvActivation.Relu });
        if (conv is null) return;
        foreach (GuardedBuffer.Edge edge in Enum.GetValues<GuardedBuffer.Edge>())
        {
            var bias = new TensorShape(1, problem.Output.C, 1, 1);
            using GuardedTensor x = new(problem.Input, edge), dx = new(problem.Input, edge), w = new(problem.Weights, edge), dw = new(problem.Weights, edge);
            using GuardedTensor b = new(bias, edge), db = new(bias, edge), y = new(problem.Output, edge), dy = new(problem.Output, edge);
            using GuardedTensor residual = new(problem.Output, edge);
            TestRun.Supported(() => conv.Forward(x.Tensor, w.Tensor, b.Tensor, y.Tensor, residual.Tensor));
            TestRun.Supported(() => conv.Forward(x.Tensor, w.Tensor, null, y.Tensor));
            TestRun.Supported(() => conv.BackwardData(dy.Tensor, w.Tensor, dx.Tensor));
            TestRun.Supported(() => conv.BackwardWeights(x.Tensor, dy.Tensor, dw.Tensor, db.Tensor));
            TestRun.Supported(() => conv.BackwardActivation(dy.Tensor, y.Tensor, residual.Tensor));
            foreach (GuardedTensor tensor in new[] { x, dx, w, dw, b, db, y, dy, residual })
                Assert.That(tensor.IsUntouchedBeside, $"{edge}: {tensor.Tensor.Shape}");
        }
    }

    [Test]
    public void Columns_stay_inside([Values] ColumnOrder order, [Values] GuardedBuffer.Edge edge)
    {
        foreach (ConvProblem problem in ShapeList.Problems)
        {
            using GuardedTensor x = new(problem.Input, edge);
            using Tensor made = Columns.Im2Col(x.Tensor, problem, order);
            using GuardedTensor columns = new(made.Shape, edge);
            using Tensor image = Columns.Col2Im(columns.Tensor, problem, order);
            Assert.That(x.IsUntouchedBeside && columns.IsUntouchedBeside, problem.Name);
        }
    }
}
