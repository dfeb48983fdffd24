using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Measurement;

namespace ConvNative.Compare.Report;

/// <summary>One network at one batch, direction and number of threads.</summary>
internal sealed record CaseGroup(string Network, int Batch, int Threads, Direction Direction)
{
    public string Title => $"{Network}, batch {Batch}, {Direction}, {Summary.ThreadsText(Threads)}";
}

/// <summary>Time of a contestant for a whole network: Σ count · minimum.</summary>
/// <param name="Contestant">Whose.</param>
/// <param name="Seconds">The sum over the layers that were timed.</param>
/// <param name="Layers">How many were timed.</param>
/// <param name="OfLayers">How many there are; the sum is a total only if all were.</param>
internal sealed record NetworkTotal(string Contestant, double Seconds, int Layers, int OfLayers)
{
    public bool IsWhole => Layers == OfLayers;
}

/// <summary>The ratios of one contestant to the subject over many cases.</summary>
/// <param name="GeometricMean">Of the medians: above 1 the subject is faster.</param>
/// <param name="Faster">Cases in which the subject is faster, by more than the spread.</param>
/// <param name="Even">Cases in which the quartiles of the ratio lie on both sides of 1.</param>
/// <param name="Slower">Cases in which the subject is slower, by more than the spread.</param>
internal sealed record RatioSummary(string Contestant, int Threads, Direction Direction, double GeometricMean, int Faster, int Even, int Slower);

/// <summary>How many times as long as the subject a contestant takes for a network's layers.</summary>
/// <param name="Network">Its name; <see cref="Summary.AllNetworks"/>: the layers of all.</param>
/// <param name="Batch">Null: the layers at every batch.</param>
/// <param name="Ratio">The geometric mean of the ratios of minimum times, each layer as often as it occurs; above 1 the subject is faster.</param>
internal sealed record NetworkMean(string Network, int? Batch, int Threads, Direction Direction, string Contestant, double Ratio);

/// <summary>How much faster a contestant is with more threads.</summary>
internal sealed record ScalingSummary(string Contestant, int Threads, Direction Direction, Spread Speedup, int Cases);

/// <summary>What went wrong with a contestant, in how many cases, and the first of them.</summary>
internal sealed record Mishap(string Contestant, string What, int Cases, CaseReport First);

/// <summary>Figures formed from the cases of a run. Noisy cases rank nobody; extra cases belong to no network.</summary>
internal static class Summary
{
    public const string AllNetworks = "all";

    public static string ThreadsText(int threads) => threads == 1 ? "1 thread" : $"{threads} threads";

    public static string Reproduction(CaseReport one) =>
        $"./build.sh compare --case '{one.Descriptor}' --dir {one.Direction} --threads {one.Threads}";

    public static IEnumerable<CaseReport> NetworkCases(RunReport report) => report.Cases.Where(one => !ExtraCases.Contains(one.Network));

    public static IEnumerable<(CaseGroup Group, IReadOnlyList<CaseReport> Cases)> Groups(RunReport report) => NetworkCases(report)
        .GroupBy(one => new CaseGroup(one.Network, one.Batch, one.Threads, one.Direction))
        .Select(group => (group.Key, (IReadOnlyList<CaseReport>)[.. group]));

    /// <summary>Contestants that were timed at least once.</summary>
    public static IReadOnlyList<string> TimedContestants(RunReport report) =>
        [.. report.Cases.SelectMany(one => one.Results).Where(result => result.IsTimed).Select(result => result.Contestant).Distinct()];

    public static IReadOnlyList<NetworkTotal> Totals(IReadOnlyList<CaseReport> cases) =>
    [
        .. cases.SelectMany(one => one.Results.Where(result => result.IsTimed).Select(result => (one.Count, Result: result)))
            .GroupBy(pair => pair.Result.Contestant)
            .Select(own => new NetworkTotal(own.Key, own.Sum(pair => pair.Count * pair.Result.MinSeconds!.Value), own.Count(), cases.Count))
            .OrderByDescending(total => total.IsWhole).ThenBy(total => total.Seconds),
    ];

    /// <summary>
    /// For each network, and for all, the mean of each contestant. Noisy layers count: without them it would be another network's mean.
    /// </summary>
    public static IReadOnlyList<NetworkMean> NetworkMeans(RunReport report, bool byBatch = true) =>
    [
        .. NetworkCases(report).SelectMany(one => (CaseReport[])[one with { Network = AllNetworks }, one])
            .GroupBy(one => (one.Network, Batch: byBatch ? one.Batch : (int?)null, one.Threads, one.Direction))
            .OrderBy(group => group.Key.Network != AllNetworks)
            .SelectMany(group => group.SelectMany(one => Ratios(report, one)).GroupBy(row => row.Contestant).Select(own => new NetworkMean(
                group.Key.Network, group.Key.Batch, group.Key.Threads, group.Key.Direction, own.Key,
                Math.Exp(own.Sum(row => row.Count * Math.Log(row.Ratio)) / own.Sum(row => row.Count))))),
    ];

    public static double RooflineTotal(IReadOnlyList<CaseReport> cases, Roofline roofline) =>
        cases.Sum(one => one.Count * roofline.Seconds(one.Flops, one.CompulsoryBytes));

    public static IReadOnlyList<RatioSummary> RatioSummaries(RunReport report) =>
    [
        .. Ranked(report).SelectMany(one => one.Results.Where(result => result.Contestant != report.Subject && result.Ratio is not null)
                .Select(result => (one.Threads, one.Direction, result.Contestant, Ratio: result.Ratio!)))
            .GroupBy(row => (row.Contestant, row.Threads, row.Direction))
            .Select(own => new RatioSummary(
                own.Key.Contestant, own.Key.Threads, own.Key.Direction,
                Statistics.GeometricMean([.. own.Select(row => row.Ratio.Median)]),
                own.Count(row => row.Ratio.LowerQuartile > 1),
                own.Count(row => row.Ratio is { LowerQuartile: <= 1, UpperQuartile: >= 1 }),
                own.Count(row => row.Ratio.UpperQuartile < 1)))
            .OrderBy(row => row.Threads).ThenBy(row => row.Direction),
    ];

    /// <summary>The cases that the subject does worst in against the chosen rival, worst first.</summary>
    public static IReadOnlyList<CaseReport> Worst(RunReport report, int count) =>
    [
        .. Ranked(report).Where(one => one.Of(report.Against)?.Ratio is not null)
            .OrderBy(one => one.Of(report.Against)!.Ratio!.Median).Take(count),
    ];

    /// <summary>The fastest contestant with a checked result, ConvNative's own modes aside.</summary>
    public static ContestantReport? FastestRival(CaseReport one, string subject) =>
        one.Results.Where(result => result.IsTimed && result.Outcome == Outcome.Measured && PeerOf(result.Contestant) != PeerOf(subject))
            .MinBy(result => result.MinSeconds);

    public static string PeerOf(string contestant) => contestant.Split('/')[0];

    /// <summary>The median over the cases of time at one thread / time at so many.</summary>
    public static IReadOnlyList<ScalingSummary> Scaling(RunReport report)
    {
        Dictionary<(string, Direction, string), double> single = report.Cases.Where(one => one is { Threads: 1, Noisy: false })
            .SelectMany(one => Keys(one)).DistinctBy(pair => pair.Key).ToDictionary(pair => pair.Key, pair => pair.Seconds);
        return
        [
            .. report.Cases.Where(one => one is { Threads: > 1, Noisy: false } && one.Network != ExtraCases.Overhead)
                .SelectMany(one => Keys(one).Select(pair => (one.Threads, pair.Key, pair.Seconds)))
                .Where(row => single.ContainsKey(row.Key))
                .GroupBy(row => (Contestant: row.Key.Item3, row.Threads, Direction: row.Key.Item2))
                .Select(own => new ScalingSummary(
                    own.Key.Contestant, own.Key.Threads, own.Key.Direction, Spread.Of([.. own.Select(row => single[row.Key] / row.Seconds)]), own.Count())),
        ];
    }

    /// <summary>Wrong answers and failures; one row for those of a contestant that say the same.</summary>
    public static IReadOnlyList<Mishap> Mishaps(RunReport report) =>
    [
        .. report.Cases.SelectMany(one => one.Results.Where(result => result.Outcome is Outcome.Wrong or Outcome.Failed).Select(result => (one, result)))
            .GroupBy(row => (row.result.Contestant, row.result.Outcome, row.result.Message))
            .Select(same => new Mishap(same.Key.Contestant, $"{same.Key.Outcome}: {same.Key.Message}", same.Count(), same.First().one)),
    ];

    private static IEnumerable<CaseReport> Ranked(RunReport report) => NetworkCases(report).Where(one => !one.Noisy);

    private static IEnumerable<(string Contestant, int Count, double Ratio)> Ratios(RunReport report, CaseReport one) =>
        one.Of(report.Subject)?.MinSeconds is { } own
            ? one.Results.Where(result => result.IsTimed && result.Contestant != report.Subject).Select(result => (result.Contestant, one.Count, result.MinSeconds!.Value / own))
            : [];

    private static IEnumerable<((string, Direction, string) Key, double Seconds)> Keys(CaseReport one) =>
        one.Results.Where(result => result.IsTimed).Select(result => ((one.Descriptor, one.Direction, result.Contestant), result.MinSeconds!.Value));
}
