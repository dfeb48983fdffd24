using System.Runtime.InteropServices;
using System.Text.Json;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Peers;
using ConvNative.Compare.Verification;

namespace ConvNative.Compare.Tests;

/// <summary>
/// This assembly started as a program: a peer that behaves as its first argument says. It computes right answers by the
/// tool's own float64 sums, in the mode "good" of whatever behaviour; in the mode "bad" it misbehaves.
/// </summary>
internal static class FakePeer
{
    private static PeerRequest? s_prepared;

    /// <summary>The behaviours that a peer must survive or be dropped for.</summary>
    public static PeerDefinition Define(string behaviour)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "ConvNative.Compare.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        return new PeerDefinition(new PeerManifest(behaviour, [program, behaviour], null, $"make {behaviour}", null), AppContext.BaseDirectory);
    }

    public static int Main(string[] args)
    {
        string behaviour = args[0];
        while (Console.ReadLine() is { } line)
        {
            PeerRequest request = JsonSerializer.Deserialize(line, PeerJson.Default.PeerRequest)!;
            if (request.Cmd == "prepare") s_prepared = request;
            bool bad = request.Cmd == "run" && s_prepared?.Mode == "bad";
            if (bad && behaviour == "crash")
            {
                Console.Error.WriteLine("out of luck");
                return 7;
            }

            if (bad && behaviour == "silent") Thread.Sleep(Timeout.Infinite);
            if (bad && behaviour == "slow") Thread.Sleep(200);
            Console.WriteLine(bad && behaviour == "garbage" ? "Segmentation fault (core dumped)" : JsonSerializer.Serialize(Answer(request, behaviour), PeerJson.Default.PeerReply));
            if (request.Cmd == "quit") break;
        }

        return 0;
    }

    private static PeerReply Answer(PeerRequest request, string behaviour) => request.Cmd switch
    {
        "describe" => new() { Ok = true, Name = behaviour, Version = "1", Details = "fake", Modes = ["good", "bad"], Directions = ["FWD", "BWD_D", "BWD_W"] },
        "prepare" when behaviour == "refuse" && request.Mode == "bad" => new() { Ok = false, Error = "not today" },
        "prepare" when behaviour == "unsupported" && request.Mode == "bad" => new() { Ok = true, Supported = false, Reason = "too odd" },
        "prepare" => new() { Ok = true, Supported = true, Algorithm = "fake", PrepareSeconds = 0.5, WorkspaceBytes = 64 },
        "run" => new() { Ok = true, Seconds = [.. Enumerable.Repeat(behaviour == "slow" && s_prepared!.Mode == "bad" ? 0.2 : 0.001, request.Times!.Value)] },
        "output" when behaviour == "unchecked" => new() { Ok = true, Files = [], Unchecked = "it computes nothing" },
        "output" => new() { Ok = true, Files = Write(request.Dir!, behaviour == "wrong" && s_prepared!.Mode == "bad") },
        "memory" => new() { Ok = true, PeakBytes = 1 << 20 },
        _ => new() { Ok = true },
    };

    private static string[] Write(string folder, bool wrong)
    {
        ConvProblem problem = s_prepared!.Problem!.ToProblem();
        var direction = Enum.Parse<Direction>(s_prepared.Dir!);
        CaseData data = CaseData.Random(problem);
        string[] files = PeerJson.OutputFiles(direction);
        foreach (string file in files)
        {
            string result = Path.GetFileNameWithoutExtension(file);
            long length = result switch { "y" => problem.Output.Length, "dx" => problem.Input.Length, "dw" => problem.Weights.Length, _ => problem.Output.C };
            float[] values = [.. Enumerable.Range(0, (int)length).Select(i => (float)ExactElement.Compute(problem, data, result, i).Value)];
            // One element of many: a sample of the others must not hide it.
            if (wrong) values[values.Length / 3] += 0.01f;
            File.WriteAllBytes(Path.Combine(folder, file), MemoryMarshal.AsBytes(values.AsSpan()));
        }

        return files;
    }
}
