using System.Diagnostics;

namespace ConvNative.Tests.Support;

/// <summary>Runs the test assembly as a program: for what ends a process, or is decided when it starts.</summary>
internal static class ChildProcess
{
    public sealed record Result(int ExitCode, string Output, string Errors);

    public static Result Run(string[] arguments, params (string Variable, string? Value)[] environment) =>
        RunFrom(AppContext.BaseDirectory, arguments, environment);

    /// <summary>Runs a copy of the test assembly that stands in another folder.</summary>
    public static Result RunFrom(string folder, string[] arguments, params (string Variable, string? Value)[] environment)
    {
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet, ["exec", Path.Combine(folder, "ConvNative.Tests.dll"), .. arguments])
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
}
