using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Peers;
using ConvNative.Compare.Report;
using ConvNative.Compare.Verification;

namespace ConvNative.Compare;

/// <summary>Is told how a run goes on.</summary>
internal interface IProgressSink
{
    void Status(string text);

    void CaseDone(CaseReport report, double weight);
}

/// <summary>A whole run: for each number of threads the machine's limits, every case with all contestants, and the limits again.</summary>
internal sealed class Comparison(CompareOptions options, CaseList cases, ContestantList contestants)
{
    private const double ProbeSeconds = 0.002;
    private const double FlopsPerSecondGuess = 20e9;   // only divides the progress bar among the cases

    /// <summary>The work of the run in the units that <see cref="IProgressSink.CaseDone"/> counts.</summary>
    public double TotalWeight => options.Threads.Count * cases.Layers.SelectMany(Cases).Sum(Weight);

    public int TotalCases => options.Threads.Count * cases.Layers.Sum(layer => Cases(layer).Count);

    /// <summary>Measures until done or stopped; what was measured by then is in the report either way.</summary>
    public async Task RunAsync(RunReport report, IProgressSink progress, CancellationToken stop)
    {
        string folder = ScratchFolder();
        try
        {
            foreach (int threads in options.Threads) await RunAsync(report, threads, folder, progress, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            report.Interrupted = true;
        }
        finally
        {
            report.Finished = DateTimeOffset.Now;
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunAsync(RunReport report, int threads, string folder, IProgressSink progress, CancellationToken stop)
    {
        progress.Status($"limits of the machine, {threads} threads");
        var limits = new MachineReport(threads, FmaPeak.Best(threads), CopyBandwidth.Best(threads));
        report.Limits.Add(limits);
        List<Contestant> started = contestants.Start(threads);
        try
        {
            foreach (Layer layer in cases.Layers) await RunAsync(report, layer, started, folder, progress, stop);
        }
        finally
        {
            foreach (Contestant contestant in started) contestant.Dispose();
        }

        limits.PeakAfter = FmaPeak.Best(threads);
        limits.CopyAfter = CopyBandwidth.Best(threads);
    }

    private async Task RunAsync(
        RunReport report, Layer layer, List<Contestant> started, string folder, IProgressSink progress, CancellationToken stop)
    {
        IReadOnlyList<CompareCase> directions = Cases(layer);
        if (directions.Count == 0) return;
        CaseData data = CaseData.Random(layer.Problem);
        foreach (CompareCase one in directions)
        {
            string title = $"{layer.Network}:{layer.Name} mb{layer.Problem.Input.N} {one.Direction} {started[0].Threads}t";
            var runner = new CaseRunner(options.Measure, report.Subject, folder, count => FmaPeak.Measure(count, ProbeSeconds), text => progress.Status($"{title}: {text}"));
            if (one == directions[0])
            {
                Directory.CreateDirectory(runner.DataFolder);
                data.Write(runner.DataFolder);
            }

            CaseReport result = await runner.RunAsync(one, data, started, stop);
            report.Cases.Add(result);
            progress.CaseDone(result, Weight(one));
        }
    }

    private IReadOnlyList<CompareCase> Cases(Layer layer) => CaseList.CasesOf(layer, options);

    private double Weight(CompareCase one) =>
        contestants.Modes.Count * Math.Max(options.Measure.Seconds, (options.Measure.Rounds + 3) * one.Problem.Flops / FlopsPerSecondGuess);

    // Memory if there is enough of it: written-back files would disturb what is measured.
    private string ScratchFolder()
    {
        const string Shared = "/dev/shm";
        long largest = cases.Layers.Select(layer => sizeof(float) * (layer.Problem.Input.Length + layer.Problem.Weights.Length + layer.Problem.Output.Length)).DefaultIfEmpty(0).Max();
        bool fits = Directory.Exists(Shared) && new DriveInfo(Shared).AvailableFreeSpace > 3 * largest;
        string folder = Path.Combine(fits ? Shared : Path.GetTempPath(), $"convnative-compare-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        return folder;
    }
}
