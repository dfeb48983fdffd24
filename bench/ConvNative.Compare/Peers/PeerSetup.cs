using System.ComponentModel;
using System.Diagnostics;

namespace ConvNative.Compare.Peers;

/// <summary>A peer after its probe and build: what it calls itself, or why it is left out.</summary>
/// <param name="Definition">The peer.</param>
/// <param name="Description">Its answer to "describe"; null if it is left out.</param>
/// <param name="Problem">Why it is left out; null if it is not.</param>
internal sealed record PeerStatus(PeerDefinition Definition, PeerReply? Description, string? Problem)
{
    /// <summary>The command that installs what is missing; null if nothing is known to be.</summary>
    public string? Remedy => Problem is null ? null : Definition.Manifest.Needs;
}

/// <summary>Finds out whether a peer is installed, builds it and asks it who it is.</summary>
internal static class PeerSetup
{
    private static readonly TimeSpan ProbePatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(5);

    public static async Task<PeerStatus> PrepareAsync(PeerDefinition definition, CancellationToken stop)
    {
        if (definition.Manifest.Probe is { } probe && await RunAsync(definition, probe, ProbePatience, stop) is { } missing)
            return new PeerStatus(definition, null, $"not installed ({missing})");
        foreach (string[] command in definition.Manifest.Build ?? [])
        {
            if (await RunAsync(definition, command, BuildPatience, stop) is { } failure)
                return new PeerStatus(definition, null, $"does not build ({failure})");
        }

        try
        {
            using PeerProcess process = PeerProcess.Start(definition, threads: 1);
            PeerReply reply = await process.AskAsync(new PeerRequest("describe"), ProbePatience, stop);
            await process.QuitAsync();
            return reply is { Modes: not null, Directions: not null }
                ? new PeerStatus(definition, reply, null)
                : new PeerStatus(definition, null, "its description names no modes or no directions");
        }
        catch (PeerException e)
        {
            return new PeerStatus(definition, null, e.Message);
        }
    }

    /// <summary>Null if the command succeeds, else the last thing that it said.</summary>
    private static async Task<string?> RunAsync(PeerDefinition definition, string[] command, TimeSpan patience, CancellationToken stop)
    {
        using var process = new Process { StartInfo = PeerProcess.StartInfo(definition, command) };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }

        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(stop);
        Task<string> error = process.StandardError.ReadToEndAsync(stop);
        try
        {
            await process.WaitForExitAsync(stop).WaitAsync(patience, stop);
        }
        catch (TimeoutException)
        {
            return $"'{command[0]}' took longer than {patience.TotalSeconds:0} s";
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        if (process.ExitCode == 0) return null;
        string[] said = (await output + "\n" + await error).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return said.LastOrDefault(line => line.Contains("rror", StringComparison.Ordinal)) ?? said.LastOrDefault() ?? $"exit code {process.ExitCode}";
    }
}
