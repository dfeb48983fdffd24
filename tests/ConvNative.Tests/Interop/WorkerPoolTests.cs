using ConvNative.Interop;

namespace ConvNative.Tests.Interop;

internal sealed unsafe class WorkerPoolTests
{
    [Test]
    public void Every_item_is_done_once_by_a_worker_of_its_own([Values(0, 1, 2, 7, 97, 1009)] int count, [Values(1, 2, 3, 8)] int workers)
    {
        int[] times = new int[count], busy = new int[workers];
        bool shared = false;
        Run(workers, count, (index, worker) =>
        {
            if (Interlocked.Increment(ref busy[worker]) > 1) shared = true;
            Interlocked.Increment(ref times[index]);
            Interlocked.Decrement(ref busy[worker]);
        });
        Assert.That(times, Is.All.EqualTo(1));
        Assert.That(shared, Is.False, "no two running items have the same worker number");
    }

    [Test]
    public void A_loop_inside_a_loop_runs_inline()
    {
        int done = 0;
        Run(4, 16, (_, _) =>
        {
            int thread = Environment.CurrentManagedThreadId;
            Run(4, 8, (_, inner) =>
            {
                Assert.That(Environment.CurrentManagedThreadId, Is.EqualTo(thread));
                Interlocked.Increment(ref done);
            });
        });
        Assert.That(done, Is.EqualTo(128));
    }

    [Test]
    public void An_exception_reaches_the_caller_and_the_pool_lives([Values(1, 4)] int workers)
    {
        for (int round = 0; round < 50; round++)
        {
            Assert.That(
                () => Run(workers, 100, (index, _) => throw new InvalidDataException($"item {index}")),
                Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("item"));
        }

        int done = 0;
        Run(workers, 100, (_, _) => Interlocked.Increment(ref done));
        Assert.That(done, Is.EqualTo(100));
    }

    [Test]
    public void A_cancelled_token_ends_the_loop_between_two_items([Values(1, 2, 4)] int workers)
    {
        using var source = new CancellationTokenSource();
        int started = 0, ended = 0;
        Assert.That(
            () => Run(
                workers,
                10_000,
                (index, _) =>
                {
                    Interlocked.Increment(ref started);
                    if (index == 10) source.Cancel();
                    if (index > 10) SpinWait.SpinUntil(() => source.IsCancellationRequested);
                    Interlocked.Increment(ref ended);
                },
                source.Token),
            Throws.TypeOf<OperationCanceledException>().With.Property(nameof(OperationCanceledException.CancellationToken)).EqualTo(source.Token));
        Assert.That(started, Is.EqualTo(ended), "no item is left half done");
        // Each other worker had one item in hand: of the first eleven and not begun, or one after them.
        Assert.That(started, Is.InRange(12 - workers, 10 + workers));
    }

    [Test]
    public void A_token_that_is_not_cancelled_changes_nothing([Values(1, 4)] int workers)
    {
        using var source = new CancellationTokenSource();
        int done = 0;
        Run(workers, 100, (_, _) => Interlocked.Increment(ref done), source.Token);
        Assert.That(done, Is.EqualTo(100));
    }

    [Test]
    public void Several_threads_may_use_it_at_once()
    {
        long sum = 0;
        Thread[] callers = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 100; i++) Run(4, 50, (index, _) => Interlocked.Add(ref sum, index));
        }))];
        foreach (Thread caller in callers) caller.Start();
        foreach (Thread caller in callers) caller.Join();
        Assert.That(sum, Is.EqualTo(8L * 100 * 49 * 50 / 2));
    }

    [Test]
    public void A_pool_that_was_rented_outlives_its_replacement()
    {
        WorkerPool.ReleaseShared();   // plans that other tests left behind hold the one before
        WorkerPool small = WorkerPool.Rent(2);
        WorkerPool large = WorkerPool.Rent(small.Threads + 3);
        try
        {
            Assert.That(large.Threads, Is.GreaterThan(small.Threads));
            int done = 0;
            var task = new Item((_, _) => Interlocked.Increment(ref done));
            small.For(2, 100, ref task);
            large.For(large.Threads, 100, ref task);
            Assert.That(done, Is.EqualTo(200));
        }
        finally
        {
            small.Return();
            large.Return();
        }

        Assert.That(small.IsClosed, "nobody uses it any more");
    }

    // cn_cpu_budget reads affinity and quota; the pool's threads are fewer than what the system has only where it is told so.
    [Test]
    public void The_budget_is_a_number_of_processors() =>
        Assert.That(NativeHelper.CpuBudget(), Is.InRange(1, Environment.ProcessorCount * 2));

    private static void Run(int workers, long count, Action<long, int> body, CancellationToken cancellation = default)
    {
        WorkerPool pool = WorkerPool.Rent(workers);
        try
        {
            var task = new Item(body);
            pool.Until(cancellation).For(workers, count, ref task);
        }
        finally
        {
            pool.Return();
        }
    }

    private readonly struct Item(Action<long, int> body) : IParallelTask
    {
        public void Run(long index, int worker) => body(index, worker);
    }
}
