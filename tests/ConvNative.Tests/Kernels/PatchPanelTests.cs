using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class PatchPanelTests
{
    private const int Channels = 3, Vector = 16;
    private static readonly nint[] Offsets = [0, 5, 2];

    [Test]
    public void PanelsHoldWhatTheRunsRead([Values] Isa isa, [Values(1, 2, 3)] int stride, [Values(16, 48)] int NR)
    {
        for (int columns = 1; columns <= (2 * Vector) + 1; columns++)
        for (int points = 1; points <= (2 * NR) + 1; points += 3)
        {
            if (!Holds(isa, stride, NR, columns, points)) Assert.Fail($"{points} points in rows of {columns}");
        }
    }

    /// <summary>Points in rows of some columns; the source ends with the last pixel that is read.</summary>
    private static bool Holds(Isa isa, int stride, int NR, int columns, int points)
    {
        int pitch = ((columns - 1) * stride) + 3, rows = (points + columns - 1) / columns, K = Channels * Offsets.Length;
        int panels = (points + NR - 1) / NR;
        nint channelStride = rows * pitch;
        Run[] runs = [.. Runs(points, columns, pitch, stride, NR, K)];
        Run last = runs[^1];
        nint length = ((Channels - 1) * channelStride) + Offsets.Max() + last.Source + ((last.Count - 1) * stride) + 1;
        if (rows > 1) length = Math.Max(length, ((Channels - 1) * channelStride) + Offsets.Max() + ((rows - 2) * pitch) + ((columns - 1) * stride) + 1);
        using FencedFloats source = new FencedFloats(length).FillUniform(new Random(points));
        using var target = new FencedFloats(((long)panels * K * NR) + Vector);
        fixed (nint* offsets = Offsets)
        {
            var from = new PatchSource(source.Pointer, source.Pointer + length, channelStride, stride, isFar: columns % 2 == 0);
            PatchPacker.For(isa).Pack(from, Channels, offsets, Offsets.Length, runs, NR, target.Pointer);
        }

        bool equal = target.FencesHold;
        for (int p = 0; p < points; p++)
        for (int k = 0; k < K; k++)
        {
            nint at = (k / Offsets.Length * channelStride) + Offsets[k % Offsets.Length] + (p / columns * pitch) + (p % columns * stride);
            equal &= target.Span[(p / NR * K * NR) + (k * NR) + (p % NR)] == source.Pointer[at];
        }

        return equal;
    }

    private static IEnumerable<Run> Runs(int points, int columns, int pitch, int stride, int NR, int K)
    {
        for (int p = 0; p < points;)
        {
            int count = Math.Min(Math.Min(columns - (p % columns), NR - (p % NR)), points - p);
            yield return new Run((p / columns * pitch) + (p % columns * stride), (p / NR * K * NR) + (p % NR), count);
            p += count;
        }
    }
}
