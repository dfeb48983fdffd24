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
            while (_free == 0) Monitor.Wait(_gate);
            _free--;
        }
    }

    /// <summary>A call has ended.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _free++;
            Monitor.Pulse(_gate);
        }
    }
}
