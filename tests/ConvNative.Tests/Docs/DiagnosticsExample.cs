using System.Diagnostics.Metrics;
using ConvNative;

namespace ConvNative.Tests.Docs;

/// <summary>The code of docs/diagnostics.md.</summary>
internal static class DiagnosticsExample
{
    public static void Listen()
    {
        // <example>
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument is { Meter.Name: "ConvNative", Name: "convnative.throughput" }) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, gflops, tags, _) => Console.WriteLine($"{tags[0].Value} by {tags[1].Value}: {gflops:0.0} GFLOP/s"));
        listener.Start();
        // </example>

        ConvProblem problem = ConvProblem.Parse("mb1ic3ih8oc4oh8kh3ph1");
        using var conv = new Conv2d(problem);
        using Tensor x = new(problem.Input), w = new(problem.Weights), y = new(problem.Output);
        conv.Forward(x, w, null, y);
    }
}
