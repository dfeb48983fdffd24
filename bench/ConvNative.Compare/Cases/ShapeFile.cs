using System.Globalization;
using System.Text.RegularExpressions;

namespace ConvNative.Compare.Cases;

/// <summary>A line of a shape file that is no problem: where it stands and what is wrong.</summary>
internal sealed record BrokenLine(string File, int Line, string Reason)
{
    public override string ToString() => $"{File}:{Line}: {Reason}";
}

/// <summary>benchdnn's shape files: one descriptor per line, # begins a comment, n"network:layer*count" names a layer.</summary>
internal static partial class ShapeFile
{
    /// <param name="Layers">The two-dimensional problems in the order of the file.</param>
    /// <param name="Broken">Lines that could not be read.</param>
    /// <param name="Volumes">Number of three-dimensional problems, which are left out.</param>
    public sealed record Content(IReadOnlyList<Layer> Layers, IReadOnlyList<BrokenLine> Broken, int Volumes);

    /// <exception cref="UsageException">It is a folder.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Content Read(string path) => Directory.Exists(path)
        ? throw new UsageException($"'{path}' is a folder; --shapes names a file of descriptors, one to a line.")
        : Parse(path, File.ReadLines(path));

    public static Content Parse(string path, IEnumerable<string> lines)
    {
        var layers = new List<Layer>();
        var broken = new List<BrokenLine>();
        int volumes = 0;
        foreach ((int index, string line) in lines.Index())
        {
            string text = TrailingComment().Replace(line, "").Trim();
            if (text.Length == 0) continue;
            if (VolumeSize().IsMatch(text))
            {
                volumes++;
                continue;
            }

            try
            {
                layers.Add(ParseLayer(text, Path.GetFileNameWithoutExtension(path)));
            }
            catch (Exception e) when (e is FormatException or ConvShapeException)
            {
                broken.Add(new BrokenLine(path, index + 1, e.Message));
            }
        }

        return new Content(layers, broken, volumes);
    }

    /// <summary>One descriptor; <paramref name="network"/> is used when its name has none.</summary>
    /// <exception cref="FormatException">The text is not of the language.</exception>
    /// <exception cref="ConvShapeException">The sizes contradict each other.</exception>
    public static Layer ParseLayer(string descriptor, string network)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        Match name = LayerName().Match(problem.Name ?? "");
        return new Layer(
            name.Groups["network"] is { Success: true } own ? own.Value : network,
            name.Groups["layer"] is { Success: true, Length: > 0 } layer ? layer.Value : (problem with { Name = null }).ToString(),
            name.Groups["count"] is { Success: true } count ? int.Parse(count.ValueSpan, CultureInfo.InvariantCulture) : 1,
            problem);
    }

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex TrailingComment();

    // A depth, before the name begins.
    [GeneratedRegex(@"^[^n]*[iok]d\d")]
    private static partial Regex VolumeSize();

    [GeneratedRegex(@"^(?:(?<network>[^:]+):)?(?<layer>.*?)(?:\*(?<count>\d{1,6}))?$")]
    private static partial Regex LayerName();
}
