using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Text.RegularExpressions;
using ConvNative.Algorithms;
using ConvNative.Diagnostics;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Diagnostics;

/// <summary>What a listener gets to see of plans and runs, and the lines of CONVNATIVE_VERBOSE.</summary>
internal sealed partial class TelemetryTests
{
    private static readonly ConvProblem Problem = ConvProblem.Parse("mb1ic3ih7oc5oh7kh3ph1n\"telemetry\"");

    [Test]
    public void Events_tell_the_algorithm_of_each_direction_and_the_time_of_each_run()
    {
        using var listener = new Recorder();
        using Conv2d conv = RunAll(ConvAlgorithm.ImplicitGemm);
        string[] planned = [.. listener.Of("DirectionPlanned").Select(e => $"{e[1]} {e[2]}")];
        Assert.That(planned, Is.EqualTo(new[] { "Forward ImplicitGemm", "BackwardData ImplicitGemm", "BackwardWeights ImplicitGemm" }));
        object?[][] runs = [.. listener.Of("RunCompleted")];
        Assert.That(runs.Select(e => $"{e[1]} {e[2]}"), Is.EqualTo(planned));
        foreach (object?[] run in runs)
        {
            var (milliseconds, gflops) = ((double)run[3]!, (double)run[4]!);
            Assert.That(milliseconds, Is.Positive);
            Assert.That(gflops * milliseconds * 1e6, Is.EqualTo((double)Problem.Flops).Within(1e-6).Percent);
        }
    }

    [Test]
    public void A_refused_direction_is_planned_with_no_algorithm()
    {
        using var listener = new Recorder();
        ConvProblem problem = ConvProblem.Parse("mb1ic3ih7oc5oh7kh5ph2n\"telemetry of a refusal\"");
        using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Direct, ForcedIsa = Isa.Avx2 });
        Assert.That(listener.Of("DirectionPlanned", problem).Select(e => e[2]), Is.EqualTo(new[] { "Direct", "Direct", "None" }));
    }

    [Test]
    public void The_meter_counts_plans_runs_and_operations_by_direction_and_algorithm_and_tells_the_live_memory()
    {
        var counts = new Dictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == Telemetry.Name) self.EnableMeasurementEvents(instrument);
            },
        };
        void Count(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string name = string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}").Prepend(instrument.Name));
            counts[name] = counts.GetValueOrDefault(name) + value;
        }

        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.Start();
        using Conv2d conv = RunAll(ConvAlgorithm.Im2ColGemm);
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            string tags = $"direction={direction} algorithm=Im2ColGemm";
            Assert.That(counts[$"convnative.plans {tags}"], Is.EqualTo(1));
            Assert.That(counts[$"convnative.runs {tags}"], Is.EqualTo(1));
            Assert.That(counts[$"convnative.flops {tags}"], Is.EqualTo(Problem.Flops));
            Assert.That(counts[$"convnative.throughput {tags}"], Is.Positive);
        }

        using var held = new Tensor(1, 1, 1, 1000);
        listener.RecordObservableInstruments();
        Assert.That(counts["convnative.memory"], Is.EqualTo(ConvNativeInfo.LiveBytes).And.GreaterThanOrEqualTo(4000));
    }

    [Test]
    public void Releasing_resources_ends_the_event_source_and_the_next_plan_makes_another()
    {
        using Conv2d before = RunAll(ConvAlgorithm.Auto);
        Assert.That(Sources(), Is.EqualTo(1));
        ConvNativeInfo.ReleaseResources();
        Assert.That(Sources(), Is.Zero);
        Events_tell_the_algorithm_of_each_direction_and_the_time_of_each_run();
        Assert.That(Sources(), Is.EqualTo(1));
    }

    [TestCase(null)]
    [TestCase("0")]
    public void Nothing_is_written_unless_asked_for(string? value)
    {
        ChildProcess.Result result = ChildProcess.Run(["convolve"], (VerboseLog.Variable, value));
        Assert.That(result.ExitCode, Is.Zero, result.Errors);
        Assert.That(result.Errors, Is.Empty);
    }

    [Test]
    public void A_verbose_line_measures_the_same_run_again()
    {
        ChildProcess.Result result = ChildProcess.Run(["convolve"], (VerboseLog.Variable, "1"));
        Assert.That(result.ExitCode, Is.Zero, result.Errors);
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Match[] matches = [.. lines.Select(line => VerboseLine().Match(line))];
        Assert.That(matches, Has.Length.EqualTo(4).And.All.Property(nameof(Match.Success)).True, result.Errors);
        Assert.That(matches.Select(match => match.Groups["dir"].Value), Is.EqualTo(new[] { "FWD", "BWD_D", "BWD_W", "FWD" }));
        Assert.That(matches[3].Groups["algorithm"].Value, Is.EqualTo("Im2ColGemm"));
        foreach (Match match in matches)
        {
            Assert.That(ConvProblem.Parse(match.Groups["case"].Value).ToString(), Is.EqualTo(ConvProblem.Parse("mb1ic3ih8oc4oh8kh3ph1").ToString()));
            Assert.That(double.Parse(match.Groups["ms"].Value, CultureInfo.InvariantCulture), Is.Positive);
            Assert.That(match.Groups["mode"].Value, Is.EqualTo(match.Groups["algorithm"].Value.ToLowerInvariant()));
        }
    }

    [Test]
    public void A_line_has_no_name_that_a_shell_could_take_apart()
    {
        ConvProblem named = Problem with { Name = "it's; rm\n" };
        string line = VerboseLog.Line(named, Direction.BackwardData, ConvAlgorithm.Direct, 3, packed: true, TimeSpan.FromMicroseconds(12.3));
        Assert.That(line, Is.EqualTo(
            "convnative: Direct 0.0123 ms: --case mb1ic3ih7iw7oc5oh7ow7kh3kw3sh1sw1ph1pw1dh0dw0 --dir BWD_D --threads 3 --peers convnative/packed"));
    }

    [Test]
    public void Another_value_of_the_variable_is_named()
    {
        ChildProcess.Result result = ChildProcess.Run(["convolve"], (VerboseLog.Variable, "yes"));
        Assert.That(result.ExitCode, Is.Not.Zero);
        Assert.That(result.Errors, Does.Contain("CONVNATIVE_VERBOSE is 'yes'; it must be 0 or 1."));
    }

    private static int Sources() => EventSource.GetSources().Count(source => source.Name == Telemetry.Name);

    private static Conv2d RunAll(ConvAlgorithm algorithm)
    {
        var conv = new Conv2d(Problem, new Conv2dOptions { Algorithm = algorithm, Threads = 1 });
        using Tensor x = Tensors.Random(Problem.Input, 1), w = Tensors.Random(Problem.Weights, 2), y = new(Problem.Output);
        conv.Forward(x, w, null, y);
        conv.BackwardData(y, w, x);
        conv.BackwardWeights(x, y, w, null);
        return conv;
    }

    [GeneratedRegex(@"^convnative: (?<algorithm>\w+) (?<ms>[\d.]+) ms: --case (?<case>\w+) --dir (?<dir>\w+) --threads \d+ --peers convnative/(?<mode>\w+)$")]
    private static partial Regex VerboseLine();

    /// <summary>Keeps the events about <see cref="Problem"/>.</summary>
    private sealed class Recorder : EventListener
    {
        private readonly List<EventWrittenEventArgs> _events = [];

        public IEnumerable<object?[]> Of(string name, ConvProblem? problem = null) =>
            from e in _events where e.EventName == name && Equals(e.Payload![0], (problem ?? Problem).ToString()) select e.Payload!.ToArray();

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == Telemetry.Name) EnableEvents(eventSource, EventLevel.Informational, EventKeywords.All);
        }

        // The base class calls it for what others write, too: before this object's fields are set.
        protected override void OnEventWritten(EventWrittenEventArgs eventData) => _events?.Add(eventData);
    }
}
