using System.Diagnostics;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>A planned run allocates nothing on the managed heap, and nothing new natively after the first one; nothing leaks.</summary>
internal sealed class Conv2dAllocationTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from problem in ShapeList.Problems
        where problem.Name is "article_batch" or "pointwise_tail" or "w17" or "stride3" or "dilated" or "groups3_stride" or "depthwise_tail"
        from options in Configurations.All
        from threads in new[] { 1, 3 }
        select new TestCaseData(problem, options with { Threads = threads, Activation = ConvActivation.Relu })
            .SetArgDisplayNames(problem.Name!, Configurations.Name(options), $"{threads}");

    [TestCaseSource(nameof(Cases))]
    public void A_planned_run_allocates_nothing(ConvProblem problem, Conv2dOptions options)
    {
        using Conv2d? conv = TestRun.Plan(problem, options);
        if (conv is null) return;
        var bias = new TensorShape(1, problem.Output.C, 1, 1);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(bias, 3);
        using Tensor dy = Tensors.Random(problem.Output, 4), residual = Tensors.Random(problem.Output, 5);
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(bias);
        using PackedWeights packed = conv.Pack(w);
        using Tensor workspace = new(1, 1, 1, (int)(conv.WorkspaceBytes / sizeof(float)) + 1);
        using var source = new CancellationTokenSource();
        var given = new ConvRunOptions { Cancellation = source.Token, Workspace = workspace };
        Action[] directions =
        [
            () => conv.Forward(x, w, b, y, residual, given),
            () => conv.BackwardWeights(x, dy, dw, db, given),
            () => conv.Forward(x, w, b, y, residual),
            () => conv.Forward(x, packed, b, y),
            () => conv.BackwardData(dy, w, dx),
            () => conv.BackwardData(dy, packed, dx),
            () => conv.BackwardWeights(x, dy, dw, db),
            () => conv.BackwardActivation(dy, y, residual),
        ];
        Action[] supported = [.. directions.Where(TestRun.Supported)];
        long live = ConvNativeInfo.LiveBytes;
        foreach (Action run in supported)
        {
            run();
            Assert.That(LeastAllocated(GC.GetAllocatedBytesForCurrentThread, run), Is.Zero, "on the calling thread");
            Assert.That(LeastAllocated(() => GC.GetTotalAllocatedBytes(precise: true), run), Is.Zero, "on any thread");
        }

        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(live), "natively");
    }

    [Test]
    public void Thousands_of_rounds_leak_nothing()
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic2ih5oc3oh5kh3ph1");
        ConvAlgorithm[] algorithms = [.. Configurations.All.Select(options => options.Algorithm).Distinct()];
        void Round(int i)
        {
            using Conv2d? conv = TestRun.Plan(problem, new Conv2dOptions { Algorithm = algorithms[i % algorithms.Length], Threads = 2 });
            if (conv is null) return;
            using Tensor x = new(problem.Input), w = new(problem.Weights), y = new(problem.Output), b = new(1, 3, 1, 1);
            using PackedWeights packed = conv.Pack(w);
            TestRun.Supported(() => conv.Forward(x, packed, b, y));
            TestRun.Supported(() => conv.BackwardData(y, w, x));
            TestRun.Supported(() => conv.BackwardWeights(x, y, w, b));
        }

        for (int i = 0; i < 500; i++) Round(i);
        (long live, long unmanaged, int threads) = Held();
        for (int i = 0; i < 10_000; i++) Round(i);
        (long liveAfter, long unmanagedAfter, int threadsAfter) = Held();
        Assert.That(liveAfter, Is.EqualTo(live));
        // For what the counter does not see: 2.4 kB a round, a fraction of a thread's or a pool's memory; and a thread in a hundred rounds,
        // more than the runtime and the test host start of their own.
        Assert.That(unmanagedAfter - unmanaged, Is.LessThan(24 << 20));
        Assert.That(threadsAfter, Is.LessThan(threads + 100));
    }

    /// <summary>
    /// The least that was allocated during a run, of several: the test host's own threads allocate now and then, and a collection
    /// that ends meanwhile moves what is counted. What a run allocates itself, it allocates every time.
    /// </summary>
    private static long LeastAllocated(Func<long> counter, Action run)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 500 && least > 0; i++)
        {
            long before = counter();
            run();
            least = Math.Min(least, counter() - before);
        }

        return least;
    }

    private static (long Live, long Unmanaged, int Threads) Held()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using Process process = Process.GetCurrentProcess();
        return (ConvNativeInfo.LiveBytes, process.WorkingSet64 - GC.GetGCMemoryInfo().TotalCommittedBytes, process.Threads.Count);
    }
}
