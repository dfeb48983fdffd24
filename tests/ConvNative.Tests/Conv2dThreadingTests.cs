using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Results do not depend on threads, on repetition, or on what else runs; disposing while a run is under way does no harm.</summary>
internal sealed class Conv2dThreadingTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        from options in Configurations.All
        select new TestCaseData(problem, options).SetArgDisplayNames(problem.Name!, Configurations.Name(options));

    private static IEnumerable<TestCaseData> Algorithms =>
        from options in Configurations.All
        from descriptor in new[] { "mb2ic16ih14oc24oh14kh3ph1", "g8mb2ic8ih11oc8oh11kh3ph1", "mb1ic64ih14oc33oh14kh1ph0" }
        select new TestCaseData(ConvProblem.Parse(descriptor), options).SetArgDisplayNames(descriptor, Configurations.Name(options));

    [TestCaseSource(nameof(Cases))]
    public void Bits_do_not_depend_on_the_number_of_threads_nor_on_repetition(ConvProblem problem, Conv2dOptions options)
    {
        using Run? one = Run.Make(problem, options with { Threads = 1 }, seed: 1);
        if (one is null) return;
        one.All();
        foreach (int threads in new[] { 2, 3, 5, 8 })
        {
            using Run many = Run.Make(problem, options with { Threads = threads }, seed: 1)!;
            many.All();
            one.AssertSameBits(many, $"{threads} threads");
            many.All();
            one.AssertSameBits(many, $"{threads} threads, second run");
        }
    }

    [TestCaseSource(nameof(Algorithms))]
    public void Eight_threads_may_use_one_plan(ConvProblem problem, Conv2dOptions options)
    {
        const int Callers = 8;
        using Conv2d? shared = TestRun.Plan(problem, options with { Threads = 2 });
        if (shared is null) return;
        Run[] serial = [.. Enumerable.Range(0, Callers).Select(i => Run.Make(problem, options with { Threads = 1 }, seed: 10 * i)!)];
        Run[] concurrent = [.. Enumerable.Range(0, Callers).Select(i => new Run(shared, problem, seed: 10 * i))];
        foreach (Run run in serial) run.All();
        RunTogether(Callers, caller =>
        {
            for (int round = 0; round < 5; round++)
            {
                concurrent[caller].All();
                serial[caller].AssertSameBits(concurrent[caller], $"caller {caller}, round {round}");
                concurrent[caller].Clear();
            }
        });
        foreach (Run run in serial) run.Dispose();
        foreach (Run run in concurrent) run.DisposeTensors();
    }

    // Forward and both gradients, and so all kinds of matrix product, at the same time.
    [Test]
    public void Different_plans_may_run_at_once()
    {
        (ConvProblem Problem, Conv2dOptions Options)[] all =
            [.. from problem in ShapeList.Problems where problem.Name is "odd13" or "groups2" or "pointwise_tail" from options in Configurations.All select (problem, options)];
        RunTogether(6, caller =>
        {
            for (int i = caller; i < all.Length; i += 3)   // each pair by two callers
            {
                using Run? serial = Run.Make(all[i].Problem, all[i].Options with { Threads = 1 }, seed: i);
                if (serial is null) continue;
                using Run parallel = Run.Make(all[i].Problem, all[i].Options with { Threads = 4 }, seed: i)!;
                serial.All();
                parallel.All();
                serial.AssertSameBits(parallel, Configurations.Name(all[i].Options));
            }
        });
    }

    [Test]
    public void A_convolution_or_tensor_may_be_disposed_while_runs_are_under_way([Values] bool convolution)
    {
        ConvProblem problem = ConvProblem.Parse("mb4ic16ih32oc16oh32kh3ph1");
        for (int round = 0; round < 20; round++)
        {
            using Run expected = Run.Make(problem, new Conv2dOptions { Threads = 1 }, seed: 3)!, actual = Run.Make(problem, new Conv2dOptions { Threads = 2 }, seed: 3)!;
            expected.All();
            using var started = new Barrier(2);
            var runner = new Thread(() =>
            {
                started.SignalAndWait();
                try
                {
                    while (true) actual.Forward();
                }
                catch (ObjectDisposedException)
                {
                    // The end that is expected.
                }
            });
            runner.Start();
            started.SignalAndWait();
            Thread.Sleep(1);
            if (convolution) actual.DisposePlan();
            else actual.DisposeInput();
            ConvNativeInfo.ReleaseResources();
            runner.Join();
            Assert.That(actual.Y.Span.SequenceEqual(expected.Y.Span) || actual.Y.Span.IndexOfAnyExcept(0f) < 0, "a run is done wholly or not at all");
        }
    }

    // Of a size whose memory goes back to the system at once.
    [Test]
    public void Weights_may_be_disposed_while_they_are_packed()
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic512ih4oc512oh4kh3ph1");
        using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Im2ColGemm });
        using Tensor x = Tensors.Filled(problem.Input, 1), y = new(problem.Output);
        int packed = 0, disposed = 0;
        for (int i = 0; i < 60; i++)
        {
            using Tensor w = Tensors.Filled(problem.Weights, 1);
            using var started = new Barrier(2);
            var other = new Thread(() =>
            {
                started.SignalAndWait();
                Thread.SpinWait(i * 100);
                w.Dispose();
            });
            other.Start();
            started.SignalAndWait();
            try
            {
                using PackedWeights copy = conv.Pack(w);
                conv.Forward(x, copy, null, y);
                Assert.That(y[0, 511, 1, 1], Is.EqualTo(512 * 9));
                packed++;
            }
            catch (ObjectDisposedException)
            {
                disposed++;
            }

            other.Join();
        }

        Assert.That(packed + disposed, Is.EqualTo(60));
    }

    [Test]
    public void A_larger_pool_may_replace_the_one_in_use()
    {
        ConvProblem problem = ConvProblem.Parse("mb2ic8ih12oc8oh12kh3ph1");
        using Run expected = Run.Make(problem, new Conv2dOptions { Threads = 1 }, seed: 4)!;
        expected.All();
        RunTogether(4, caller =>
        {
            for (int threads = 2; threads < 20; threads++)
            {
                using Run run = Run.Make(problem, new Conv2dOptions { Threads = threads + caller }, seed: 4)!;
                run.All();
                expected.AssertSameBits(run, $"{threads + caller} threads");
                if (threads % 5 == 0) ConvNativeInfo.ReleaseResources();
            }
        });
    }

    /// <summary>Runs the body on so many threads that start together; the first failure is thrown here.</summary>
    private static void RunTogether(int callers, Action<int> body)
    {
        using var start = new Barrier(callers);
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, callers).Select(caller => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                body(caller);
            }
#pragma warning disable CA1031 // Whatever it is, the test fails with it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        if (failure is not null) Assert.Fail(failure.ToString());
    }

    /// <summary>A plan with tensors of random values and its results.</summary>
    private sealed class Run(Conv2d conv, ConvProblem problem, int seed) : IDisposable
    {
        private readonly Tensor _x = Tensors.Random(problem.Input, seed), _w = Tensors.Random(problem.Weights, seed + 1);
        private readonly Tensor _b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), seed + 2), _dy = Tensors.Random(problem.Output, seed + 3);
        private readonly Tensor _dx = new(problem.Input), _dw = new(problem.Weights), _db = new(1, problem.Output.C, 1, 1);

        public Tensor Y { get; } = new(problem.Output);

        private Tensor[] Results => [Y, _dx, _dw, _db];

        public static Run? Make(ConvProblem problem, Conv2dOptions options, int seed) =>
            TestRun.Plan(problem, options) is { } conv ? new Run(conv, problem, seed) : null;

        public void Forward() => conv.Forward(_x, _w, _b, Y);

        public void All()
        {
            Clear();   // what is refused is the same in all runs
            TestRun.Supported(Forward);
            TestRun.Supported(() => conv.BackwardData(_dy, _w, _dx));
            TestRun.Supported(() => conv.BackwardWeights(_x, _dy, _dw, _db));
        }

        public void Clear()
        {
            foreach (Tensor tensor in Results) tensor.Span.Clear();
        }

        public void AssertSameBits(Run other, string what)
        {
            foreach ((Tensor mine, Tensor theirs, string name) in Results.Zip(other.Results, ["y", "dx", "dw", "db"]))
            {
                if (!System.Runtime.InteropServices.MemoryMarshal.AsBytes(mine.Span).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(theirs.Span)))
                    Assert.Fail($"{name} differs: {what}");
            }
        }

        public void DisposePlan() => conv.Dispose();

        public void DisposeInput() => _x.Dispose();

        public void DisposeTensors()
        {
            foreach (Tensor tensor in Results.Concat([_x, _w, _b, _dy])) tensor.Dispose();
        }

        public void Dispose()
        {
            DisposeTensors();
            DisposePlan();
        }
    }
}
