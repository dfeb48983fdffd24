using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Peers;
using ConvNative.Compare.Report;
using Spectre.Console;

namespace ConvNative.Compare;

/// <summary>What the command does, from options to exit code.</summary>
internal static class CompareCommand
{
    public const int InterruptedExit = 130;

    private const string Subject = PeerDefinition.ConvNativeName + "/auto";

    /// <exception cref="UsageException">The options ask for something that cannot be done.</exception>
    /// <exception cref="InvalidDataException">The baseline is no report.</exception>
    public static async Task<int> RunAsync(
        CompareOptions options, string arguments, IReadOnlyList<PeerDefinition> known, IAnsiConsole console, CancellationToken stop)
    {
        CaseList cases = CaseList.From(options);
        if (!ReportBroken(cases, options.KeepGoing)) return 2;
        CheckThreads(options.Threads);
        CheckWritable("--json", options.Json);
        CheckWritable("--html", options.Html);
        CheckWritable("--markdown", options.Markdown);
        CheckWritable("--picture", options.Picture);
        CheckAgainst(options.Against, known);
        RunReport? baseline = options.Baseline is { } file ? LoadBaseline(file) : null;
        ContestantList contestants = await FindPeersAsync(options, known, console, stop);
        if (options.List)
        {
            ConsoleReport.WriteList(console, cases, options, contestants);
            return 0;
        }

        var comparison = new Comparison(options, cases, contestants);
        if (comparison.TotalCases == 0) throw new UsageException("There are no cases; --shapes, --networks, --case, --dir and --filter leave none.");
        if (contestants.Modes.Count == 0) throw new UsageException("There are no contestants; --list tells how to install the peers.");
        RunReport report = NewReport(options, arguments, contestants);
        await ProgressDisplay.RunAsync(console, comparison, sink => comparison.RunAsync(report, sink, stop));
        if (options.Json is { } json) report.Save(json);
        ConsoleReport.Write(console, report, baseline);
        if (options.Html is { } html) File.WriteAllText(html, HtmlReport.Render(report, baseline));
        if (options.Markdown is { } markdown) File.WriteAllText(markdown, MarkdownReport.Render(report));
        if (options.Picture is { } picture) File.WriteAllText(picture, SpeedupPicture.Render(report));
        return report.Interrupted ? InterruptedExit : OwnMishap(report) ? 1 : 0;
    }

    private static bool ReportBroken(CaseList cases, bool keepGoing)
    {
        foreach (BrokenLine line in cases.Broken) Console.Error.WriteLine(line);
        if (cases.Volumes > 0) Console.Error.WriteLine($"{cases.Volumes} three-dimensional problems are left out.");
        if (cases.Broken.Count > 0 && !keepGoing) Console.Error.WriteLine("Nothing was run; --keep-going runs the other lines.");
        return cases.Broken.Count == 0 || keepGoing;
    }

    // More threads than processors measure each other.
    private static void CheckThreads(IReadOnlyList<int> numbers)
    {
        int processors = Environment.ProcessorCount, most = numbers.Max();
        if (most > processors) throw new UsageException($"--threads is {most}; it must be at most {processors}, the processors that there are.");
    }

    private static void CheckAgainst(string against, IReadOnlyList<PeerDefinition> known)
    {
        if (known.Any(peer => against.StartsWith($"{peer.Name}/", StringComparison.Ordinal))) return;
        throw new UsageException($"--against is '{against}'; it must be a peer and its mode, as onednn/any. The peers are {string.Join(", ", known.Select(peer => peer.Name))}.");
    }

    // Before half an hour of measuring, not after.
    private static void CheckWritable(string option, string? path)
    {
        if (path is null) return;
        try
        {
            File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        }
        catch (Exception e) when (UsageException.IsOfPath(e))
        {
            throw new UsageException($"{option} is '{path}': {e.Message}");
        }
    }

    private static RunReport LoadBaseline(string path)
    {
        try
        {
            return RunReport.Load(path);
        }
        catch (Exception e) when (UsageException.IsOfPath(e))
        {
            throw new UsageException($"--baseline is '{path}': {e.Message}");
        }
    }

    private static async Task<ContestantList> FindPeersAsync(
        CompareOptions options, IReadOnlyList<PeerDefinition> known, IAnsiConsole console, CancellationToken stop)
    {
        ContestantList found = await ContestantList.FindAsync(known, options.Peers, name => console.MarkupLineInterpolated($"[grey]looking for {name}[/]"), stop);
        ConsoleReport.WriteMissing(console, found);
        return found;
    }

    private static RunReport NewReport(CompareOptions options, string arguments, ContestantList contestants) => new()
    {
        Command = $"./build.sh compare {arguments}".TrimEnd(),
        Started = DateTimeOffset.Now,
        Machine = MachineDescription.Summary,
        Subject = Subject,
        Against = options.Against,
        Options = options.Measure,
        Peers = [.. contestants.Peers.Select(peer => new PeerReport(peer.Definition.Name, peer.Description?.Version, peer.Description?.Details, peer.Problem, peer.Remedy))],
    };

    private static bool OwnMishap(RunReport report) =>
        Summary.Mishaps(report).Any(mishap => Summary.PeerOf(mishap.Contestant) == PeerDefinition.ConvNativeName);
}
