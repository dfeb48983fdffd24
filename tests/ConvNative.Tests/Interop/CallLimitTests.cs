using ConvNative.Interop;

namespace ConvNative.Tests.Interop;

internal sealed class CallLimitTests
{
    [TestCase(1)]
    [TestCase(3)]
    public void So_many_calls_run_at_once_and_no_more(int most)
    {
        const int Threads = 8, Calls = 2000;
        var limit = new CallLimit(most);
        int inside = 0, highest = 0, done = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            for (int call = 0; call < Calls; call++)
            {
                limit.Enter();
                int now = Interlocked.Increment(ref inside), seen;
                while ((seen = Volatile.Read(ref highest)) < now && Interlocked.CompareExchange(ref highest, now, seen) != seen) { }
                if (call % 50 == 0) Thread.Yield();
                Interlocked.Decrement(ref inside);
                limit.Leave();
                Interlocked.Increment(ref done);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.That((done, highest <= most), Is.EqualTo((Threads * Calls, true)), $"at most {highest} at once");
    }

    // An interrupted thread leaves, and lets others in; one that waits goes away with the exception.
    [Test]
    public void Interrupted_threads_keep_no_place()
    {
        var limit = new CallLimit(1);
        for (int i = 0; i < 200; i++)
        {
            Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                try
                {
                    limit.Enter();
                    Thread.SpinWait(50);
                    limit.Leave();
                    Thread.Sleep(0);
                }
                catch (ThreadInterruptedException)
                {
                    // Asked for.
                }
            }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads.Take(2)) thread.Interrupt();
            foreach (Thread thread in threads) Assert.That(thread.Join(TimeSpan.FromSeconds(20)), "a thread waits for a place that nobody has");
        }

        limit.Enter();
        limit.Leave();
    }

    [Test]
    public void One_that_may_not_begin_waits_for_the_end_of_another()
    {
        var limit = new CallLimit(1);
        limit.Enter();
        var began = new ManualResetEventSlim();
        var other = new Thread(() =>
        {
            limit.Enter();
            began.Set();
            limit.Leave();
        });
        other.Start();
        while (other.IsAlive && (other.ThreadState & ThreadState.WaitSleepJoin) == 0) Thread.Yield();
        Assert.That(began.IsSet, Is.False);
        limit.Leave();
        other.Join();
        Assert.That(began.IsSet);
    }
}
