using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Report;
using Spectre.Console;
using Direction = ConvNative.Compare.Cases.Direction;

namespace ConvNative.Compare.Tests;

internal sealed partial class ReportTests
{
    private const string Own = "convnative/auto";
    private const string Rival = "onednn/any";

    [Test]
    public void Totals_weigh_layers_by_their_number_and_only_complete_ones_rank()
    {
        RunReport report = Sample();
        (CaseGroup group, IReadOnlyList<CaseReport> cases) = Summary.Groups(report).First();
        Assert.That((group.Network, group.Batch, group.Threads, group.Direction), Is.EqualTo(("net", 1, 1, Direction.FWD)));
        Assert.That(Summary.Totals(cases).Select(total => (total.Contestant, Math.Round(total.Seconds, 6), total.IsWhole)), Is.EqualTo(new[]
        {
            (Own, 0.004, true), (Rival, 0.005, true), ("numpy/default", 0.01, false),
        }));
    }

    [Test]
    public void Means_leave_noisy_cases_out_and_count_what_is_beyond_the_spread()
    {
        RatioSummary rival = Summary.RatioSummaries(Sample()).Single(row => row.Contestant == Rival && row.Threads == 1);
        Assert.That(rival.GeometricMean, Is.EqualTo(1).Within(1e-12), "of 2 and 0.5; the noisy case has 10");
        Assert.That((rival.Faster, rival.Even, rival.Slower), Is.EqualTo((1, 0, 1)));
    }

    [Test]
    public void Means_of_a_network_weigh_layers_by_their_number_and_noisy_ones_count()
    {
        IReadOnlyList<NetworkMean> means = Summary.NetworkMeans(Sample());
        double Of(string network) => means.Single(mean => mean.Network == network && mean is { Contestant: Rival, Threads: 1 }).Ratio;
        Assert.That(Of("net"), Is.EqualTo(Math.Cbrt(2 * 2 * 0.5)).Within(1e-12), "twice 2 and once 0.5");
        Assert.That(Of("other"), Is.EqualTo(10).Within(1e-12));
        Assert.That(Of(Summary.AllNetworks), Is.EqualTo(Math.Pow(2 * 2 * 0.5 * 10, 0.25)).Within(1e-12));
        Assert.That(means.Single(mean => mean is { Network: "net", Contestant: "numpy/default", Threads: 1 }).Ratio, Is.EqualTo(5).Within(1e-12), "it did one layer");
    }

    [Test]
    public void The_worst_case_comes_first_with_a_line_that_runs_it_again()
    {
        CaseReport worst = Summary.Worst(Sample(), 10)[0];
        Assert.That(worst.Layer, Is.EqualTo("slow"));
        Assert.That(Summary.Reproduction(worst), Does.Match("^\\./build\\.sh compare --case '.+' --dir FWD --threads 1$"));
        Assert.That(ConvProblem.Parse(worst.Descriptor).Input.N, Is.EqualTo(1));
    }

    [Test]
    public void Scaling_compares_the_same_case_at_one_and_more_threads()
    {
        ScalingSummary own = Summary.Scaling(Sample()).Single(row => row.Contestant == Own);
        Assert.That((own.Threads, own.Speedup.Median, own.Cases), Is.EqualTo((2, 1.6, 1)));
    }

    [Test]
    public void A_report_outlives_its_file_and_serves_as_baseline()
    {
        string file = Path.GetTempFileName();
        Sample().Save(file);
        RunReport read = RunReport.Load(file);
        File.Delete(file);
        Assert.That(read.Cases, Has.Count.EqualTo(Sample().Cases.Count));
        IReadOnlyList<BaselineRow> rows = BaselineComparison.Rows(Sample(), read);
        Assert.That(rows, Has.Count.EqualTo(Sample().Cases.Sum(one => one.Results.Count(result => result.IsTimed))));
        Assert.That(rows, Has.All.Matches<BaselineRow>(row => row is { Speedup: 1 }));
    }

    [Test]
    public void What_is_no_report_is_refused_by_name()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "[1, 2]");
        Assert.That(Assert.Throws<InvalidDataException>(() => RunReport.Load(file))!.Message, Does.StartWith(file));
        File.Delete(file);
    }

    [Test]
    public void The_console_says_noise_failures_and_reproduction_lines()
    {
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text), Ansi = AnsiSupport.No });
        console.Profile.Width = 300;
        ConsoleReport.Write(console, Sample(), Sample());
        Assert.That(text.ToString(), Does.Contain("too noisy to tell").And.Contain("died [here]").And.Contain("--dir FWD --threads 1").And.Contain("net, batch 1, FWD, 2 threads"));
    }

    [Test]
    public void Html_is_self_contained_and_escapes_what_it_is_given()
    {
        string html = HtmlReport.Render(Sample(), Sample());
        Assert.That(html, Does.Not.Match("(src|href)\\s*=|@import|url\\("));
        Assert.That(html, Does.Contain("&lt;img&gt;").And.Not.Contain("<img>"));
        Assert.That(Regex.Count(html, "<svg "), Is.EqualTo(Regex.Count(html, "</svg>")));
    }

    [Test]
    public void The_picture_is_a_file_of_its_own_with_a_bar_for_every_mean()
    {
        XDocument picture = XDocument.Parse(SpeedupPicture.Render(Sample()));
        string[] bars = [.. picture.Descendants().Where(element => element.Name.LocalName == "rect").Select(bar => bar.Value).Where(title => title.Length > 0)];
        Assert.That(bars, Has.Length.EqualTo(Summary.NetworkMeans(Sample(), byBatch: false).Count));
        Assert.That(bars, Does.Contain($"{Rival}, net: 1.26×").And.Contain($"{Rival}, other: 10.00×"));
        Assert.That(picture.ToString(), Does.Not.Match("(src|href)\\s*=|@import|url\\("));
    }

    [Test]
    public void The_picture_of_nothing_is_a_picture() =>
        Assert.That(XDocument.Parse(SpeedupPicture.Render(Sample() with { Cases = [], Limits = [] })).Root!.Name.LocalName, Is.EqualTo("svg"));

    [Test]
    public void Markdown_marks_noise_and_lists_layers_totals_and_the_worst()
    {
        string text = MarkdownReport.Render(Sample());
        CaseReport noisy = Sample().Cases.Single(one => one.Noisy);
        Assert.That(text, Does.Contain($"| noisy ≈ | <b> | {Format.Gflops(noisy.Flops, 0.002)} | {Format.Gflops(noisy.Flops, 0.02)} |"));
        Assert.That(text, Does.Match(@"\| net, batch 1, FWD, 1 thread \| [^|]+ \| 4\.00 ms \| 5\.00 ms \| – \|"));
        Assert.That(text, Does.Contain("| net:slow | `./build.sh compare --case "));
    }

    [Test]
    public void Rows_of_a_Markdown_table_have_as_many_cells_as_its_heading()
    {
        int cells = 0, rows = 0;
        foreach (string line in MarkdownReport.Render(Sample()).Split('\n'))
        {
            int own = line.StartsWith('|') ? line.Count(c => c == '|') : 0;
            if (own > 0 && cells > 0) Assert.That(own, Is.EqualTo(cells), line);
            cells = own;
            rows += own > 0 ? 1 : 0;
        }

        Assert.That(rows, Is.GreaterThan(20));
    }

    [Test]
    public void An_interrupted_run_without_cases_still_reports()
    {
        RunReport empty = Sample() with { Cases = [], Limits = [], Interrupted = true };
        Assert.That(HtmlReport.Render(empty, null), Does.Contain("interrupted"));
        ConsoleReport.Write(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }), empty, null);
    }

    [Test]
    public void A_browser_lays_it_out_without_overflow_and_with_every_label_inside_its_picture()
    {
        string? browser = FindBrowser();
        if (browser is null) Assert.Ignore("No Chromium found; install it: apt-get install chromium");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("compare-report-");
        string page = Path.Combine(folder.FullName, "report.html");
        File.WriteAllText(page, HtmlReport.Render(Sample(), Sample()).Replace("</body>", Probe + "</body>", StringComparison.Ordinal));
        string dom = RunBrowser(browser, "--dump-dom", page);
        RunBrowser(browser, $"--print-to-pdf={Path.Combine(folder.FullName, "report.pdf")}", page);
        long pdfBytes = new FileInfo(Path.Combine(folder.FullName, "report.pdf")).Length;
        folder.Delete(recursive: true);

        Match found = ProbeResult().Match(dom);
        Assert.That(found.Success, dom.Length > 2000 ? dom[..2000] : dom);
        Assert.That(int.Parse(found.Groups["pictures"].ValueSpan), Is.GreaterThanOrEqualTo(3), "pictures with a size");
        Assert.That(found.Groups["outside"].Value, Is.EqualTo("0"), "labels outside of their picture");
        Assert.That(found.Groups["overflow"].Value, Is.EqualTo("0"), "pixels that the page is wider than the window");
        Assert.That(pdfBytes, Is.GreaterThan(5000));
    }

    private const string Probe = """
        <script>
        document.querySelectorAll('details').forEach(d => d.open = true);
        const pictures = [...document.querySelectorAll('svg[role=img]')];
        const outside = pictures.flatMap(svg => [...svg.querySelectorAll('text')].filter(text => {
            const t = text.getBBox(), v = svg.viewBox.baseVal;
            return t.x < -1 || t.y < -1 || t.x + t.width > v.width + 1 || t.y + t.height > v.height + 1;
        }));
        const overflow = Math.max(0, document.documentElement.scrollWidth - innerWidth);
        document.title = `pictures=${pictures.filter(svg => svg.getBoundingClientRect().width > 100).length} outside=${outside.length} overflow=${overflow}`;
        </script>
        """;

    [GeneratedRegex(@"<title>pictures=(?<pictures>\d+) outside=(?<outside>\d+) overflow=(?<overflow>\d+)</title>")]
    private static partial Regex ProbeResult();

    private static string? FindBrowser() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(_ => (string[])["chromium", "chromium-browser", "google-chrome"], Path.Combine).FirstOrDefault(File.Exists);

    private static string RunBrowser(string browser, string action, string page)
    {
        using var process = Process.Start(new ProcessStartInfo(browser, ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,900", action, new Uri(page).AbsoluteUri])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, errors.Result);
        return output;
    }

    /// <summary>Three layers at one thread, one of them noisy and one failed by numpy; one layer at two threads.</summary>
    private static RunReport Sample() => new()
    {
        Command = "./build.sh compare --filter '<img>'",
        Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Machine = "a machine",
        Subject = Own,
        Against = Rival,
        Options = new MeasureOptions(5, 0.1, 2, 60),
        Peers = [new PeerReport("convnative", "1", "details", null, null), new PeerReport("onnxruntime", null, null, "not installed", "npm ci")],
        Limits = [new MachineReport(1, 100, 20) { PeakAfter = 99, CopyAfter = 19 }, new MachineReport(2, 200, 25)],
        Cases =
        [
            Case("fast", 2, 1, false, own: 0.001, rival: 0.002, numpy: 0.005),
            Case("slow", 1, 1, false, own: 0.002, rival: 0.001, numpy: null),
            Case("noisy", 1, 1, true, own: 0.002, rival: 0.0, numpy: null),
            Case("fast", 2, 2, false, own: 0.000625, rival: 0.002, numpy: 0.005),
        ],
    };

    private static CaseReport Case(string layer, int count, int threads, bool noisy, double own, double rival, double? numpy)
    {
        // A noisy case with an absurd ratio: it would spoil every mean that took it in.
        double rivalSeconds = noisy ? 10 * own : rival;
        int channels = layer[0];   // no two layers are equal
        var problem = new ConvProblem(new TensorShape(1, channels, 14, 14), 32, 3, 3) { Padding = Padding.All(1) };
        return new CaseReport
        {
            Network = noisy ? "other" : "net",
            Layer = layer,
            Count = count,
            Descriptor = problem.ToString(),
            Batch = 1,
            Direction = Direction.FWD,
            Threads = threads,
            Flops = problem.Flops,
            CompulsoryBytes = new CompareCase(new Layer("net", layer, count, problem), Direction.FWD).CompulsoryBytes,
            Rounds = 5,
            Noisy = noisy,
            BestPeak = 98,
            LowestPeakShare = noisy ? 0.5 : 0.97,
            Results =
            [
                Result(Own, own, 1),
                Result(Rival, rivalSeconds, rivalSeconds / own),
                numpy is { } seconds
                    ? Result("numpy/default", seconds, seconds / own)
                    : new ContestantReport("numpy/default") { Outcome = Outcome.Failed, Message = "died [here]" },
            ],
        };
    }

    private static ContestantReport Result(string contestant, double seconds, double ratio) => new(contestant)
    {
        Outcome = Outcome.Measured,
        Algorithm = "<b>",
        PrepareSeconds = 0.001,
        Calls = 10,
        QuietRounds = 5,
        MinSeconds = seconds,
        LowerQuartileSeconds = seconds * 1.1,
        MedianSeconds = seconds * 1.2,
        Ratio = new Spread(ratio * 0.95, ratio, ratio * 1.05),
    };
}
