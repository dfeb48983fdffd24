using System.Diagnostics;
using ConvNative.Compare.Report;
using Spectre.Console;

namespace ConvNative.Compare;

/// <summary>Shows how a run goes on: a bar with the time left, or a line per case when the output is redirected.</summary>
internal static class ProgressDisplay
{
    public static Task RunAsync(IAnsiConsole console, Comparison comparison, Func<IProgressSink, Task> body) =>
        console.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? RunLiveAsync(console, comparison, body)
            : body(new Lines(console, comparison));

    private static Task RunLiveAsync(IAnsiConsole console, Comparison comparison, Func<IProgressSink, Task> body) =>
        console.Progress()
            .Columns(new SpinnerColumn(), new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(context => body(new Bar(context.AddTask("starting", maxValue: comparison.TotalWeight), comparison)));

    /// <summary>Time left by the share of the work that is done.</summary>
    private sealed class Clock(Comparison comparison)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly double _total = comparison.TotalWeight;
        private double _done;

        public int Cases { get; private set; }

        public string Left => _done <= 0 ? "time left unknown" : $"{Stopwatch.GetElapsedTime(_start) * ((_total - _done) / _done):h\\:mm\\:ss} left";

        public void Add(double weight)
        {
            _done += weight;
            Cases++;
        }
    }

    private sealed class Bar(ProgressTask task, Comparison comparison) : IProgressSink
    {
        private readonly Clock _clock = new(comparison);
        private readonly int _cases = comparison.TotalCases;

        public void Status(string text) => task.Description = Markup.Escape($"{_clock.Cases}/{_cases}, {_clock.Left}: {text}");

        public void CaseDone(CaseReport report, double weight)
        {
            _clock.Add(weight);
            task.Increment(weight);
        }
    }

    private sealed class Lines(IAnsiConsole console, Comparison comparison) : IProgressSink
    {
        private readonly Clock _clock = new(comparison);
        private readonly int _cases = comparison.TotalCases;

        public void Status(string text)
        {
            // A line per case is enough in a log.
        }

        public void CaseDone(CaseReport report, double weight)
        {
            _clock.Add(weight);
            string figures = string.Join(", ", report.Results.Where(result => result.IsTimed).OrderBy(result => result.MinSeconds)
                .Select(result => $"{result.Contestant} {Format.Gflops(report.Flops, result.MinSeconds!.Value)}"));
            console.WriteLine($"{_clock.Cases}/{_cases} {report.Network}:{report.Layer} mb{report.Batch} {report.Direction} {report.Threads}t" +
                $"{(report.Noisy ? " NOISY" : "")}: {figures} GFLOP/s ({_clock.Left})");
        }
    }
}
