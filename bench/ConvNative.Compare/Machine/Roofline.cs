using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Machine;

/// <summary>What a machine can do with so many threads.</summary>
/// <param name="Threads">Threads at once.</param>
/// <param name="PeakGflops">FMA peak in GFLOP/s, all threads together.</param>
/// <param name="CopyGBs">Copy bandwidth in GB/s, read plus written, all threads together.</param>
internal sealed record Roofline(int Threads, double PeakGflops, double CopyGBs)
{
    /// <summary>The larger of compute time and compulsory memory time: no direct method on tensors in memory is faster.</summary>
    public double Seconds(CompareCase one) => Seconds(one.Problem.Flops, one.CompulsoryBytes);

    public double Seconds(long flops, long bytes) => Math.Max(flops / (PeakGflops * 1e9), bytes / (CopyGBs * 1e9));
}
