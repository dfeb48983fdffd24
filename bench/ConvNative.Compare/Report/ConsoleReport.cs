using System.Globalization;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Peers;
using Spectre.Console;

namespace ConvNative.Compare.Report;

/// <summary>The figures as tables on the console.</summary>
internal static class ConsoleReport
{
    private const int WorstCases = 10;

    public static void Write(IAnsiConsole console, RunReport report, RunReport? baseline)
    {
        if (report.Cases.Count > 0)
        {
            foreach ((CaseGroup group, IReadOnlyList<CaseReport> cases) in Summary.Groups(report)) WriteCases(console, report, group, cases);
            foreach ((CaseGroup group, IReadOnlyList<CaseReport> cases) in Summary.Groups(report)) WriteTotals(console, report, group, cases);
            WriteRatios(console, report);
            WriteWorst(console, report);
            WriteScaling(console, report);
            WriteExtras(console, report);
            WriteMishaps(console, report);
            if (baseline is not null) WriteBaseline(console, report, baseline);
        }

        WriteMachine(console, report);
        if (report.Interrupted) console.MarkupLine("[yellow]Interrupted: only the cases above were measured.[/]");
    }

    public static void WriteList(IAnsiConsole console, CaseList cases, CompareOptions options, ContestantList contestants)
    {
        foreach (CompareCase one in cases.Layers.SelectMany(layer => CaseList.CasesOf(layer, options)))
            console.WriteLine($"{one.Layer.Network}:{one.Layer.Name} ×{one.Layer.Count} {one.Direction} {one.Descriptor}");
        foreach ((PeerStatus peer, string mode) in contestants.Modes)
            console.WriteLine($"{peer.Definition.Name}/{mode} {peer.Description!.Version} ({string.Join(", ", peer.Description.Directions!)})");
    }

    public static void WriteMissing(IAnsiConsole console, ContestantList contestants)
    {
        foreach (PeerStatus peer in contestants.Peers.Where(peer => peer.Problem is not null))
        {
            console.MarkupLineInterpolated($"[yellow]{peer.Definition.Name} is left out: {peer.Problem}[/]");
            if (peer.Remedy is { } remedy) console.MarkupLineInterpolated($"  to install it: [bold]{remedy}[/]");
        }
    }

    private static void WriteCases(IAnsiConsole console, RunReport report, CaseGroup group, IReadOnlyList<CaseReport> cases)
    {
        Table table = NewTable(group.Title, "layer", "×", "algorithm", "time", "GFLOP/s", "of peak", "of roofline", $"{report.Against} / {report.Subject}", "fastest rival", "its GFLOP/s");
        Roofline roofline = report.RooflineOf(group.Threads);
        foreach (CaseReport one in cases)
        {
            ContestantReport? rival = Summary.FastestRival(one, report.Subject);
            string[] own = one.Of(report.Subject) is { MinSeconds: { } seconds } subject
                ?
                [
                    subject.Algorithm ?? "–", Format.Time(seconds), Format.Gflops(one.Flops, seconds),
                    Format.Percent(one.Flops / seconds / 1e9 / roofline.PeakGflops), Format.Percent(roofline.Seconds(one.Flops, one.CompulsoryBytes) / seconds),
                ]
                : ["–", "–", "–", "–", "–"];
            string ratio = one.Noisy ? "too noisy to tell" : one.Of(report.Against)?.Ratio is { } spread ? Format.Spread(spread) : "–";
            AddRow(table, [one.Layer, Text(one.Count), .. own, ratio, rival?.Contestant ?? "–", rival is null ? "–" : Format.Gflops(one.Flops, rival.MinSeconds!.Value)]);
        }

        console.Write(table);
    }

    private static void WriteTotals(IAnsiConsole console, RunReport report, CaseGroup group, IReadOnlyList<CaseReport> cases)
    {
        double roofline = Summary.RooflineTotal(cases, report.RooflineOf(group.Threads));
        Table table = NewTable($"Total of {group.Title}, layers × occurrence (roofline {Format.Time(roofline)}){(cases.Any(one => one.Noisy) ? ", some too noisy to rank by" : "")}", "contestant", "time", "GFLOP/s", "layers");
        long flops = cases.Sum(one => one.Count * one.Flops);
        foreach (NetworkTotal total in Summary.Totals(cases))
        {
            string layers = total.IsWhole ? "all" : $"{total.Layers} of {total.OfLayers}";
            AddRow(table, [total.Contestant, total.IsWhole ? Format.Time(total.Seconds) : "–", total.IsWhole ? Format.Gflops(flops, total.Seconds) : "–", layers]);
        }

        console.Write(table);
    }

    private static void WriteRatios(IAnsiConsole console, RunReport report)
    {
        Table table = NewTable($"time of contestant / time of {report.Subject}: above 1, {report.Subject} is faster", "contestant", "threads", "direction", "geometric mean", "faster", "even", "slower");
        foreach (RatioSummary row in Summary.RatioSummaries(report))
            AddRow(table, [row.Contestant, Text(row.Threads), row.Direction.ToString(), Format.Ratio(row.GeometricMean), Text(row.Faster), Text(row.Even), Text(row.Slower)]);
        WriteUnlessEmpty(console, table);
        int noisy = report.Cases.Count(one => one.Noisy);
        if (noisy > 0) console.MarkupLineInterpolated($"[yellow]{noisy} of {report.Cases.Count} cases were too noisy to tell and rank nobody.[/]");
    }

    private static void WriteWorst(IAnsiConsole console, RunReport report)
    {
        Table table = NewTable($"Worst of {report.Subject} against {report.Against}", "ratio", "layer", "to run it again");
        foreach (CaseReport one in Summary.Worst(report, WorstCases))
            AddRow(table, [Format.Spread(one.Of(report.Against)!.Ratio!), $"{one.Network}:{one.Layer}", Summary.Reproduction(one)]);
        WriteUnlessEmpty(console, table);
    }

    private static void WriteScaling(IAnsiConsole console, RunReport report)
    {
        Table table = NewTable("Speedup by threads (median over cases, and quartiles)", "contestant", "threads", "direction", "speedup", "FMA peak's own");
        foreach (ScalingSummary row in Summary.Scaling(report))
        {
            double machine = report.RooflineOf(row.Threads).PeakGflops / report.RooflineOf(1).PeakGflops;
            AddRow(table, [row.Contestant, Text(row.Threads), row.Direction.ToString(), Format.Spread(row.Speedup), Format.Ratio(machine)]);
        }

        WriteUnlessEmpty(console, table);
    }

    private static void WriteExtras(IAnsiConsole console, RunReport report)
    {
        foreach (var series in report.Cases.Where(one => ExtraCases.Contains(one.Network)).GroupBy(one => (one.Network, one.Direction, one.Threads)))
        {
            string[] contestants = [.. series.SelectMany(one => one.Results).Where(result => result.IsTimed).Select(result => result.Contestant).Distinct()];
            string unit = series.Key.Network == ExtraCases.Overhead ? "time of a call" : "time, and per operation as a multiple of the first row";
            Table table = NewTable($"{series.Key.Network}, {series.Key.Direction}, {Summary.ThreadsText(series.Key.Threads)}: {unit}", ["case", .. contestants]);
            CaseReport first = series.First();
            foreach (CaseReport one in series) AddRow(table, [one.Layer, .. contestants.Select(contestant => Growth(first, one, contestant))]);
            console.Write(table);
        }
    }

    private static string Growth(CaseReport first, CaseReport one, string contestant) => (first.Of(contestant)?.MinSeconds, one.Of(contestant)?.MinSeconds) switch
    {
        (_, null) => "–",
        (_, { } seconds) when ReferenceEquals(first, one) => Format.Time(seconds),
        (null, { } seconds) => Format.Time(seconds),
        ({ } start, { } seconds) => $"{Format.Time(seconds)} ({Format.Ratio(seconds / one.Flops / (start / first.Flops))})",
    };

    private static void WriteMishaps(IAnsiConsole console, RunReport report)
    {
        Table table = NewTable("Wrong answers and failures", "contestant", "what", "cases", "to run the first again");
        foreach (Mishap mishap in Summary.Mishaps(report))
            AddRow(table, [mishap.Contestant, mishap.What, Text(mishap.Cases), Summary.Reproduction(mishap.First)]);
        WriteUnlessEmpty(console, table);
    }

    private static void WriteBaseline(IAnsiConsole console, RunReport report, RunReport baseline)
    {
        Table table = NewTable($"Against the run of {baseline.Started:yyyy-MM-dd HH:mm} (above 1: faster now)", "contestant", "threads", "direction", "geometric mean", "cases");
        foreach ((string contestant, int threads, Direction direction, double speedup, int cases) in BaselineComparison.Means(BaselineComparison.Rows(report, baseline)))
            AddRow(table, [contestant, Text(threads), direction.ToString(), Format.Ratio(speedup), Text(cases)]);
        console.Write(table);
        console.WriteLine("Two runs are two moments of the machine: a change no larger than that of the unchanged contestants means nothing.");
    }

    private static void WriteMachine(IAnsiConsole console, RunReport report)
    {
        console.WriteLine(report.Machine);
        foreach (MachineReport limit in report.Limits)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Summary.ThreadsText(limit.Threads)}: FMA peak {limit.PeakBefore:0.0} GFLOP/s before, {limit.PeakAfter:0.0} after; copy {limit.CopyBefore:0.0} GB/s before, {limit.CopyAfter:0.0} after"));
        }
    }

    private static Table NewTable(string title, params string[] columns)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach ((int index, string column) in columns.Index())
        {
            var header = new TableColumn(Markup.Escape(column));
            bool isNumber = index > 0 && column is not ("contestant" or "algorithm" or "fastest rival" or "layer" or "direction" or "what" or "to run it again" or "to run the first again");
            table.AddColumn(isNumber ? header.RightAligned() : header);
        }

        return table;
    }

    private static void AddRow(Table table, string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    private static void WriteUnlessEmpty(IAnsiConsole console, Table table)
    {
        if (table.Rows.Count > 0) console.Write(table);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
