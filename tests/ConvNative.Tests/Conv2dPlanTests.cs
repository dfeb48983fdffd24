using ConvNative.Algorithms;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Which algorithm is chosen, how much memory it takes, and what a plan tells of itself.</summary>
internal sealed class Conv2dPlanTests
{
    private static readonly string[] Large =
    [
        "mb256ic64ih224oc64oh224kh3ph1", "mb64ic3ih224oc64oh112kh7sh2ph3", "mb1ic64ih4000oc64oh4000kh3ph1", "mb100000ic256ih56oc64oh56kh1ph0",
        "mb1ic8ih16000iw16000oc8oh16000ow16000kh5ph2", "g512mb512ic512ih112oc512oh112kh3ph1", "mb16ic512ih14oc512oh14kh3ph1",
    ];

    private static IEnumerable<TestCaseData> LargeCases =>
        from descriptor in Large
        from options in Configurations.All
        select new TestCaseData(descriptor, options).SetArgDisplayNames(descriptor, Configurations.Name(options));

    private static IEnumerable<ConvAlgorithm> AlgorithmNames => AlgorithmList.All.Select(algorithm => algorithm.Id);

    [TestCaseSource(nameof(LargeCases))]
    public void Workspace_stays_below_its_limit_however_large_the_problem(string descriptor, Conv2dOptions options)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        foreach (long limit in new[] { Conv2dOptions.DefaultMaxWorkspaceBytes, 1 << 20, 256 << 10 })
        {
            foreach (int threads in new[] { 1, 2, 64 })
            {
                using Conv2d? conv = TestRun.Plan(problem, options with { MaxWorkspaceBytes = limit, Threads = threads });
                if (conv is null) continue;
                using Tensor w = new(problem.Weights);
                using PackedWeights packed = conv.Pack(w);
                long packedBytes = packed.Bytes - (w.Length * sizeof(float));
                Assert.That(conv.WorkspaceBytes, Is.LessThanOrEqualTo(limit + packedBytes + 64), conv.Describe());
            }
        }
    }

    [TestCase(256 << 10)]
    [TestCase(64 << 10)]
    public void A_small_workspace_gives_the_same_results(int limit)
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic24ih28oc16oh28kh3ph1");
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights);
        (Oracle.Sum[] exactY, Oracle.Sum[] exactDX) = (Oracle.Forward(problem, x, w, null), Oracle.BackwardData(problem, dy, w));
        (Oracle.Sum[] exactDW, _) = Oracle.BackwardWeights(problem, x, dy);
        foreach (Conv2dOptions options in Configurations.All)
        {
            using Conv2d? conv = TestRun.Plan(problem, options with { MaxWorkspaceBytes = limit });
            if (conv is null) continue;
            double amplification = Configurations.Amplification(options);
            if (TestRun.Supported(() => conv.Forward(x, w, null, y))) ErrorBound.AssertWithin(exactY, y.Span, "y", amplification);
            if (TestRun.Supported(() => conv.BackwardData(dy, w, dx))) ErrorBound.AssertWithin(exactDX, dx.Span, "dx", amplification);
            if (TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, null))) ErrorBound.AssertWithin(exactDW, dw.Span, "dw", amplification);
        }
    }

    // Limits that the number of threads decided once: by the operand that is turned, by the rows of an item.
    [TestCase("mb1ic585ih8oc32oh8kh1", 44_000)]
    [TestCase("mb1ic585ih8oc32oh8kh1", 35_500)]
    [TestCase("mb1ic256ih14oc64oh7kh3sh2ph1", 60_000)]
    [TestCase("mb1ic256ih14oc64oh7kh3sh2ph1", 20_000)]
    [TestCase("mb2ic3ih40oc64oh40kh3ph1", 100_000)]
    public void Under_a_tight_limit_neither_refusals_nor_results_depend_on_the_threads(string descriptor, int limit)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        foreach (Conv2dOptions options in Configurations.All)
        {
            float[]?[] one = Results(1);
            Assert.That(Results(2), Is.EqualTo(one), Configurations.Name(options));
            Assert.That(Results(8), Is.EqualTo(one), Configurations.Name(options));

            float[]?[] Results(int threads)
            {
                using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights);
                using Conv2d? conv = TestRun.Plan(problem, options with { MaxWorkspaceBytes = limit, Threads = threads });
                return
                [
                    conv != null && TestRun.Supported(() => conv.Forward(x, w, null, y)) ? y.Span.ToArray() : null,
                    conv != null && TestRun.Supported(() => conv.BackwardData(dy, w, dx)) ? dx.Span.ToArray() : null,
                    conv != null && TestRun.Supported(() => conv.BackwardWeights(x, dy, dw, null)) ? dw.Span.ToArray() : null,
                ];
            }
        }
    }

    // As many phases as strides.
    [TestCase("mb1ic2ih1iw1oc2oh16ow16kh2kw2sh2048sw2048ph16384pw16384dh2047dw2047")]
    [TestCase("mb1ic2ih1iw1oc2oh1ow2kh1kw2sh1sw1000000ph0pw1000000dh0dw999999")]
    [TestCase("mb2ic5ih5oc4oh1kh1sh134217728")]
    public void Huge_strides_are_computed_or_refused(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        const GuardedBuffer.Edge edge = GuardedBuffer.Edge.End;
        using GuardedTensor x = new(problem.Input, edge), w = new(problem.Weights, edge), dy = new(problem.Output, edge);
        using GuardedTensor y = new(problem.Output, edge), dx = new(problem.Input, edge), dw = new(problem.Weights, edge);
        Tensors.Randomize(x.Tensor, 1);
        Tensors.Randomize(w.Tensor, 2);
        Tensors.Randomize(dy.Tensor, 3);
        (Oracle.Sum[] exactY, Oracle.Sum[] exactDX) = (Oracle.Forward(problem, x.Tensor, w.Tensor, null), Oracle.BackwardData(problem, dy.Tensor, w.Tensor));
        (Oracle.Sum[] exactDW, _) = Oracle.BackwardWeights(problem, x.Tensor, dy.Tensor);
        foreach (Conv2dOptions options in Configurations.All.Prepend(new Conv2dOptions()))
        {
            using Conv2d? conv = TestRun.Plan(problem, options);
            if (conv is null) continue;
            string name = Configurations.Name(options);
            if (TestRun.Supported(() => conv.Forward(x.Tensor, w.Tensor, null, y.Tensor))) ErrorBound.AssertWithin(exactY, y.Tensor.Span, $"y of {name}");
            if (TestRun.Supported(() => conv.BackwardData(dy.Tensor, w.Tensor, dx.Tensor))) ErrorBound.AssertWithin(exactDX, dx.Tensor.Span, $"dx of {name}");
            if (TestRun.Supported(() => conv.BackwardWeights(x.Tensor, dy.Tensor, dw.Tensor, null))) ErrorBound.AssertWithin(exactDW, dw.Tensor.Span, $"dw of {name}");
        }
    }

    [Test]
    public void Without_workspace_the_column_matrix_is_refused_and_Auto_takes_another_algorithm()
    {
        ConvProblem problem = ConvProblem.Parse("mb2ic24ih40oc32oh40kh3ph1");
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output);
        var forced = new Conv2dOptions { Algorithm = ConvAlgorithm.Im2ColGemm };
        Assert.That(() => new Conv2d(problem, forced with { MaxWorkspaceBytes = 0 }), Refused("MaxWorkspaceBytes is 0"), "all directions");
        using (var part = new Conv2d(problem, forced with { MaxWorkspaceBytes = 512 }))
            Assert.That(() => part.Forward(x, w, null, y), Refused("MaxWorkspaceBytes is 512"), "one direction");
        using var conv = new Conv2d(problem, new Conv2dOptions { MaxWorkspaceBytes = 0 });
        conv.Forward(x, w, null, y);
        ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, null), y.Span, "y", Configurations.Amplification(new Conv2dOptions()));
        Assert.That(conv.Describe(), Does.Contain("Im2ColGemm refuses").And.Contain("workspace"));

        static NUnit.Framework.Constraints.Constraint Refused(string limit) =>
            Throws.TypeOf<NotSupportedException>().With.Message.Contains("Im2ColGemm refuses").And.Message.Contains(limit);
    }

    [TestCaseSource(nameof(ShapeNames))]
    public void Auto_is_within_the_bound_in_every_direction(ConvProblem problem)
    {
        using var conv = new Conv2d(problem);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        using Tensor dy = Tensors.Random(problem.Output, 4), y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(b.Shape);
        conv.Forward(x, w, b, y);
        conv.BackwardData(dy, w, dx);
        conv.BackwardWeights(x, dy, dw, db);
        double amplification = Configurations.Amplification(new Conv2dOptions());
        ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, b), y.Span, "y", amplification);
        ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, "dx", amplification);
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        ErrorBound.AssertWithin(exactDW, dw.Span, "dw", amplification);
        ErrorBound.AssertWithin(exactDB, db.Span, "db");
    }

    // An algorithm that refused everything would pass all comparisons.
    [TestCaseSource(nameof(AlgorithmNames))]
    public void Every_algorithm_takes_a_fair_part_of_the_shape_list(ConvAlgorithm algorithm)
    {
        int[] accepted = new int[3];
        foreach (ConvProblem problem in ShapeList.Problems)
        {
            using Conv2d? conv = TestRun.Plan(problem, new Conv2dOptions { Algorithm = algorithm });
            if (conv is null) continue;
            foreach (Direction direction in Enum.GetValues<Direction>())
                if (conv.Describe().Contains($"{direction}: {algorithm} (asked for)", StringComparison.Ordinal)) accepted[(int)direction]++;
        }

        int all = ShapeList.Problems.Count();
        int[] least = algorithm switch
        {
            ConvAlgorithm.Depthwise => [30, 30, 30],
            ConvAlgorithm.Winograd => [40, 40, 30],
            ConvAlgorithm.Direct => [all, all, IsaSelection.Current == Isa.Avx512 ? all : 0],
            _ => [all, all, all],
        };
        for (int direction = 0; direction < 3; direction++)
            Assert.That(accepted[direction], Is.GreaterThanOrEqualTo(least[direction]), $"{(Direction)direction}");
    }

    [Test]
    public void An_algorithm_that_cannot_is_refused_by_name()
    {
        ConvProblem problem = ConvProblem.Parse("g2mb1ic4ih9oc6oh4kh4sh2ph1dh0");
        var refused = new List<ConvAlgorithm>();
        foreach (ConvAlgorithm algorithm in Enum.GetValues<ConvAlgorithm>())
        {
            try
            {
                new Conv2d(problem, new Conv2dOptions { Algorithm = algorithm }).Dispose();
            }
            catch (NotSupportedException e)
            {
                Assert.That(e.Message, Does.Contain($"{algorithm}").And.Contain(problem.ToString()));
                refused.Add(algorithm);
            }
        }

        Assert.That(refused, Does.Contain(ConvAlgorithm.Depthwise));
    }

    [Test]
    public void A_plan_describes_itself()
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic3ih8oc4oh8kh3ph1n\"label\"");
        using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Im2ColGemm, Gemm = GemmEngine.Managed, Threads = 3 });
        string[] lines = conv.Describe().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(4));
        Assert.That(lines[0], Does.StartWith(problem.ToString()).And.Contain("3 threads"), "a line that makes the problem again");
        foreach ((string line, Direction direction) in lines.Skip(1).Zip(Enum.GetValues<Direction>()))
            Assert.That(line, Does.Contain($"{direction}: Im2ColGemm (asked for)").And.Contain("workspace"));
        Assert.That(conv.Problem, Is.SameAs(problem));
    }

    private static IEnumerable<TestCaseData> ShapeNames => ShapeList.Problems.Select(problem => new TestCaseData(problem).SetArgDisplayNames(problem.Name!));
}
