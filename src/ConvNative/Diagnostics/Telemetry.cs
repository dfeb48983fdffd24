using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using ConvNative.Algorithms;
using ConvNative.Memory;

namespace ConvNative.Diagnostics;

/// <summary>
/// Where plans and runs are reported: an event source and a meter, made with the first plan (docs/diagnostics.md lists what they
/// carry). With nobody listening a run asks four flags and no more.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    public const string Name = "ConvNative";

    private static readonly Lock Gate = new();
    private static Telemetry? s_current;

    private readonly ConvEventSource _events = new();
    private readonly Meter _meter = new(Name);
    private readonly Counter<long> _plans;
    private readonly Counter<long> _runs;
    private readonly Counter<long> _flops;
    private readonly Histogram<double> _throughput;

    private Telemetry()
    {
        _plans = _meter.CreateCounter<long>("convnative.plans", "{direction}", "Directions planned, by the algorithm chosen.");
        _runs = _meter.CreateCounter<long>("convnative.runs", "{run}", "Runs that ended well.");
        _flops = _meter.CreateCounter<long>("convnative.flops", "{flop}", "Operations of those runs, counted as in direct convolution.");
        _throughput = _meter.CreateHistogram<double>("convnative.throughput", "GFLOP/s", "Operations of a run over its time.");
        _meter.CreateObservableUpDownCounter("convnative.memory", () => AlignedBuffer.LiveBytes, "By", "Unmanaged memory of tensors and workspaces.");
    }

    /// <summary>The process's one, made when it is first asked for.</summary>
    public static Telemetry Current
    {
        get
        {
            if (Volatile.Read(ref s_current) is { } current) return current;
            lock (Gate) return s_current ??= new Telemetry();
        }
    }

    /// <summary>Whether anybody listens to runs.</summary>
    public bool ObservesRuns =>
        _runs.Enabled || _flops.Enabled || _throughput.Enabled || _events.IsEnabled(EventLevel.Informational, EventKeywords.None);

    /// <summary>Ends the event source and the meter; the next use makes new ones.</summary>
    public static void Release()
    {
        lock (Gate)
        {
            s_current?.Dispose();
            s_current = null;
        }
    }

    /// <summary>Reports the algorithm of a direction; null: none.</summary>
    public void Planned(ConvProblem problem, Direction direction, ConvAlgorithm? algorithm)
    {
        if (_plans.Enabled) _plans.Add(1, Tag(direction), Tag(algorithm));
        if (_events.IsEnabled(EventLevel.Informational, EventKeywords.None))
            _events.DirectionPlanned(problem.ToString(), direction.ToString(), NameOf(algorithm));
    }

    /// <summary>Reports a run that ended well.</summary>
    public void Ran(ConvProblem problem, Direction direction, ConvAlgorithm algorithm, TimeSpan time)
    {
        long flops = problem.Flops;
        double gflops = flops / Math.Max(time.TotalNanoseconds, 1);
        _runs.Add(1, Tag(direction), Tag(algorithm));
        _flops.Add(flops, Tag(direction), Tag(algorithm));
        _throughput.Record(gflops, Tag(direction), Tag(algorithm));
        if (_events.IsEnabled(EventLevel.Informational, EventKeywords.None))
            _events.RunCompleted(problem.ToString(), direction.ToString(), algorithm.ToString(), time.TotalMilliseconds, gflops);
    }

    public void Dispose()
    {
        _meter.Dispose();
        _events.Dispose();
    }

    private static KeyValuePair<string, object?> Tag(Direction direction) => new("direction", direction.ToString());

    private static KeyValuePair<string, object?> Tag(ConvAlgorithm? algorithm) => new("algorithm", NameOf(algorithm));

    private static string NameOf(ConvAlgorithm? algorithm) => algorithm?.ToString() ?? "None";
}
