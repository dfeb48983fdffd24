using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;

namespace ConvNative.Compare.Report;

/// <summary>A case and contestant that an earlier run had too. Above 1: faster now.</summary>
internal sealed record BaselineRow(CaseReport Case, string Contestant, double EarlierSeconds, double Seconds)
{
    public double Speedup => EarlierSeconds / Seconds;
}

/// <summary>
/// An earlier run beside this one. The runs had different moments, so the machine's own change is shown with it: a speedup no
/// larger than that of the contestants that did not change means nothing.
/// </summary>
internal static class BaselineComparison
{
    public static IReadOnlyList<BaselineRow> Rows(RunReport now, RunReport earlier)
    {
        var known = earlier.Cases
            .SelectMany(one => one.Results.Where(result => result.IsTimed).Select(result => (Key: Key(one, result), result.MinSeconds!.Value)))
            .DistinctBy(pair => pair.Key).ToDictionary(pair => pair.Key, pair => pair.Value);
        return
        [
            .. now.Cases.SelectMany(one => one.Results.Where(result => result.IsTimed && known.ContainsKey(Key(one, result)))
                .Select(result => new BaselineRow(one, result.Contestant, known[Key(one, result)], result.MinSeconds!.Value))),
        ];
    }

    /// <summary>Geometric mean of the speedups per contestant, direction and threads.</summary>
    public static IReadOnlyList<(string Contestant, int Threads, Direction Direction, double Speedup, int Cases)> Means(IReadOnlyList<BaselineRow> rows) =>
    [
        .. rows.GroupBy(row => (row.Contestant, row.Case.Threads, row.Case.Direction))
            .Select(own => (own.Key.Contestant, own.Key.Threads, own.Key.Direction, Statistics.GeometricMean([.. own.Select(row => row.Speedup)]), own.Count())),
    ];

    private static (string, Direction, int, string) Key(CaseReport one, ContestantReport result) =>
        (one.Descriptor, one.Direction, one.Threads, result.Contestant);
}
