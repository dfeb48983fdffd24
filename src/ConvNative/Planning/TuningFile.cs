using System.Text.Json;
using System.Text.Json.Serialization;
using ConvNative.Memory;

namespace ConvNative.Planning;

/// <summary>A file of measured choices: JSON, versioned by its first member.</summary>
internal static class TuningFile
{
    private const string Format = "ConvNative tuning 1";

    /// <summary>All of it or nothing.</summary>
    public static void Save(string path, IEnumerable<KeyValuePair<TuningKey, TunedTime[]>> entries)
    {
        var content = new Content(Format, [.. entries.Select(entry => new Entry(entry.Key, entry.Value))]);
        AtomicFile.Write(path, file => JsonSerializer.Serialize(file, content, TuningJson.Default.Content));
    }

    /// <exception cref="InvalidDataException">The file is broken or something else.</exception>
    public static Dictionary<TuningKey, TunedTime[]> Load(string path)
    {
        using FileStream file = File.OpenRead(path);
        try
        {
            Content content = JsonSerializer.Deserialize(file, TuningJson.Default.Content) ?? throw new JsonException("it is null");
            if (content.Format != Format) throw new JsonException($"its format is '{content.Format}'; it must be '{Format}'");
            var entries = new Dictionary<TuningKey, TunedTime[]>();
            for (int i = 0; i < content.Entries.Length; i++)
            {
                if (Fault(content.Entries[i]) is { } fault) throw new JsonException($"entry {i}: {fault}");
                (TuningKey key, TunedTime?[] times) = content.Entries[i]!;
                if (!entries.TryAdd(key, times!)) throw new JsonException($"entry {i} stands twice");
            }

            return entries;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not a file of ConvTuning.Save: {e.Message}", e);
        }
    }

    private static string? Fault(Entry? entry)
    {
        if (entry is null) return "it is null";
        if (!Enum.IsDefined(entry.Key.Direction)) return $"its direction is {entry.Key.Direction}, which is none";
        if (entry.Times.Length == 0) return "it has no times";
        foreach (TunedTime? time in entry.Times)
        {
            if (time is null) return "one of its times is null";
            if (time.Algorithm == ConvAlgorithm.Auto || !Enum.IsDefined(time.Algorithm)) return $"its algorithm is {time.Algorithm}, which is none";
            if (!(double.IsFinite(time.Milliseconds) && time.Milliseconds > 0)) return $"its time of {time.Algorithm} is {time.Milliseconds}; it must be above 0";
        }

        return entry.Times.Zip(entry.Times.Skip(1)).All(pair => pair.First!.Milliseconds <= pair.Second!.Milliseconds) ? null : "its times are not in order";
    }

    // The reader takes null for an element of an array, whatever the array is of.
    internal sealed record Content(string Format, Entry?[] Entries);

    internal sealed record Entry(TuningKey Key, TunedTime?[] Times);
}

/// <summary>Readers and writers that the compiler generates: no reflection, safe for trimming.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TuningFile.Content))]
internal sealed partial class TuningJson : JsonSerializerContext;
