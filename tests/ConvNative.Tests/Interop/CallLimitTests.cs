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
        while ((other.ThreadState & ThreadState.WaitSleepJoin) == 0) Thread.Yield();
        Assert.That(began.IsSet, Is.False);
        limit.Leave();
        other.Join();
        Assert.That(began.IsSet);
    }
}
