using System.Text.Json;

namespace ConvNative.Compare.Peers;

/// <summary>A peer.json: how a peer is found, built and started.</summary>
internal sealed record PeerManifest(string Name, string[] Command, string[]? Probe, string? Needs, string[][]? Build);

/// <summary>A peer and the folder that its commands run in.</summary>
internal sealed record PeerDefinition(PeerManifest Manifest, string Folder)
{
    public const string ConvNativeName = "convnative";

    public string Name => Manifest.Name;

    /// <summary>ConvNative itself: this program in a process of its own, so that it is measured as its peers are.</summary>
    public static PeerDefinition ConvNative
    {
        get
        {
            string program = Path.Combine(AppContext.BaseDirectory, "ConvNative.Compare" + (OperatingSystem.IsWindows() ? ".exe" : ""));
            return new PeerDefinition(new PeerManifest(ConvNativeName, [program, "peer"], null, null, null), AppContext.BaseDirectory);
        }
    }

    /// <summary>ConvNative, then every folder below bench/peers with a peer.json, by name.</summary>
    /// <exception cref="InvalidDataException">A peer.json cannot be understood.</exception>
    public static IReadOnlyList<PeerDefinition> FindAll(string peersFolder) =>
    [
        ConvNative,
        .. Directory.Exists(peersFolder)
            ? Directory.EnumerateFiles(peersFolder, "peer.json", SearchOption.AllDirectories)
                .Where(file => Path.GetDirectoryName(Path.GetDirectoryName(file)) == peersFolder)
                .Order(StringComparer.Ordinal)
                .Select(Load)
            : [],
    ];

    /// <summary>bench/peers of the repository that this program stands in; of the current folder if it stands in none.</summary>
    public static string DefaultPeersFolder
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                string candidate = Path.Combine(folder.FullName, "bench", "peers");
                if (Directory.Exists(candidate)) return candidate;
            }

            return Path.GetFullPath(Path.Combine("bench", "peers"));
        }
    }

    private static PeerDefinition Load(string file)
    {
        try
        {
            PeerManifest? manifest = JsonSerializer.Deserialize(File.ReadAllText(file), PeerJson.Default.PeerManifest);
            return manifest is { Name: not null, Command.Length: > 0 }
                ? new PeerDefinition(manifest, Path.GetDirectoryName(file)!)
                : throw new InvalidDataException($"{file}: name and command must be given.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: {e.Message}", e);
        }
    }
}
