using ConvNative.Algorithms;
using ConvNative.Planning;

namespace ConvNative;

/// <summary>
/// Which algorithm measured fastest for each direction of the problems that <see cref="Conv2d.Tune"/> timed, by machine, library version and
/// options. A <see cref="Conv2d"/> whose options carry it takes that algorithm where it finds one. The caller owns it; there is no other.
/// Thread-safe.
/// </summary>
public sealed class ConvTuning
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TuningKey, TunedTime[]> _entries;

    /// <summary>Nothing measured yet.</summary>
    public ConvTuning()
        : this([])
    {
    }

    private ConvTuning(Dictionary<TuningKey, TunedTime[]> entries) => _entries = entries;

    /// <summary>Directions of problems that it knows, those of other machines included.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _entries.Count;
        }
    }

    /// <summary>Reads what <see cref="Save"/> wrote, here or on another machine: what was measured elsewhere is kept, and not used here.</summary>
    /// <exception cref="InvalidDataException">The file is broken or holds something else; the message names it and tells what is wrong.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder's, or may not be read.</exception>
    public static ConvTuning Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new ConvTuning(TuningFile.Load(path));
    }

    /// <summary>
    /// Writes all of it as JSON, in place of what the file held. Written beside the target first and moved into place, so that a failure leaves an
    /// existing file as it was.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder's, or may not be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        KeyValuePair<TuningKey, TunedTime[]>[] entries;
        lock (_gate) entries = [.. _entries];
        TuningFile.Save(path, entries);
    }

    /// <summary>The algorithms that were timed, fastest first; null for what was not.</summary>
    internal TunedTime[]? Find(TuningKey key)
    {
        lock (_gate) return _entries.GetValueOrDefault(key);
    }

    /// <summary>Keeps times, fastest first, in place of earlier ones.</summary>
    internal void Remember(TuningKey key, TunedTime[] times)
    {
        lock (_gate) _entries[key] = times;
    }
}
