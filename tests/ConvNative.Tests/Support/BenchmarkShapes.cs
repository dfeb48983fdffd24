namespace ConvNative.Tests.Support;

/// <summary>The layer shapes of real networks in benchdnn's language, where their folder stands beside the repository.</summary>
internal static class BenchmarkShapes
{
    private const string Absent = "shapes folder is absent";

    /// <summary>Every line that is no comment and has no depth (id: three spatial dimensions); one that says what is missing where there are none.</summary>
    public static IEnumerable<string> Lines()
    {
        string? folder = Repository.Beside("shapes");
        return folder is null
            ? [Absent]
            : Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal).SelectMany(File.ReadLines)
                .Where(line => line.Length > 0 && line[0] != '#' && !line.Contains("_id", StringComparison.Ordinal)).Distinct();
    }

    /// <summary>Ignores the running test where <see cref="Lines"/> found no folder.</summary>
    public static void IgnoreIfAbsent(string line)
    {
        if (line == Absent) Assert.Ignore("The layer shapes are not beside the repository.");
    }
}
