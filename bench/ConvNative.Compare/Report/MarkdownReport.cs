using System.Globalization;
using System.Text;

namespace ConvNative.Compare.Report;

/// <summary>The figures as Markdown tables, to be kept beside the code: what ran, means, whole networks, the worst cases, every layer.</summary>
internal static class MarkdownReport
{
    private const int WorstCases = 10;

    public static string Render(RunReport report)
    {
        var page = new StringBuilder();
        WriteRun(page, report);
        WriteRatios(page, report);
        WriteNetworkMeans(page, report);
        WriteTotals(page, report);
        WriteWorst(page, report);
        WriteScaling(page, report);
        foreach ((CaseGroup group, IReadOnlyList<CaseReport> cases) in Summary.Groups(report)) WriteLayers(page, report, group, cases);
        return page.ToString();
    }

    private static void WriteRun(StringBuilder page, RunReport report)
    {
        Line(page, $"`{report.Command}`");
        Line(page, $"");
        string interrupted = report.Interrupted ? ", interrupted" : "";
        Line(page, $"{report.Started:yyyy-MM-dd}, {report.Cases.Count} cases{interrupted}, {report.Cases.Count(one => one.Noisy)} of them noisy (≈): their figures are shown and rank nobody. {report.Machine}.");
        foreach (var limit in report.Limits)
        {
            var roof = report.RooflineOf(limit.Threads);
            Line(page, $"{Summary.ThreadsText(limit.Threads)}: FMA peak {roof.PeakGflops:0} GFLOP/s, copy {roof.CopyGBs:0} GB/s.");
        }

        Line(page, $"Peers: {string.Join(", ", report.Peers.Where(peer => peer.Version is not null).Select(peer => $"{peer.Name} {peer.Version}"))}.");
    }

    private static void WriteRatios(StringBuilder page, RunReport report)
    {
        Heading(page, $"Time of a contestant / time of {report.Subject}: geometric means, above 1 {report.Subject} is faster");
        Table(page, ["contestant", "threads", "direction", "geometric mean", "faster", "even", "slower"], 3, Summary.RatioSummaries(report).Select(row => (string[])
            [row.Contestant, N(row.Threads), row.Direction.ToString(), Format.Ratio(row.GeometricMean), N(row.Faster), N(row.Even), N(row.Slower)]));
    }

    private static void WriteNetworkMeans(StringBuilder page, RunReport report)
    {
        Heading(page, $"Geometric means of minimum time of a contestant / of {report.Subject}, each layer as often as it occurs, noisy ones too");
        string[] names = [.. Summary.TimedContestants(report).Where(name => name != report.Subject)];
        Table(page, ["network", "batch", "threads", "direction", .. names], 1, Summary.NetworkMeans(report)
            .GroupBy(mean => (mean.Network, mean.Batch, mean.Threads, mean.Direction))
            .Select(row =>
            {
                var means = row.ToDictionary(mean => mean.Contestant, mean => Format.Ratio(mean.Ratio));
                return (string[])[row.Key.Network, N(row.Key.Batch!.Value), N(row.Key.Threads), row.Key.Direction.ToString(), .. names.Select(name => means.GetValueOrDefault(name, "–"))];
            }));
    }

    private static void WriteTotals(StringBuilder page, RunReport report)
    {
        Heading(page, "Whole networks: Σ minimum time × occurrence");
        IReadOnlyList<string> names = Summary.TimedContestants(report);
        Table(page, ["network", "roofline", .. names], 1, Summary.Groups(report).Select(pair =>
        {
            var totals = Summary.Totals(pair.Cases).Where(total => total.IsWhole).ToDictionary(total => total.Contestant, total => Format.Time(total.Seconds));
            string roofline = Format.Time(Summary.RooflineTotal(pair.Cases, report.RooflineOf(pair.Group.Threads)));
            return (string[])[pair.Group.Title, roofline, .. names.Select(name => totals.GetValueOrDefault(name, "–"))];
        }));
    }

    private static void WriteWorst(StringBuilder page, RunReport report)
    {
        Heading(page, $"Worst of {report.Subject} against {report.Against}");
        Table(page, ["layer", "to run it again", "ratio"], 2, Summary.Worst(report, WorstCases).Select(one => (string[])
            [$"{one.Network}:{one.Layer}", $"`{Summary.Reproduction(one)}`", Format.Spread(one.Of(report.Against)!.Ratio!)]));
    }

    private static void WriteScaling(StringBuilder page, RunReport report)
    {
        if (Summary.Scaling(report) is not { Count: > 0 } scaling) return;
        Heading(page, "Speedup over one thread, median and quartiles over the cases");
        Table(page, ["contestant", "threads", "direction", "speedup", "FMA loops"], 3, scaling.Select(row => (string[])
            [row.Contestant, N(row.Threads), row.Direction.ToString(), Format.Spread(row.Speedup), Format.Ratio(report.RooflineOf(row.Threads).PeakGflops / report.RooflineOf(1).PeakGflops)]));
    }

    private static void WriteLayers(StringBuilder page, RunReport report, CaseGroup group, IReadOnlyList<CaseReport> cases)
    {
        string[] names = [.. cases.SelectMany(one => one.Results).Where(result => result.IsTimed).Select(result => result.Contestant).Distinct()];
        Heading(page, $"{group.Title}, GFLOP/s");
        Table(page, ["layer", "algorithm", .. names], 2, cases.Select(one => (string[])
        [
            $"{one.Layer}{(one.Count > 1 ? $" ×{N(one.Count)}" : "")}{(one.Noisy ? " ≈" : "")}",
            one.Of(report.Subject)?.Algorithm ?? "–",
            .. names.Select(name => one.Of(name)?.MinSeconds is { } seconds ? Format.Gflops(one.Flops, seconds) : "–"),
        ]));
    }

    private static void Heading(StringBuilder page, string text) => Line(page, $"\n### {text}\n");

    /// <param name="page">Where to.</param>
    /// <param name="headings">Of the columns.</param>
    /// <param name="words">How many columns from the left hold words; the others hold numbers.</param>
    /// <param name="rows">A cell per column.</param>
    private static void Table(StringBuilder page, string[] headings, int words, IEnumerable<string[]> rows)
    {
        Line(page, $"| {string.Join(" | ", headings)} |");
        Line(page, $"| {string.Join(" | ", headings.Select((_, column) => column < words ? "---" : "---:"))} |");
        foreach (string[] row in rows) Line(page, $"| {string.Join(" | ", row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |");
    }

    private static void Line(StringBuilder page, FormattableString text) => page.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string N(int number) => number.ToString(CultureInfo.InvariantCulture);
}
