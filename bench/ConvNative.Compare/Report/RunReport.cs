using System.Text.Json;
using System.Text.Json.Serialization;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Measurement;

namespace ConvNative.Compare.Report;

/// <summary>Everything that a run found: what --json writes, --baseline reads, and both reports show.</summary>
internal sealed record RunReport
{
    public required string Command { get; init; }
    public required DateTimeOffset Started { get; init; }
    public DateTimeOffset Finished { get; set; }
    public bool Interrupted { get; set; }
    public required string Machine { get; init; }

    /// <summary>The contestant that all ratios are formed with: ratio = time(other)/time(subject).</summary>
    public required string Subject { get; init; }

    /// <summary>The contestant that the subject is ranked against.</summary>
    public required string Against { get; init; }

    public required MeasureOptions Options { get; init; }
    public List<PeerReport> Peers { get; init; } = [];
    public List<MachineReport> Limits { get; init; } = [];
    public List<CaseReport> Cases { get; init; } = [];

    /// <summary>The best that the machine showed: before, after, or between any two turns.</summary>
    public Roofline RooflineOf(int threads)
    {
        MachineReport limit = Limits.First(limit => limit.Threads == threads);
        double within = Cases.Where(one => one.Threads == threads).Select(one => one.BestPeak).DefaultIfEmpty(0).Max();
        double peak = Math.Max(within, Math.Max(limit.PeakBefore, limit.PeakAfter ?? 0));
        return new Roofline(threads, peak, Math.Max(limit.CopyBefore, limit.CopyAfter ?? 0));
    }

    /// <exception cref="InvalidDataException">The file is no report.</exception>
    public static RunReport Load(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), ReportJson.Default.RunReport) ?? throw new InvalidDataException($"{path}: is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: is no report of this tool: {e.Message}", e);
        }
    }

    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, ReportJson.Default.RunReport) + "\n");
}

/// <param name="Name">The peer.</param>
/// <param name="Version">Of its library; null if it was left out.</param>
/// <param name="Details">Free text; null if it was left out.</param>
/// <param name="Problem">Why it was left out.</param>
/// <param name="Remedy">The command that installs it.</param>
internal sealed record PeerReport(string Name, string? Version, string? Details, string? Problem, string? Remedy);

/// <summary>The machine's limits at a number of threads, before and after the cases: GFLOP/s and GB/s.</summary>
internal sealed record MachineReport(int Threads, double PeakBefore, double CopyBefore)
{
    public double? PeakAfter { get; set; }
    public double? CopyAfter { get; set; }
}

/// <summary>One case at one number of threads.</summary>
internal sealed record CaseReport
{
    public required string Network { get; init; }
    public required string Layer { get; init; }
    public required int Count { get; init; }
    public required string Descriptor { get; init; }
    public required int Batch { get; init; }
    public required Direction Direction { get; init; }
    public required int Threads { get; init; }
    public required long Flops { get; init; }
    public required long CompulsoryBytes { get; init; }

    /// <summary>Rounds that were run.</summary>
    public required int Rounds { get; init; }

    /// <summary>Too few rounds were undisturbed: the figures are shown but rank nobody.</summary>
    public required bool Noisy { get; init; }

    /// <summary>The highest FMA peak between the turns, in GFLOP/s.</summary>
    public required double BestPeak { get; init; }

    /// <summary>The lowest FMA peak between the turns as a share of the highest.</summary>
    public required double LowestPeakShare { get; init; }

    public required List<ContestantReport> Results { get; init; }

    public ContestantReport? Of(string contestant) => Results.Find(result => result.Contestant == contestant);
}

internal enum Outcome
{
    /// <summary>Right and timed.</summary>
    Measured,

    /// <summary>Timed, but its result is no convolution: a bound, never a winner.</summary>
    Bound,

    /// <summary>It cannot do the case.</summary>
    Unsupported,

    /// <summary>Its answer was wrong; not timed.</summary>
    Wrong,

    /// <summary>It died, hung or refused.</summary>
    Failed,
}

/// <summary>One contestant in one case. Times are null unless it was timed.</summary>
internal sealed record ContestantReport(string Contestant)
{
    public Outcome Outcome { get; init; }
    public string? Message { get; init; }
    public string? Algorithm { get; init; }
    public double? PrepareSeconds { get; init; }
    public long? WorkspaceBytes { get; init; }

    /// <summary>Peak resident memory of the whole process while it prepared and first ran the case.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>The largest error found, as a share of what float32 allows.</summary>
    public double? ErrorShare { get; init; }

    public int Calls { get; init; }
    public int QuietRounds { get; init; }
    /// <summary>Over the undisturbed turns; over all where there is none (QuietRounds 0), and then there is no ratio.</summary>
    public double? MinSeconds { get; init; }
    public double? LowerQuartileSeconds { get; init; }
    public double? MedianSeconds { get; init; }

    /// <summary>time(this)/time(subject) within rounds: above 1 the subject is faster.</summary>
    public Spread? Ratio { get; init; }

    [JsonIgnore]
    public bool IsTimed => MinSeconds is not null;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
