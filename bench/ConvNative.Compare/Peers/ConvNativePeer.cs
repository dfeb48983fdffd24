using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Peers;

/// <summary>ConvNative as a peer: answers the protocol of bench/peers/README.md on the given streams.</summary>
internal sealed partial class ConvNativePeer(int threads) : IDisposable
{
    private const string ReferenceMode = "reference";
    private const string PackedMode = "packed";   // auto with weights packed before: what a program pays that keeps its weights

    private PreparedCase? _case;

    public static string[] Modes { get; } = [.. Enum.GetNames<ConvAlgorithm>().Select(name => name.ToLowerInvariant()), PackedMode];

    /// <summary>Modes that are run only when they are asked for by name.</summary>
    public static bool IsRunByDefault(string mode) => mode != ReferenceMode;

    /// <summary>Answers until "quit" or the end of the input.</summary>
    public void Serve(TextReader input, TextWriter output)
    {
        while (input.ReadLine() is { } line)
        {
            PeerRequest? request = null;
            PeerReply reply;
            try
            {
                request = JsonSerializer.Deserialize(line, PeerJson.Default.PeerRequest);
                reply = Answer(request ?? throw new ArgumentException("the request is null")) with { Ok = true };
            }
#pragma warning disable CA1031 // Whatever it was, the peer lives and says so.
            catch (Exception e)
#pragma warning restore CA1031
            {
                reply = new PeerReply { Ok = false, Error = e.Message };
            }

            output.WriteLine(JsonSerializer.Serialize(reply, PeerJson.Default.PeerReply));
            output.Flush();
            if (request?.Cmd == "quit") break;
        }
    }

    public void Dispose() => _case?.Dispose();

    private PeerReply Answer(PeerRequest request) => request.Cmd switch
    {
        "describe" => Describe(),
        "prepare" => Prepare(request),
        "run" => Run(request.Times ?? 0),
        "output" => Output(request.Dir ?? throw new ArgumentException("dir must be given")),
        "memory" => new PeerReply { PeakBytes = PeakResidentBytes() },
        "quit" => new PeerReply(),
        _ => throw new ArgumentException($"cmd is '{request.Cmd}', which is no command"),
    };

    private static PeerReply Describe() => new()
    {
        Name = PeerDefinition.ConvNativeName,
        Version = typeof(Conv2d).Assembly.GetName().Version?.ToString(3),
        // Whose folder it ran from is nobody's business in a published report.
        Details = string.Join("; ", ConvNativeInfo.Describe().Replace(AppContext.BaseDirectory, "", StringComparison.Ordinal).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Spaces().Replace(line, " "))),
        Modes = Modes,
        Directions = Enum.GetNames<Direction>(),
    };

    private PeerReply Prepare(PeerRequest request)
    {
        _case?.Dispose();
        _case = null;
        string mode = request.Mode ?? throw new ArgumentException("mode must be given");
        bool packed = mode == PackedMode;
        ConvAlgorithm algorithm = packed ? ConvAlgorithm.Auto : Enum.Parse<ConvAlgorithm>(mode, ignoreCase: true);
        var direction = Enum.Parse<Direction>(request.Dir ?? throw new ArgumentException("dir must be given"));
        if (packed && direction == Direction.BWD_W) return new PeerReply { Supported = false, Reason = "BWD_W reads no weights" };
        ConvProblem problem = (request.Problem ?? throw new ArgumentException("problem must be given")).ToProblem();
        var options = new Conv2dOptions { Algorithm = algorithm, Threads = threads };

        long start = Stopwatch.GetTimestamp();
        Conv2d plan;
        try
        {
            plan = new Conv2d(problem, options);
        }
        catch (NotSupportedException e)
        {
            return new PeerReply { Supported = false, Reason = e.Message };
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        PlanSummary summary = PlanSummary.Of(plan, direction);
        if (summary.Refusal is { } reason)
        {
            plan.Dispose();
            return new PeerReply { Supported = false, Reason = reason };
        }

        _case = new PreparedCase(plan, direction, packed, request.Bias ?? true, request.Data ?? throw new ArgumentException("data must be given"));
        return new PeerReply { Supported = true, Algorithm = summary.Algorithm, PrepareSeconds = seconds, WorkspaceBytes = summary.WorkspaceBytes };
    }

    private PeerReply Run(int times)
    {
        PreparedCase prepared = _case ?? throw new InvalidOperationException("run: nothing is prepared");
        if (times < 1) throw new ArgumentException($"times is {times}; it must be at least 1");
        double[] seconds = new double[times];
        for (int i = 0; i < times; i++)
        {
            long start = Stopwatch.GetTimestamp();
            prepared.Run();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        WaitUntilIdle();
        return new PeerReply { Seconds = seconds };
    }

    private PeerReply Output(string folder) =>
        new() { Files = (_case ?? throw new InvalidOperationException("output: nothing is prepared")).Write(folder) };

    /// <summary>As every peer: the reply waits until no worker thread spins on. Gives up after a second.</summary>
    private static void WaitUntilIdle()
    {
        for (int attempt = 0; attempt < 200; attempt++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            Thread.Sleep(5);
            if (Environment.CpuUsage.TotalTime - before < TimeSpan.FromMilliseconds(0.5)) return;
        }
    }

    private static long PeakResidentBytes()
    {
        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    /// <summary>What the plan's own description says of one direction.</summary>
    private sealed partial record PlanSummary(string? Algorithm, long? WorkspaceBytes, string? Refusal)
    {
        public static PlanSummary Of(Conv2d plan, Direction direction)
        {
            string name = direction switch
            {
                Direction.FWD => "Forward",
                Direction.BWD_D => "BackwardData",
                _ => "BackwardWeights",
            };
            string line = plan.Describe().Split('\n', StringSplitOptions.TrimEntries).First(text => text.StartsWith(name + ":", StringComparison.Ordinal));
            Match match = Line().Match(line);
            if (!match.Success) throw new InvalidOperationException($"Conv2d.Describe gave a line that is not understood: '{line}'");
            string algorithm = match.Groups["algorithm"].Value;
            return algorithm == "none"
                ? new PlanSummary(null, null, line)
                : new PlanSummary(algorithm, long.Parse(match.Groups["bytes"].ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture), null);
        }

        [GeneratedRegex(@"^\w+: (?:(?<algorithm>none)|(?<algorithm>\w+).*workspace (?<bytes>[\d,]+) bytes)")]
        private static partial Regex Line();
    }

    /// <summary>A plan with its tensors.</summary>
    private sealed class PreparedCase : IDisposable
    {
        private readonly Conv2d _plan;
        private readonly Direction _direction;
        private readonly bool _bias;
        private readonly Dictionary<string, Tensor> _tensors = [];
        private readonly PackedWeights? _packed;
        private readonly Action _run;

        public PreparedCase(Conv2d plan, Direction direction, bool packed, bool bias, string folder)
        {
            (_plan, _direction, _bias) = (plan, direction, bias);
            ConvProblem problem = plan.Problem;
            var b = new TensorShape(1, problem.Output.C, 1, 1);
            (string Name, TensorShape Shape, bool Given)[] needed = direction switch
            {
                Direction.FWD => [("x", problem.Input, true), ("w", problem.Weights, true), ("b", b, true), ("y", problem.Output, false)],
                Direction.BWD_D => [("dy", problem.Output, true), ("w", problem.Weights, true), ("dx", problem.Input, false)],
                _ => [("x", problem.Input, true), ("dy", problem.Output, true), ("dw", problem.Weights, false), ("db", b, false)],
            };
            foreach ((string name, TensorShape shape, bool given) in needed)
            {
                var tensor = new Tensor(shape);
                _tensors.Add(name, tensor);
                if (!given) continue;
                using FileStream file = File.OpenRead(Path.Combine(folder, name + ".bin"));
                file.ReadExactly(MemoryMarshal.AsBytes(tensor.Span));
            }

            if (packed) _packed = plan.Pack(_tensors["w"]);
            _run = Bind();
        }

        public void Run() => _run();

        public string[] Write(string folder)
        {
            string[] files = [.. PeerJson.OutputFiles(_direction).Where(file => _bias || file != "db.bin")];
            foreach (string file in files)
                File.WriteAllBytes(Path.Combine(folder, file), MemoryMarshal.AsBytes(_tensors[Path.GetFileNameWithoutExtension(file)].Span));
            return files;
        }

        // Everything is looked up before, so that a timed run is the library's call and no more.
        private Action Bind()
        {
            Tensor? Find(string name) => _tensors.GetValueOrDefault(name);
            (Tensor? x, Tensor? w, Tensor? y, Tensor? dx, Tensor? dw, Tensor? dy) = (Find("x"), Find("w"), Find("y"), Find("dx"), Find("dw"), Find("dy"));
            (Tensor? b, Tensor? db) = _bias ? (Find("b"), Find("db")) : (null, null);
            return _direction switch
            {
                Direction.FWD when _packed is not null => () => _plan.Forward(x!, _packed, b, y!),
                Direction.BWD_D when _packed is not null => () => _plan.BackwardData(dy!, _packed, dx!),
                Direction.FWD => () => _plan.Forward(x!, w!, b, y!),
                Direction.BWD_D => () => _plan.BackwardData(dy!, w!, dx!),
                _ => () => _plan.BackwardWeights(x!, dy!, dw!, db),
            };
        }

        public void Dispose()
        {
            _packed?.Dispose();
            _plan.Dispose();
            foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
        }
    }
}
