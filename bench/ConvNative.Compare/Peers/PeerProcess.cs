using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ConvNative.Compare.Peers;

/// <summary>A peer could not answer a request; the message tells how.</summary>
internal sealed class PeerException(string message) : Exception(message);

/// <summary>A running peer: one request at a time, one line each way. A peer that breaks the protocol is killed.</summary>
internal sealed class PeerProcess : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private static readonly TimeSpan QuitPatience = TimeSpan.FromSeconds(3);

    private readonly Process _process;
    private string? _lastWords;

    private PeerProcess(Process process) => _process = process;

    public bool IsAlive => !_process.HasExited;

    /// <exception cref="PeerException">The program cannot be started.</exception>
    public static PeerProcess Start(PeerDefinition definition, int threads)
    {
        string count = threads.ToString(CultureInfo.InvariantCulture);
        ProcessStartInfo info = StartInfo(definition, [.. definition.Manifest.Command, "--threads", count]);
        foreach (string variable in (string[])["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]) info.Environment[variable] = count;
        var process = new Process { StartInfo = info };
        var peer = new PeerProcess(process);
        process.ErrorDataReceived += (_, line) => peer._lastWords = string.IsNullOrWhiteSpace(line.Data) ? peer._lastWords : line.Data.Trim();
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            process.Dispose();
            throw new PeerException($"cannot be started: {e.Message}");
        }

        process.BeginErrorReadLine();
        return peer;
    }

    /// <summary>A first word that begins with a dot is a path relative to the peer's folder.</summary>
    public static ProcessStartInfo StartInfo(PeerDefinition definition, string[] command)
    {
        string program = command[0].StartsWith('.') ? Path.GetFullPath(command[0], definition.Folder) : command[0];
        return new ProcessStartInfo(program, command[1..])
        {
            WorkingDirectory = definition.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Utf8,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
        };
    }

    /// <summary>The reply to a request.</summary>
    /// <exception cref="PeerException">The peer died, was silent for longer than the patience, spoke no JSON, or refused.</exception>
    public async Task<PeerReply> AskAsync(PeerRequest request, TimeSpan patience, CancellationToken stop)
    {
        string? line;
        try
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request, PeerJson.Default.PeerRequest).AsMemory(), stop);
            await _process.StandardInput.FlushAsync(stop);
            line = await _process.StandardOutput.ReadLineAsync(stop).AsTask().WaitAsync(patience, stop);
        }
        catch (TimeoutException)
        {
            Kill();
            throw new PeerException($"gave no answer to '{request.Cmd}' within {patience.TotalSeconds:0.#} s");
        }
        catch (IOException)
        {
            line = null;
        }

        if (line is null) throw new PeerException(await DescribeDeathAsync(request.Cmd));
        PeerReply reply = Parse(request.Cmd, line);
        return reply.Ok == true ? reply : throw new PeerException($"refused '{request.Cmd}': {reply.Error ?? "no reason given"}");
    }

    /// <summary>Lets the peer end by itself; kills it if it does not.</summary>
    public async Task QuitAsync()
    {
        try
        {
            await AskAsync(new PeerRequest("quit"), QuitPatience, CancellationToken.None);
            await _process.WaitForExitAsync().WaitAsync(QuitPatience);
        }
        catch (Exception e) when (e is PeerException or TimeoutException)
        {
            Kill();
        }
    }

    /// <summary>Linux: a 5 in clear_refs sets VmHWM back to the memory that is resident now (man 5 proc).</summary>
    public bool ResetPeakMemory()
    {
        try
        {
            File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private PeerReply Parse(string command, string line)
    {
        try
        {
            if (JsonSerializer.Deserialize(line, PeerJson.Default.PeerReply) is { Ok: not null } reply) return reply;
        }
        catch (JsonException)
        {
            // Answered below: whatever it is, it is no reply.
        }

        Kill();
        throw new PeerException($"answered '{command}' with what is no reply: '{(line.Length > 80 ? line[..80] + "…" : line)}'");
    }

    private async Task<string> DescribeDeathAsync(string command)
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(QuitPatience);
        }
        catch (TimeoutException)
        {
            Kill();
            return $"closed its output at '{command}'";
        }

        return $"died at '{command}' with exit code {_process.ExitCode}" + (_lastWords is { } words ? $": {words}" : "");
    }

    private void Kill()
    {
        if (IsAlive) _process.Kill(entireProcessTree: true);
    }
}
