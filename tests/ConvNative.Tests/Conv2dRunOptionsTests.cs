using ConvNative.Algorithms;
using ConvNative.Interop;
using ConvNative.Memory;
using ConvNative.Planning;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Runs that are ended early, and runs in memory of the caller's.</summary>
internal sealed unsafe class Conv2dRunOptionsTests
{
    private const float Sentinel = 4711;

    private static readonly CancellationToken Cancelled = new(canceled: true);

    private static IEnumerable<TestCaseData> Cases =>
        from descriptor in new[] { "mb2ic16ih14oc24oh14kh3ph1", "g8mb2ic8ih11oc8oh11kh3ph1", "mb1ic3ih19oc5oh8kh5sh2ph0" }
        from options in Configurations.All
        from threads in new[] { 1, 3 }
        select new TestCaseData(ConvProblem.Parse(descriptor), options with { Threads = threads })
            .SetArgDisplayNames(descriptor, Configurations.Name(options), $"{threads}");

    [TestCaseSource(nameof(Cases))]
    public void A_token_that_is_cancelled_before_ends_the_run_before_anything_is_written(ConvProblem problem, Conv2dOptions options)
    {
        using Run? run = Run.Make(problem, options);
        if (run is null) return;
        foreach (Action<ConvRunOptions> direction in run.Supported())
        {
            Assert.That(() => direction(new ConvRunOptions { Cancellation = Cancelled }), Throws.TypeOf<OperationCanceledException>());
            foreach (Tensor output in run.Outputs) Assert.That(output.Span.ToArray(), Is.All.EqualTo(Sentinel));
        }
    }

    // What a run asks before it starts is not asked here: the loops of the pass themselves must ask.
    [TestCaseSource(nameof(Cases))]
    public void The_loops_of_every_algorithm_ask_the_token(ConvProblem problem, Conv2dOptions options)
    {
        ConvPlan plan;
        try
        {
            plan = new ConvPlan(problem, options);
        }
        catch (NotSupportedException)
        {
            return;
        }

        using Run tensors = Run.Make(problem, options)!;
        WorkerPool pool = WorkerPool.Rent(options.Threads);
        using (plan)
        {
            foreach (Direction direction in Enum.GetValues<Direction>())
            {
                if (!TestRun.Supported(() => plan.Pass(direction))) continue;
                ConvPass pass = plan.Pass(direction);
                using AlignedBuffer workspace = AlignedBuffer.Allocate(pass.WorkspaceBytes, zero: true), packed = AlignedBuffer.Allocate(pass.PackedWeightsBytes, zero: true);
                ConvBuffers buffers = tensors.Buffers(direction, (float*)packed.Pointer);
                Assert.That(() => pass.Run(buffers, (float*)workspace.Pointer, pool.Until(Cancelled)), Throws.TypeOf<OperationCanceledException>(), $"{direction}");
                foreach (Tensor output in tensors.Outputs) Assert.That(output.Span.ToArray(), Is.All.EqualTo(Sentinel), $"{direction}");
            }
        }

        pool.Return();
    }

    [TestCaseSource(nameof(Cases))]
    public void A_run_after_a_cancelled_one_gives_what_it_always_gives(ConvProblem problem, Conv2dOptions options)
    {
        using Run? run = Run.Make(problem, options), fresh = Run.Make(problem, options);
        if (run is null) return;
        foreach ((Action<ConvRunOptions> direction, Action<ConvRunOptions> expected) in run.Supported().Zip(fresh!.Supported()))
        {
            using var source = new CancellationTokenSource();
            var cancellable = new ConvRunOptions { Cancellation = source.Token };
            var runner = Task.Run(() =>
            {
                while (true) direction(cancellable);
            });
            Thread.Sleep(1);
            source.Cancel();
            Assert.That(() => runner.GetAwaiter().GetResult(), Throws.TypeOf<OperationCanceledException>());
            direction(default);
            expected(default);
            foreach ((Tensor mine, Tensor theirs) in run.Outputs.Zip(fresh.Outputs)) Assert.That(mine.Span.SequenceEqual(theirs.Span));
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void A_workspace_of_the_callers_gives_the_same_bits_and_allocates_none(ConvProblem problem, Conv2dOptions options)
    {
        using Run? own = Run.Make(problem, options), given = Run.Make(problem, options);
        if (own is null) return;
        using GuardedBuffer memory = new(RoundUp(given!.Conv.WorkspaceBytes, 64) / sizeof(float), GuardedBuffer.Edge.End);
        using Tensor workspace = Tensor.Wrap(memory.Pointer, new TensorShape(1, 1, 1, (int)memory.Length));
        workspace.Span.Fill(float.NaN);
        long live = ConvNativeInfo.LiveBytes;
        foreach (Action<ConvRunOptions> direction in given.Supported()) direction(new ConvRunOptions { Workspace = workspace });
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(live));
        foreach (Action<ConvRunOptions> direction in own.Supported()) direction(default);
        foreach ((Tensor mine, Tensor theirs) in own.Outputs.Zip(given.Outputs)) Assert.That(mine.Span.SequenceEqual(theirs.Span));
    }

    [Test]
    public void A_workspace_that_is_too_small_or_unaligned_or_shared_is_refused()
    {
        using Run run = Run.Make(ConvProblem.Parse("mb1ic16ih14oc16oh14kh3ph1"), new Conv2dOptions { Algorithm = ConvAlgorithm.Im2ColGemm })!;
        int floats = (int)(run.Conv.WorkspaceBytes / sizeof(float));
        using Tensor small = new(1, 1, 1, floats - 1), large = new(1, 1, 1, floats + 1), gone = new(1, 1, 1, floats);
        using Tensor unaligned = Tensor.Wrap(large.Pointer + 1, new TensorShape(1, 1, 1, floats));
        gone.Dispose();
        AssertRefused<ArgumentException>(small, $"Workspace has {4 * (floats - 1):N0} bytes; it must have at least {4 * floats:N0} (WorkspaceBytes).");
        AssertRefused<ArgumentException>(unaligned, $"Workspace is at address 0x{(nuint)unaligned.Pointer:x}; it must be a multiple of 64.");
        AssertRefused<ObjectDisposedException>(gone, "Tensor");

        // One memory holds both, so that y overlaps nothing else.
        using Tensor both = new(1, 1, 1, floats + (int)run.Conv.Problem.Output.Length);
        using Tensor over = Tensor.Wrap(both.Pointer, new TensorShape(1, 1, 1, floats)), y = Tensor.Wrap(both.Pointer + floats - 8, run.Conv.Problem.Output);
        Assert.That(
            () => run.Conv.Forward(run.X, run.W, null, y, null, new ConvRunOptions { Workspace = over }),
            Throws.ArgumentException.With.Message.Contains("Workspace overlaps a tensor of the run"));

        void AssertRefused<TException>(Tensor workspace, string message)
            where TException : Exception
        {
            foreach (Action<ConvRunOptions> direction in run.Supported())
                Assert.That(() => direction(new ConvRunOptions { Workspace = workspace }), Throws.TypeOf<TException>().With.Message.Contains(message));
            foreach (Tensor output in run.Outputs) Assert.That(output.Span.ToArray(), Is.All.EqualTo(Sentinel));
        }
    }

    private static long RoundUp(long value, int unit) => Math.Max(unit, (value + unit - 1) / unit * unit);

    /// <summary>A plan with inputs and, set to the sentinel, outputs.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Tensor _dy, _dx, _dw, _db, _y;
        private readonly PackedWeights _packed;

        private Run(Conv2d conv)
        {
            (Conv, ConvProblem problem) = (conv, conv.Problem);
            (X, W, _dy) = (Tensors.Random(problem.Input, 1), Tensors.Random(problem.Weights, 2), Tensors.Random(problem.Output, 3));
            (_y, _dx, _dw) = (Filled(problem.Output), Filled(problem.Input), Filled(problem.Weights));
            _db = Filled(new TensorShape(1, problem.Output.C, 1, 1));
            _packed = conv.Pack(W);
            static Tensor Filled(TensorShape shape) => Tensors.Filled(shape, Sentinel);
        }

        public Conv2d Conv { get; }

        public Tensor X { get; }

        public Tensor W { get; }

        public Tensor[] Outputs => [_y, _dx, _dw, _db];

        public static Run? Make(ConvProblem problem, Conv2dOptions options) => TestRun.Plan(problem, options) is { } conv ? new Run(conv) : null;

        /// <summary>The runs that the algorithm does not refuse. Nothing is run to find out.</summary>
        public Action<ConvRunOptions>[] Supported()
        {
            (Direction Direction, Action<ConvRunOptions> Run)[] all =
            [
                (Direction.Forward, run => Conv.Forward(X, W, null, _y, null, run)),
                (Direction.Forward, run => Conv.Forward(X, _packed, null, _y, null, run)),
                (Direction.BackwardData, run => Conv.BackwardData(_dy, W, _dx, run)),
                (Direction.BackwardData, run => Conv.BackwardData(_dy, _packed, _dx, run)),
                (Direction.BackwardWeights, run => Conv.BackwardWeights(X, _dy, _dw, _db, run)),
            ];
            string[] refused = [.. Conv.Describe().Split('\n').Where(line => line.Contains(": none (", StringComparison.Ordinal))];
            return [.. from run in all where !refused.Any(line => line.Contains($"{run.Direction}:", StringComparison.Ordinal)) select run.Run];
        }

        public ConvBuffers Buffers(Direction direction, float* packed) => direction switch
        {
            Direction.Forward => new ConvBuffers(X.Pointer, W.Pointer, null, _y.Pointer, null, packed),
            Direction.BackwardData => new ConvBuffers(_dx.Pointer, W.Pointer, null, _dy.Pointer, null, packed),
            _ => new ConvBuffers(X.Pointer, _dw.Pointer, _db.Pointer, _dy.Pointer),
        };

        public void Dispose()
        {
            foreach (Tensor tensor in Outputs.Concat([X, W, _dy])) tensor.Dispose();
            _packed.Dispose();
            Conv.Dispose();
        }
    }
}
