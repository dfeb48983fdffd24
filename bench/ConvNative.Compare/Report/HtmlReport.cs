using System.Globalization;
using System.Net;
using System.Text;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Peers;

namespace ConvNative.Compare.Report;

/// <summary>The figures as one HTML file that needs no other file.</summary>
internal sealed class HtmlReport
{
    private const int WorstCases = 10;

    private readonly StringBuilder _page = new();
    private readonly RunReport _report;
    private readonly IReadOnlyList<string> _contestants;
    private readonly IReadOnlyList<string> _shown;
    private readonly Plots _plots;

    private HtmlReport(RunReport report)
    {
        _report = report;
        IReadOnlyList<string> timed = Summary.TimedContestants(report);
        // ConvNative's single algorithms and the slow numpy would hide the others; tables have them all.
        _shown = [.. timed.Where(name => name == report.Subject || name == report.Against || (!IsOwn(name) && Summary.PeerOf(name) != "numpy")).OrderBy(name => name != report.Subject)];
        _contestants = [.. _shown, .. timed.Except(_shown)];
        _plots = new Plots(report, _contestants);
    }

    public static string Render(RunReport report, RunReport? baseline)
    {
        var html = new HtmlReport(report);
        html.Page(baseline);
        return html._page.ToString();
    }

    private static bool IsOwn(string contestant) => Summary.PeerOf(contestant) == PeerDefinition.ConvNativeName;

    private void Page(RunReport? baseline)
    {
        Raw($"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>ConvNative side by side</title><style>{StyleSheet.Text}</style></head><body>");
        Header();
        Tiles();
        if (_report.Cases.Count > 0)
        {
            RatioSection();
            TotalsSection();
            WorstSection();
            RooflineSection();
            LayerSection();
            ScalingSection();
            ExtrasSection();
            if (baseline is not null) BaselineSection(baseline);
            MishapSection();
        }

        MethodSection();
        PeersSection();
        Raw($"</body></html>");
    }

    private void Header()
    {
        Raw($"<h1>ConvNative side by side</h1>");
        Raw($"<p>{Text(_report.Machine)}<br><span class=\"muted\">{_report.Started:yyyy-MM-dd HH:mm} to {_report.Finished:HH:mm}, {_report.Cases.Count} cases{(_report.Interrupted ? ", interrupted" : "")}</span><br><code>{Text(_report.Command)}</code></p>");
        int noisy = _report.Cases.Count(one => one.Noisy);
        if (noisy > 0) Raw($"<p class=\"bad\">{noisy} of {_report.Cases.Count} cases were too noisy to tell. They are marked ≈ and rank nobody.</p>");
    }

    private void Tiles()
    {
        Raw($"<div class=\"tiles\">");
        foreach (RatioSummary row in Summary.RatioSummaries(_report).Where(row => row.Contestant == _report.Against))
            Raw($"<div class=\"tile\"><b class=\"{Grade(row.GeometricMean)}\">{Format.Ratio(row.GeometricMean)}</b><span>{row.Direction}, {Summary.ThreadsText(row.Threads)}: {Text(_report.Against)} / {Text(_report.Subject)}, geometric mean. Faster {row.Faster}, even {row.Even}, slower {row.Slower}</span></div>");
        foreach (MachineReport limit in _report.Limits)
        {
            Roofline best = _report.RooflineOf(limit.Threads);
            Raw($"<div class=\"tile\"><b>{best.PeakGflops:0}</b><span>GFLOP/s FMA peak, {Summary.ThreadsText(limit.Threads)} ({limit.PeakBefore:0.0} before, {limit.PeakAfter:0.0} after); copy {best.CopyGBs:0.0} GB/s</span></div>");
        }

        Raw($"</div>");
    }

    private void RatioSection()
    {
        Raw($"<h2>How much longer the others take</h2><p>Time of a contestant over time of {Text(_report.Subject)}, formed within rounds. Above 1, ConvNative is faster. Each tick is a case, the box holds its middle half. openblas computes no convolution: it is the bound of any method that multiplies by a column matrix with that library.</p>");
        foreach (int threads in ThreadCounts())
        {
            Raw($"<h3>{Summary.ThreadsText(threads)}</h3>");
            _page.Append(_plots.RatioDistribution(threads));
        }

        var rows = Summary.RatioSummaries(_report).Select(row => (string[])[row.Contestant, N(row.Threads), row.Direction.ToString(), Format.Ratio(row.GeometricMean), N(row.Faster), N(row.Even), N(row.Slower)]);
        Details("Geometric means of all contestants", () => Table(["contestant", "#threads", "direction", "#geometric mean", "#ConvNative faster", "#even", "#slower"], rows));
    }

    private void TotalsSection()
    {
        var groups = Summary.Groups(_report).ToArray();
        if (groups.Length == 0) return;
        Raw($"<h2>Whole networks</h2><p>Sum over all layers of minimum time × occurrence; only contestants that did every layer. The fastest with a checked result is bold; ≈ marks a sum with noisy layers, which ranks nobody.</p>");
        foreach (var page in groups.GroupBy(group => (group.Group.Threads, group.Group.Direction)))
        {
            Raw($"<h3>{page.Key.Direction}, {Summary.ThreadsText(page.Key.Threads)}</h3>");
            TotalsTable([.. page]);
        }
    }

    // Networks and contestants: the more of the two are the rows, so that a printed page holds the columns.
    private void TotalsTable((CaseGroup Group, IReadOnlyList<CaseReport> Cases)[] groups)
    {
        var totals = groups.Select(group => Summary.Totals(group.Cases).Where(total => total.IsWhole).ToDictionary(total => total.Contestant, total => total.Seconds)).ToArray();
        double[] best = [.. groups.Select((group, column) => totals[column].Where(total => !IsBound(group.Cases, total.Key)).Select(total => total.Value).DefaultIfEmpty(0).Min())];
        string Cell(string contestant, int column) => !totals[column].TryGetValue(contestant, out double seconds) ? "–"
            : seconds == best[column] && !groups[column].Cases.Any(one => one.Noisy) ? $"<b>{Format.Time(seconds)}</b>" : Format.Time(seconds);
        string[] networks = [.. groups.Select(group => $"{group.Group.Network} b{N(group.Group.Batch)}{(group.Cases.Any(one => one.Noisy) ? " ≈" : "")}")];
        string[] roofline = [.. groups.Select(group => Format.Time(Summary.RooflineTotal(group.Cases, _report.RooflineOf(group.Group.Threads))))];
        string[] contestants = [.. _contestants.Where(name => totals.Any(column => column.ContainsKey(name)))];
        string[] names = ["roofline", .. contestants.Select(Text)];
        string[][] cells = [roofline, .. contestants.Select(name => (string[])[.. groups.Select((_, column) => Cell(name, column))])];
        if (networks.Length <= names.Length)
            Table(["contestant", .. networks.Select(name => "#" + name)], names.Select((name, row) => (string[])[name, .. cells[row]]), encoded: true);
        else
            Table(["network", .. names.Select(name => "#" + name)], networks.Select((name, row) => (string[])[Text(name), .. cells.Select(column => column[row])]), encoded: true);
    }

    private static bool IsBound(IReadOnlyList<CaseReport> cases, string contestant) => cases.Any(one => one.Of(contestant)?.Outcome == Outcome.Bound);

    private void WorstSection()
    {
        IReadOnlyList<CaseReport> worst = Summary.Worst(_report, WorstCases);
        if (worst.Count == 0) return;
        Raw($"<h2>Where ConvNative does worst against {Text(_report.Against)}</h2>");
        Table(["#ratio [quartiles]", "layer", "#threads", "run it again"], worst.Select(one => (string[])
            [Format.Spread(one.Of(_report.Against)!.Ratio!), $"{one.Network}:{one.Layer}, {one.Direction}", N(one.Threads), $"\0{Summary.Reproduction(one)}"]));
    }

    private void RooflineSection()
    {
        Raw($"<h2>Below the roof</h2><p>The roof is the larger of compute time at the FMA peak and compulsory memory time (every input read once, every result written once, at copy speed). Points above its slope have tensors that stay in the caches; points above its top do less arithmetic than the direct sum, by whose operations all are counted. Circles are FWD, squares BWD_D, triangles BWD_W.</p>");
        Legend(_shown);
        foreach (int threads in ThreadCounts())
        {
            Raw($"<h3>{Summary.ThreadsText(threads)}</h3>");
            _page.Append(_plots.RooflineScatter(threads, _shown));
        }
    }

    private void LayerSection()
    {
        Raw($"<h2>Layer by layer</h2><p>Bars are {Text(_report.Subject)}, marks the others (triangles: bounds), black lines each layer's own roofline.</p>");
        Legend(_shown);
        bool first = true;
        foreach ((CaseGroup group, IReadOnlyList<CaseReport> cases) in Summary.Groups(_report))
        {
            Details(group.Title, () =>
            {
                if (cases.Any(one => one.Results.Any(result => result.IsTimed))) _page.Append(_plots.LayerBars(group, cases, _shown));
                LayerTable(group, cases);
            }, first);
            first = false;
        }
    }

    private void LayerTable(CaseGroup group, IReadOnlyList<CaseReport> cases)
    {
        Roofline roof = _report.RooflineOf(group.Threads);
        var rows = cases.SelectMany(one => one.Results.OrderBy(result => result.MinSeconds ?? double.MaxValue).Select((result, index) => (string[])
        [
            index == 0 ? $"{one.Layer}{(one.Noisy ? " ≈" : "")}" : "",
            result.Contestant,
            result.IsTimed ? result.Algorithm ?? "" : $"{result.Outcome}: {result.Message}",
            result.MinSeconds is { } min ? Format.Time(min) : "",
            result.LowerQuartileSeconds is { } quartile ? Format.Time(quartile) : "",
            result.MinSeconds is { } t ? Format.Gflops(one.Flops, t) : "",
            result.MinSeconds is { } p ? Format.Percent(one.Flops / p / 1e9 / roof.PeakGflops) : "",
            result.MinSeconds is { } r ? Format.Percent(roof.Seconds(one.Flops, one.CompulsoryBytes) / r) : "",
            one.Noisy || result.Ratio is null || result.Contestant == _report.Subject ? "" : Format.Spread(result.Ratio),
            result.IsTimed ? $"{N(result.Calls)} / {N(result.QuietRounds)}" : "",
            result.PrepareSeconds is { } prepare ? Format.Time(prepare) : "",
            result.IsTimed ? Format.Bytes(result.WorkspaceBytes) : "",
            result.IsTimed ? Format.Bytes(result.PeakBytes) : "",
            result.ErrorShare is { } error ? error.ToString("0.000", CultureInfo.InvariantCulture) : "",
        ]));
        Details("All figures", () => Table(
            ["layer", "contestant", "algorithm", "#minimum", "#quartile", "#GFLOP/s", "#of peak", "#of roofline", "#ratio", "#calls / rounds", "#plan", "#workspace", "#peak memory", "#error"], rows));
    }

    private void ScalingSection()
    {
        var scaling = Summary.Scaling(_report);
        if (scaling.Count == 0) return;
        Raw($"<h2>More threads</h2><p>Speedup over one thread, median and quartiles over the cases, beside what independent FMA loops gain on this machine.</p>");
        Table(["contestant", "#threads", "direction", "#speedup", "#FMA loops", "#cases"], scaling.Select(row => (string[])
            [row.Contestant, N(row.Threads), row.Direction.ToString(), Format.Spread(row.Speedup), Format.Ratio(_report.RooflineOf(row.Threads).PeakGflops / _report.RooflineOf(1).PeakGflops), N(row.Cases)]));
    }

    private void ExtrasSection()
    {
        var series = _report.Cases.Where(one => ExtraCases.Contains(one.Network)).GroupBy(one => (one.Network, one.Direction, one.Threads)).ToArray();
        if (series.Length == 0) return;
        Raw($"<h2>Call overhead and growth</h2><p>Time of a call on 1×1×4×4, and time per operation as the batch, the image and the channels grow, as a multiple of the first row: 1 is linear.</p>");
        foreach (var own in series)
        {
            CaseReport first = own.First();
            string[] names = [.. _contestants.Where(name => own.Any(one => one.Of(name)?.IsTimed == true))];
            Raw($"<h3>{Text(own.Key.Network)}, {own.Key.Direction}, {Summary.ThreadsText(own.Key.Threads)}</h3>");
            Table(["case", .. names.Select(name => "#" + name)], own.Select(one => (string[])[one.Layer, .. names.Select(name => Growth(first, one, name))]));
        }
    }

    private static string Growth(CaseReport first, CaseReport one, string contestant) => (first.Of(contestant)?.MinSeconds, one.Of(contestant)?.MinSeconds) switch
    {
        (_, null) => "–",
        ({ } start, { } seconds) when !ReferenceEquals(first, one) => $"{Format.Time(seconds)} ({Format.Ratio(seconds / one.Flops / (start / first.Flops))})",
        (_, { } seconds) => Format.Time(seconds),
    };

    private void BaselineSection(RunReport baseline)
    {
        IReadOnlyList<BaselineRow> rows = BaselineComparison.Rows(_report, baseline);
        Raw($"<h2>Against the run of {baseline.Started:yyyy-MM-dd HH:mm}</h2><p>Earlier time over time now, geometric mean; above 1: faster now. Two runs are two moments of the machine: a change no larger than that of the unchanged contestants means nothing.</p>");
        Table(["contestant", "#threads", "direction", "#earlier / now", "#cases"], BaselineComparison.Means(rows).Select(row => (string[])
            [row.Contestant, N(row.Threads), row.Direction.ToString(), Format.Ratio(row.Speedup), N(row.Cases)]));
        Details($"Every case of {_report.Subject}", () => Table(["layer", "#threads", "#earlier", "#now", "#earlier / now"], rows.Where(row => row.Contestant == _report.Subject).Select(row => (string[])
            [$"{row.Case.Network}:{row.Case.Layer}, batch {N(row.Case.Batch)}, {row.Case.Direction}", N(row.Case.Threads), Format.Time(row.EarlierSeconds), Format.Time(row.Seconds), Format.Ratio(row.Speedup)])));
    }

    private void MishapSection()
    {
        var mishaps = Summary.Mishaps(_report);
        if (mishaps.Count == 0) return;
        Raw($"<h2>Wrong answers and failures</h2><p>None of these was timed.</p>");
        Table(["contestant", "what", "#cases", "run the first again"], mishaps.Select(mishap => (string[])
            [mishap.Contestant, mishap.What, N(mishap.Cases), $"\0{Summary.Reproduction(mishap.First)}"]));
    }

    private void MethodSection()
    {
        Raw($"<h2>Method</h2><p>Every contestant is a process of its own, at the same number of threads and with the same data. It prepares, runs once, and its result is checked: random elements, and the element where it differs most from another contestant, against a float64 sum; the error column is the largest error as a share of what float32 rounding allows. A wrong answer is not timed. After a warm-up all run in rounds, in random order within a round: at least {_report.Options.Rounds} undisturbed rounds and {_report.Options.Seconds} s each, except that who has used {_report.Options.LimitSeconds} s plays no further round. Between any two turns the FMA peak is taken; a turn beside a peak below {Measurement.Quiet.LeastShare:P0} of the case's best does not count, and a case without so many rounds in which neither a contestant nor {Text(_report.Subject)} was disturbed, in {Measurement.MeasureOptions.MostAttempts} times as many, is called noisy. GFLOP/s count 2·N·OC·OH·OW·(IC/G)·KH·KW, whatever an algorithm really does, over the minimum time. What each peer's figure contains stands in bench/peers/README.md.</p>");
    }

    private void PeersSection()
    {
        Raw($"<h2>Contestants</h2>");
        Table(["peer", "version", "details"], _report.Peers.Select(peer => (string[])
            [peer.Name, peer.Version ?? "–", peer.Problem is { } problem ? $"left out: {problem}{(peer.Remedy is { } remedy ? $"; to install it: {remedy}" : "")}" : peer.Details ?? ""]));
    }

    private IEnumerable<int> ThreadCounts() => Summary.NetworkCases(_report).Select(one => one.Threads).Distinct();

    private void Legend(IReadOnlyList<string> names)
    {
        Raw($"<ul class=\"legend\">");
        foreach (string name in names) Raw($"<li><svg viewBox=\"0 0 12 12\"><rect width=\"12\" height=\"12\" rx=\"2\" class=\"{_plots.ColourOf(name)}\"/></svg>{Text(name)}</li>");
        Raw($"</ul>");
    }

    private void Details(string title, Action content, bool open = false)
    {
        Raw($"<details{(open ? " open" : "")}><summary>{Text(title)}</summary>");
        content();
        Raw($"</details>");
    }

    // A heading that begins with # is a column of numbers; a cell that begins with NUL is code.
    private void Table(string[] headings, IEnumerable<string[]> rows, bool encoded = false)
    {
        string Class(int column) => headings[column].StartsWith('#') ? " class=\"n\"" : "";
        Raw($"<div class=\"scroll\"><table><thead><tr>");
        foreach ((int column, string heading) in headings.Index()) Raw($"<th{Class(column)}>{Text(heading.TrimStart('#'))}</th>");
        Raw($"</tr></thead><tbody>");
        foreach (string[] row in rows)
        {
            Raw($"<tr>");
            foreach ((int column, string cell) in row.Index())
                Raw($"<td{Class(column)}>{(encoded ? cell : cell.StartsWith('\0') ? $"<code>{Text(cell[1..])}</code>" : Text(cell))}</td>");
            Raw($"</tr>");
        }

        Raw($"</tbody></table></div>");
    }

    private void Raw(FormattableString html) => _page.Append(html.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Grade(double ratio) => ratio >= 1 ? "good" : "bad";

    private static string N(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
