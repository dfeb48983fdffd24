namespace ConvNative.Compare.Machine;

/// <summary>Runs a body on several threads that begin together.</summary>
internal static class AtOnce
{
    public static void Run(int threads, Action<int> body)
    {
        using var gate = new Barrier(threads);
        void Enter(int thread)
        {
            gate.SignalAndWait();
            body(thread);
        }

        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(thread => new Thread(() => Enter(thread)) { IsBackground = true })];
        foreach (Thread other in others) other.Start();
        Enter(0);
        foreach (Thread other in others) other.Join();
    }
}
