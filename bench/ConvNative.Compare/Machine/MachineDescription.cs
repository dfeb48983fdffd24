using System.Runtime.InteropServices;
using ConvNative.Simd;

namespace ConvNative.Compare.Machine;

/// <summary>Which machine a figure belongs to.</summary>
internal static class MachineDescription
{
    public static string Processor => ProcessorFromLinux() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown processor";

    public static string Summary =>
        $"{Processor}, {Environment.ProcessorCount} cores visible, {IsaSelection.Current}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";

    private static string? ProcessorFromLinux()
    {
        const string File = "/proc/cpuinfo";
        if (!System.IO.File.Exists(File)) return null;
        Dictionary<string, string> values = System.IO.File.ReadLines(File)
            .TakeWhile(line => line.Length > 0)
            .Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        string Value(string key) => values.GetValueOrDefault(key, "?");
        return $"{Value("model name")} (family {Value("cpu family")}, model {Value("model")})";
    }
}
