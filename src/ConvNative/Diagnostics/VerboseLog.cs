using System.Globalization;
using ConvNative.Algorithms;

namespace ConvNative.Diagnostics;

/// <summary>
/// The lines that CONVNATIVE_VERBOSE=1 asks for on stderr, one per run. What stands after the time are arguments of the side-by-side
/// comparison (bench/ConvNative.Compare), which so measures the same run again.
/// </summary>
internal static class VerboseLog
{
    public const string Variable = "CONVNATIVE_VERBOSE";

    /// <summary>Whether lines are asked for; read for each plan.</summary>
    /// <exception cref="ArgumentException">The environment variable is neither 0 nor 1.</exception>
    public static bool IsOn => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or "0" => false,
        "1" => true,
        string other => throw new ArgumentException($"{Variable} is '{other}'; it must be 0 or 1."),
    };

    public static void Write(ConvProblem problem, Direction direction, ConvAlgorithm algorithm, int threads, bool packed, TimeSpan time) =>
        Console.Error.WriteLine(Line(problem, direction, algorithm, threads, packed, time));

    /// <summary>"convnative: Direct 0.0123 ms: --case mb1… --dir FWD --threads 1 --peers convnative/direct". Without the problem's name, which a shell might take apart.</summary>
    internal static string Line(ConvProblem problem, Direction direction, ConvAlgorithm algorithm, int threads, bool packed, TimeSpan time)
    {
        string dir = direction switch { Direction.Forward => "FWD", Direction.BackwardData => "BWD_D", _ => "BWD_W" };
        string mode = packed ? "packed" : algorithm.ToString().ToLowerInvariant();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"convnative: {algorithm} {time.TotalMilliseconds:0.0000} ms: --case {problem with { Name = null }} --dir {dir} --threads {threads} --peers convnative/{mode}");
    }
}
