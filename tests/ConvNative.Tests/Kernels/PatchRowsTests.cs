using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class PatchRowsTests
{
    private const int Channels = 35, Vector = 16;
    private static readonly nint[] Offsets = [0, 5, 2];

    [Test]
    public void RowsHoldWhatTheRunsRead([Values] Isa isa, [Values(1, 2, 3)] int stride)
    {
        for (int columns = 1; columns <= (2 * Vector) + 1; columns++)
        for (int points = 1; points <= (6 * Vector) + 1; points += 3)
        {
            if (!Holds(isa, stride, columns, points)) Assert.Fail($"{points} points in rows of {columns}");
        }
    }

    /// <summary>Points in rows of some columns; the source ends with the last pixel that is read.</summary>
    private static bool Holds(Isa isa, int stride, int columns, int points)
    {
        int pitch = ((columns - 1) * stride) + 3, rows = (points + columns - 1) / columns, K = Channels * Offsets.Length;
        int ld = points + Vector - 1 + (columns % 3);
        nint channelStride = rows * pitch;
        Run[] runs = [.. Runs(points, columns, pitch, stride)];
        Run last = runs[^1];
        nint length = ((Channels - 1) * channelStride) + Offsets.Max() + last.Source + ((last.Count - 1) * stride) + 1;
        if (rows > 1) length = Math.Max(length, ((Channels - 1) * channelStride) + Offsets.Max() + ((rows - 2) * pitch) + ((columns - 1) * stride) + 1);
        using FencedFloats source = new FencedFloats(length).FillUniform(new Random(points));
        using var target = new FencedFloats((long)K * ld);
        fixed (nint* offsets = Offsets)
        {
            var from = new PatchSource(source.Pointer, source.Pointer + length, channelStride, stride);
            PatchPacker.For(isa).Pack(from, Channels, offsets, Offsets.Length, runs, ld, target.Pointer);
        }

        bool equal = target.FencesHold;
        for (int p = 0; p < points; p++)
        for (int k = 0; k < K; k++)
        {
            nint at = (k / Offsets.Length * channelStride) + Offsets[k % Offsets.Length] + (p / columns * pitch) + (p % columns * stride);
            equal &= target.Span[(k * ld) + p] == source.Pointer[at];
        }

        return equal;
    }

    private static IEnumerable<Run> Runs(int points, int columns, int pitch, int stride)
    {
        for (int p = 0; p < points;)
        {
            int count = Math.Min(columns - (p % columns), points - p);
            yield return new Run((p / columns * pitch) + (p % columns * stride), p, count);
            p += count;
        }
    }
}
