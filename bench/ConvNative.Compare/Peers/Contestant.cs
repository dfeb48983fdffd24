namespace ConvNative.Compare.Peers;

/// <summary>
/// A peer in one of its modes, at a number of threads. Each has a process of its own, since a process holds one plan at a
/// time; a process that died is started again for the next case, until it has died too often.
/// </summary>
internal sealed class Contestant(PeerDefinition definition, string mode, IReadOnlyList<string> directions, int threads) : IDisposable
{
    private const int MostFailuresInRow = 3;

    private PeerProcess? _process;
    private int _failuresInRow;

    public string Name { get; } = $"{definition.Name}/{mode}";

    public string Mode => mode;

    public int Threads => threads;

    public bool Supports(string direction) => directions.Contains(direction);

    /// <summary>It died or hung in so many cases running that it is asked no more.</summary>
    public bool GaveUp => _failuresInRow >= MostFailuresInRow;

    /// <summary>What this process has run before, so that only its first time is given a long warm-up.</summary>
    public HashSet<string> Warm { get; } = [];

    /// <exception cref="PeerException">No usable answer came.</exception>
    public Task<PeerReply> AskAsync(PeerRequest request, TimeSpan patience, CancellationToken stop)
    {
        if (_process is not { IsAlive: true }) Restart();
        return _process!.AskAsync(request, patience, stop);
    }

    /// <summary>Lets the peak memory that the process reports begin anew; false where the system cannot.</summary>
    public bool ResetPeakMemory() => _process?.ResetPeakMemory() ?? false;

    /// <summary>Ends the process; the next request starts a new one.</summary>
    public void Stop()
    {
        _process?.Dispose();
        _process = null;
        Warm.Clear();
    }

    /// <summary>Notes how a case ended, and whether the process outlived it.</summary>
    public void CaseEnded()
    {
        bool died = _process is not { IsAlive: true };
        _failuresInRow = died ? _failuresInRow + 1 : 0;
    }

    public void Dispose() => Stop();

    private void Restart()
    {
        Stop();
        _process = PeerProcess.Start(definition, threads);
    }
}
