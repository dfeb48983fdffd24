namespace ConvNative.Interop;

/// <summary>Lets so many threads into a library at once; the others wait.</summary>
internal sealed class CallLimit(int most)
{
    private readonly object _gate = new();
    private int _free = most;

    /// <summary>Waits until a call may begin.</summary>
    public void Enter()
    {
        lock (_gate)
        {
            while (_free == 0) Wait();
            _free--;
        }
    }

    /// <summary>A call has ended. A thread that is interrupted gives its place back all the same, and is interrupted after.</summary>
    public void Leave()
    {
        bool isInterrupted = false;
        while (!TryLeave()) isInterrupted = true;
        if (isInterrupted) Thread.CurrentThread.Interrupt();
    }

    private bool TryLeave()
    {
        try
        {
            lock (_gate)
            {
                _free++;
                Monitor.Pulse(_gate);
            }

            return true;
        }
        catch (ThreadInterruptedException)
        {
            return false;   // before it had the lock
        }
    }

    private void Wait()
    {
        try
        {
            Monitor.Wait(_gate);
        }
        catch (ThreadInterruptedException)
        {
            Monitor.Pulse(_gate);   // it may have been woken for a place, which is another's now
            throw;
        }
    }
}
