using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Tracing;

namespace ConvNative.Diagnostics;

/// <summary>
/// The events that <c>dotnet-trace collect --providers ConvNative</c> records. Without keywords: asked for none, the tool would record nothing
/// of a provider that has some.
/// </summary>
[EventSource(Name = Telemetry.Name)]
internal sealed class ConvEventSource : EventSource
{
    /// <summary>An algorithm was chosen for a direction; "None": the algorithm asked for refuses it.</summary>
    [Event(1, Level = EventLevel.Informational, Message = "{0} {1}: {2}")]
    public void DirectionPlanned(string problem, string direction, string algorithm) => WriteEvent(1, problem, direction, algorithm);

    /// <summary>A run has ended well. GFLOP/s count the operations of direct convolution.</summary>
    [Event(2, Level = EventLevel.Informational, Message = "{0} {1}: {2}, {3} ms, {4} GFLOP/s")]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Strings and numbers only: nothing is found by reflection.")]
    public unsafe void RunCompleted(string problem, string direction, string algorithm, double milliseconds, double gflops)
    {
        fixed (char* p = problem, d = direction, a = algorithm)
        {
            EventData* data = stackalloc EventData[5];
            data[0] = Text(p, problem.Length);
            data[1] = Text(d, direction.Length);
            data[2] = Text(a, algorithm.Length);
            data[3] = new EventData { DataPointer = (nint)(&milliseconds), Size = sizeof(double) };
            data[4] = new EventData { DataPointer = (nint)(&gflops), Size = sizeof(double) };
            WriteEventCore(2, 5, data);
        }
    }

    /// <summary>With the zero that ends a string in a trace.</summary>
    private static unsafe EventData Text(char* text, int length) => new() { DataPointer = (nint)text, Size = (length + 1) * sizeof(char) };
}
