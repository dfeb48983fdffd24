using System.Runtime.InteropServices;
using System.Text;

namespace ConvNative.Interop;

/// <summary>One attempt to load a library: where, and why it failed (null: it did not).</summary>
internal sealed record NativeProbe(string Path, string? Failure);

/// <summary>The outcome of looking for a library: its handle (0: not found) and every attempt in order.</summary>
internal sealed record NativeLibraryProbe(string Library, nint Handle, IReadOnlyList<NativeProbe> Probes)
{
    public bool Found => Handle != 0;

    /// <summary>The path or name under which it was loaded.</summary>
    public string? Path => Found ? Probes[^1].Path : null;

    /// <summary>Tries each candidate; <paramref name="reject"/> may refuse a loaded library with a reason.</summary>
    public static NativeLibraryProbe Run(string library, IEnumerable<string> candidates, Func<nint, string?> reject)
    {
        var probes = new List<NativeProbe>();
        foreach (string candidate in candidates)
        {
            nint handle = 0;
            string? failure = Load(candidate, ref handle) ?? reject(handle);
            probes.Add(new NativeProbe(candidate, failure));
            if (failure is null) return new NativeLibraryProbe(library, handle, probes);
            if (handle != 0) NativeLibrary.Free(handle);
        }

        return new NativeLibraryProbe(library, 0, probes);
    }

    /// <summary>A library that the program itself holds.</summary>
    public static NativeLibraryProbe Linked(string library) =>
        new(library, NativeLibrary.GetMainProgramHandle(), [new NativeProbe("linked into the program", null)]);

    /// <summary>Every path tried with its reason, and what to do.</summary>
    public string Explain(string advice)
    {
        var text = new StringBuilder($"{Library} could not be loaded. {advice} Tried:");
        if (Probes.Count == 0) text.Append(" nothing.");
        foreach (NativeProbe probe in Probes) text.Append($"\n  {probe.Path}: {probe.Failure ?? "loaded"}");
        return text.ToString();
    }

    private static string? Load(string candidate, ref nint handle)
    {
        if (System.IO.Path.IsPathRooted(candidate) && !File.Exists(candidate)) return "no such file";
        try
        {
            handle = NativeLibrary.Load(candidate);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return e.Message.ReplaceLineEndings(" ");
        }
    }
}
