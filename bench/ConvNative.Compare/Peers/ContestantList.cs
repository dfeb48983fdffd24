namespace ConvNative.Compare.Peers;

/// <summary>Which peers in which of their modes take part.</summary>
internal sealed record ContestantList(IReadOnlyList<PeerStatus> Peers, IReadOnlyList<(PeerStatus Peer, string Mode)> Modes)
{
    /// <summary>Probes, builds and asks the peers that the patterns name ("onednn" or "onednn/any"; none: all).</summary>
    /// <exception cref="UsageException">A pattern names no peer or no mode.</exception>
    public static async Task<ContestantList> FindAsync(
        IReadOnlyList<PeerDefinition> known, IReadOnlyList<string> patterns, Action<string> status, CancellationToken stop)
    {
        (string Peer, string? Mode)[] wanted = [.. patterns.Select(Split)];
        foreach ((string name, _) in wanted)
        {
            if (known.All(peer => peer.Name != name))
                throw new UsageException($"'{name}' is no peer; it must be one of {string.Join(", ", known.Select(peer => peer.Name))}.");
        }

        var peers = new List<PeerStatus>();
        var modes = new List<(PeerStatus, string)>();
        foreach (PeerDefinition definition in known.Where(peer => wanted.Length == 0 || wanted.Any(w => w.Peer == peer.Name)))
        {
            status(definition.Name);
            PeerStatus peer = await PeerSetup.PrepareAsync(definition, stop);
            peers.Add(peer);
            if (peer.Description?.Modes is { } all)
                modes.AddRange(Select(definition.Name, all, wanted).Select(mode => (peer, mode)));
        }

        return new ContestantList(peers, modes);
    }

    public List<Contestant> Start(int threads) =>
        [.. Modes.Select(one => new Contestant(one.Peer.Definition, one.Mode, one.Peer.Description!.Directions!, threads))];

    private static IEnumerable<string> Select(string peer, string[] modes, (string Peer, string? Mode)[] wanted)
    {
        (string Peer, string? Mode)[] own = [.. wanted.Where(w => w.Peer == peer)];
        foreach ((_, string? mode) in own)
        {
            if (mode is not null && !modes.Contains(mode))
                throw new UsageException($"'{peer}/{mode}' is no contestant; the modes of {peer} are {string.Join(", ", modes)}.");
        }

        bool byDefault = own.Length == 0 || own.Any(w => w.Mode is null);
        return modes.Where(mode => own.Any(w => w.Mode == mode)
            || (byDefault && (peer != PeerDefinition.ConvNativeName || ConvNativePeer.IsRunByDefault(mode))));
    }

    private static (string Peer, string? Mode) Split(string pattern) =>
        pattern.Split('/', 2) is [var peer, var mode] ? (peer, mode) : (pattern, null);
}
