using System.Text.RegularExpressions;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;

namespace ConvNative.Compare;

/// <summary>What the command line asks for. An empty list means the default.</summary>
internal sealed record CompareOptions
{
    public IReadOnlyList<string> ShapeFiles { get; init; } = [];
    public IReadOnlyList<string> Networks { get; init; } = [];
    public IReadOnlyList<string> Descriptors { get; init; } = [];
    public IReadOnlyList<int> Batches { get; init; } = [];
    public IReadOnlyList<Direction> Directions { get; init; } = Enum.GetValues<Direction>();
    public IReadOnlyList<int> Threads { get; init; } = [1];
    public IReadOnlyList<string> Peers { get; init; } = [];
    public string Against { get; init; } = "onednn/any";
    public Regex? Filter { get; init; }
    public required MeasureOptions Measure { get; init; }
    public bool Extras { get; init; }
    public bool KeepGoing { get; init; }
    public bool List { get; init; }
    public string? Json { get; init; }
    public string? Html { get; init; }
    public string? Markdown { get; init; }
    public string? Picture { get; init; }
    public string? Baseline { get; init; }
}

/// <summary>The command line asks for something that cannot be done: exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Whether it is what a path that cannot be opened throws; an empty one too.</summary>
    public static bool IsOfPath(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException;
}
