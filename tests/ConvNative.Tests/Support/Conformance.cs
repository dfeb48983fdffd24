using System.Text.Json;

namespace ConvNative.Tests.Support;

/// <summary>Cases that other programs computed: folders with a case.json and one .npy per array, beside the repository.</summary>
internal static class Conformance
{
    /// <summary>The folder, or null where it is absent.</summary>
    public static string? Root { get; } = Repository.Beside("conformance");

    /// <summary>The case folders of a suite; one entry that names what is missing where there are none, so that its test says so.</summary>
    public static IEnumerable<string> Cases(string suite, Func<Case, bool>? wanted = null)
    {
        string? folder = Root is null ? null : Path.Combine(Root, suite);
        return folder is not null && Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Select(name => $"{suite}/{name}")
                .Where(name => wanted is null || wanted(Read(name)))
            : [$"{suite}/absent"];
    }

    /// <summary>Reads a case; ignores the running test where the folder is absent.</summary>
    public static Case Read(string name)
    {
        if (Root is null) Assert.Ignore($"The conformance cases are not beside the repository: {name} was not run.");
        return new Case(Path.Combine(Root!, name));
    }

    /// <summary>One case: its description and its arrays.</summary>
    public sealed class Case(string folder)
    {
        private readonly JsonElement _root = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json"))).RootElement;

        public string Op => _root.GetProperty("op").GetString()!;

        public int Int(string key) => _root.GetProperty(key).GetInt32();

        public int[] Ints(string key) => [.. _root.GetProperty(key).EnumerateArray().Select(value => value.GetInt32())];

        /// <summary>An ONNX attribute, or null where the default stands.</summary>
        public int[]? Attribute(string key) =>
            _root.GetProperty("attributes").TryGetProperty(key, out JsonElement value)
                ? value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => item.GetInt32())] : [value.GetInt32()]
                : null;

        public bool HasAttribute(string key) => _root.GetProperty("attributes").TryGetProperty(key, out _);

        public int[] Dimensions(string array) => [.. _root.GetProperty("arrays").GetProperty(array).EnumerateArray().Select(value => value.GetInt32())];

        public bool Has(string array) => File.Exists(Path.Combine(folder, $"{array}.npy"));

        public Tensor Load(string array) => Tensor.LoadNpy(Path.Combine(folder, $"{array}.npy"));

        public Tensor? LoadIfAny(string array) => Has(array) ? Load(array) : null;
    }
}
