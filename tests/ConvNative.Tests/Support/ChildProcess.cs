using System.Diagnostics;

namespace ConvNative.Tests.Support;

/// <summary>Runs the test assembly as a program: for what ends a process, or is decided when it starts.</summary>
internal static class ChildProcess
{
    private const string Program = "ConvNative.Tests";

    public sealed record Result(int ExitCode, string Output, string Errors);

    public static Result Run(string[] arguments, params (string Variable, string? Value)[] environment) =>
        RunFrom(AppContext.BaseDirectory, arguments, environment);

    /// <summary>Runs a copy of the test assembly that stands in another folder.</summary>
    public static Result RunFrom(string folder, string[] arguments, params (string Variable, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(ProgramIn(folder, out string[] before), [.. before, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach ((string variable, string? value) in environment) start.Environment[variable] = value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Result(process.ExitCode, output, errors.Result);
    }

    // Published, the test assembly is a program; else `dotnet exec` runs it.
    private static string ProgramIn(string folder, out string[] before)
    {
        string host = Environment.ProcessPath ?? "dotnet", file = Path.GetFileName(host);
        bool published = file is Program or $"{Program}.exe", dotnet = file is "dotnet" or "dotnet.exe";
        before = published ? [] : ["exec", Path.Combine(folder, $"{Program}.dll")];
        return published ? Path.Combine(folder, file) : dotnet ? host : "dotnet";
    }
}
