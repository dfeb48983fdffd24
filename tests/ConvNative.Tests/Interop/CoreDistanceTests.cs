using ConvNative.Interop;

namespace ConvNative.Tests.Interop;

internal sealed class CoreDistanceTests
{
    [TearDown]
    public void Release() => WorkerPool.ReleaseShared();

    [Test]
    public void Threads_are_near_until_they_are_measured()
    {
        WorkerPool pool = WorkerPool.Rent(2);
        Assert.That(pool.Distance.IsFar, Is.False);
        pool.Return();
    }

    // A way takes more than a clock's tick and less than a system call.
    [Test]
    public void A_line_goes_to_and_fro_where_there_are_two_processors()
    {
        if (NativeHelper.CpuBudget() < 2) return;
        WorkerPool pool = WorkerPool.Rent(2);
        double? fastest = null;
        for (int i = 0; i < 1000; i++)
            if (CoreDistance.Measure(pool) is double seconds && !(seconds >= fastest)) fastest = seconds;
        pool.Return();
        Assert.That(fastest, Is.InRange(1e-9, 10e-6));
    }

    // A thread that finds nobody gives up: with one thread, within a loop, and with more threads than there are processors.
    [Test]
    public void To_measure_ends_whoever_is_there([Values(1, 2, 64)] int threads)
    {
        WorkerPool pool = WorkerPool.Rent(threads);
        for (int i = 0; i < 5; i++)
        {
            double? seconds = CoreDistance.Measure(pool);
            Assert.That(seconds is null or > 0);
            if (threads == 1 && pool.Threads == 1) Assert.That(seconds, Is.Null);
        }

        var task = new Within(pool);
        pool.For(threads, 4, ref task);
        pool.Return();
    }

    [Test]
    public void What_is_pretended_stays_and_goes_with_the_pool()
    {
        WorkerPool pool = WorkerPool.Rent(2);
        pool.Distance.Pretend(true);
        pool.WatchDistance();
        Assert.That(pool.Distance.IsFar, Is.True);
        pool.Return();
        WorkerPool.ReleaseShared();
        WorkerPool next = WorkerPool.Rent(2);
        Assert.That(next.Distance.IsFar, Is.False);
        next.Return();
    }

    [Test]
    public void To_measure_allocates_nothing()
    {
        WorkerPool pool = WorkerPool.Rent(2);
        new CoreDistance().Watch(pool);
        var distance = new CoreDistance();
        long before = GC.GetAllocatedBytesForCurrentThread();
        distance.Watch(pool);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        pool.Return();
    }

    private readonly struct Within(WorkerPool pool) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            if (pool.Threads > 1) Assert.That(CoreDistance.Measure(pool), Is.Null, "the loop is run by one thread");
        }
    }
}
