using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Peers;
using Spectre.Console;

namespace ConvNative.Compare;

/// <summary>Options and verbs. Exit codes: 0 done; 1 ConvNative gave a wrong answer or failed; 2 bad input; 130 interrupted.</summary>
internal static class CommandLine
{
    private const int LogWidth = 180;
    private static readonly TimeSpan CleanEnd = TimeSpan.FromSeconds(20);

    private static readonly Option<string[]> Shapes = Many("--shapes", "A file of benchdnn shapes (repeatable).");
    private static readonly Option<string[]> NetworkNames = Many("--networks", $"Built-in lists: {string.Join(", ", Networks.Names)}. Default: all, unless other cases are named.");
    private static readonly Option<string[]> Descriptors = Many("--case", "A single problem, e.g. 'mb8ic64ih56oc64oh56kh3ph1' (repeatable).");
    private static readonly Option<string[]> Batches = Many("--mb", "Batch sizes. Default: 1 and 8 for built-in lists, else what the shape says.");
    private static readonly Option<string[]> Directions = Many("--dir", "Directions: FWD, BWD_D, BWD_W. Default: all.");
    private static readonly Option<string[]> Threads = Many("--threads", "Numbers of threads, e.g. 1,2, at most the processors that there are. Default: 1.");
    private static readonly Option<string[]> Peers = Many("--peers", "Peers or single modes, e.g. convnative,onednn/any. Default: all that are installed.");
    private static readonly Option<string> Against = new("--against") { Description = "The contestant that convnative/auto is ranked against.", DefaultValueFactory = _ => "onednn/any" };
    private static readonly Option<string?> Filter = new("--filter") { Description = "Only cases whose 'network:layer DIR descriptor' matches this regular expression." };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Undisturbed rounds per case, at least.", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> Time = new("--time") { Description = "Seconds per contestant and case, at least.", DefaultValueFactory = _ => 0.15 };
    private static readonly Option<double> Limit = new("--limit") { Description = "A contestant that has used so many seconds in a case plays no further round.", DefaultValueFactory = _ => 2 };
    private static readonly Option<double> Patience = new("--patience") { Description = "Seconds to wait for an answer before a contestant is dropped.", DefaultValueFactory = _ => 60 };
    private static readonly Option<bool> Extras = new("--extras") { Description = "Also: call overhead, and cost as batch, image and channels grow." };
    private static readonly Option<string?> Json = new("--json") { Description = "Write the figures to this file." };
    private static readonly Option<string?> Html = new("--html") { Description = "Write a report to this file." };
    private static readonly Option<string?> Markdown = new("--markdown") { Description = "Write the figures as Markdown tables to this file." };
    private static readonly Option<string?> Picture = new("--picture") { Description = "Draw the geometric means of each network into this SVG file." };
    private static readonly Option<string?> Baseline = new("--baseline") { Description = "Lay the figures of an earlier --json file beside." };
    private static readonly Option<bool> KeepGoing = new("--keep-going") { Description = "Run the readable lines of a shape file with broken ones." };
    private static readonly Option<bool> List = new("--list") { Description = "Show cases and peers, and how to install what is missing; run nothing." };

    public static Task<int> RunAsync(string[] args)
    {
        Console.OutputEncoding = Encoding.UTF8;
        var root = new RootCommand("Measures ConvNative side by side with what a user would pick instead. Lists may be written a,b.");
        foreach (Option option in (Option[])[Shapes, NetworkNames, Descriptors, Batches, Directions, Threads, Peers, Against, Filter, Rounds, Time, Limit, Patience, Extras, Json, Html, Markdown, Picture, Baseline, KeepGoing, List])
            root.Options.Add(option);
        root.SetAction((parsed, stop) => CompareAsync(parsed, string.Join(' ', args.Select(Quote)), stop));
        root.Subcommands.Add(PeerVerb());
        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors) Console.Error.WriteLine(error.Message);
            return Task.FromResult(2);
        }

        return result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = CleanEnd });
    }

    // How this program measures ConvNative: as a child process that speaks the peers' protocol.
    private static Command PeerVerb()
    {
        var threads = new Option<int>("--threads") { Required = true };
        var verb = new Command("peer", "ConvNative as a peer; see bench/peers/README.md.") { Hidden = true };
        verb.Options.Add(threads);
        verb.SetAction(parsed =>
        {
            using var peer = new ConvNativePeer(parsed.GetValue(threads));
            using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
            peer.Serve(input, output);
            return 0;
        });
        return verb;
    }

    private static async Task<int> CompareAsync(ParseResult parsed, string command, CancellationToken stop)
    {
        try
        {
            return await CompareCommand.RunAsync(Read(parsed), command, PeerDefinition.FindAll(PeerDefinition.DefaultPeersFolder), OpenConsole(), stop);
        }
        catch (Exception e) when (e is UsageException or InvalidDataException)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
        catch (OperationCanceledException)
        {
            return CompareCommand.InterruptedExit;
        }
    }

    // A log gets wide lines without colours.
    private static IAnsiConsole OpenConsole()
    {
        if (!Console.IsOutputRedirected) return AnsiConsole.Console;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = LogWidth;
        return console;
    }

    private static CompareOptions Read(ParseResult parsed) => new()
    {
        ShapeFiles = parsed.GetValue(Shapes) ?? [],
        Networks = Items(parsed, NetworkNames),
        Descriptors = parsed.GetValue(Descriptors) ?? [],
        Batches = Numbers(parsed, Batches) ?? [],
        Directions = Items(parsed, Directions) is { Count: > 0 } names ? [.. names.Select(ReadDirection)] : Enum.GetValues<Direction>(),
        Threads = Numbers(parsed, Threads) ?? [1],
        Peers = Items(parsed, Peers),
        Against = parsed.GetValue(Against)!,
        Filter = parsed.GetValue(Filter) is { } pattern ? ReadFilter(pattern) : null,
        Measure = new MeasureOptions(
            Rounds: (int)Positive(parsed.GetValue(Rounds), Rounds.Name),
            Seconds: Positive(parsed.GetValue(Time), Time.Name),
            LimitSeconds: Positive(parsed.GetValue(Limit), Limit.Name),
            PatienceSeconds: Positive(parsed.GetValue(Patience), Patience.Name)),
        Extras = parsed.GetValue(Extras),
        KeepGoing = parsed.GetValue(KeepGoing),
        List = parsed.GetValue(List),
        Json = parsed.GetValue(Json),
        Html = parsed.GetValue(Html),
        Markdown = parsed.GetValue(Markdown),
        Picture = parsed.GetValue(Picture),
        Baseline = parsed.GetValue(Baseline),
    };

    private static Option<string[]> Many(string name, string description) =>
        new(name) { Description = description, AllowMultipleArgumentsPerToken = true };

    private static IReadOnlyList<string> Items(ParseResult parsed, Option<string[]> option) =>
        [.. (parsed.GetValue(option) ?? []).SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static int[]? Numbers(ParseResult parsed, Option<string[]> option)
    {
        IReadOnlyList<string> items = Items(parsed, option);
        return items.Count == 0 ? null : [.. items.Select(item => int.TryParse(item, out int number) && number >= 1
            ? number
            : throw new UsageException($"{option.Name} is '{item}'; it must be a whole number of at least 1."))];
    }

    private static double Positive(double value, string name) =>
        value > 0 ? value : throw new UsageException($"{name} is {value}; it must be above 0.");

    private static Direction ReadDirection(string name) => Enum.TryParse(name, ignoreCase: true, out Direction direction) && Enum.IsDefined(direction)
        ? direction
        : throw new UsageException($"--dir is '{name}'; it must be one of {string.Join(", ", Enum.GetNames<Direction>())}.");

    private static Regex ReadFilter(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--filter: {e.Message}");
        }
    }

    private static string Quote(string argument) =>
        argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./,=:".Contains(c, StringComparison.Ordinal)) ? argument : $"'{argument}'";
}
