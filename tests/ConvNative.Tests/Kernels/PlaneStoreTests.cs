using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class PlaneStoreTests
{
    private const int Channels = 2, Vector = 16;

    [Test]
    public void WeaveWritesPointsAndLeavesTheRest([Values] Isa isa, [Values(2, 3)] int sw)
    {
        for (int count = 1; count <= (3 * Vector) + 1; count++)
        {
            int plane = (count * sw) + 3;
            using FencedFloats sums = new FencedFloats(Channels * count).FillUniform(new Random(count));
            using FencedFloats output = new FencedFloats(((Channels - 1) * plane) + ((count - 1) * sw) + 1).FillUniform(new Random(sw));
            float[] expected = output.Span.ToArray();
            for (int m = 0; m < Channels; m++)
            for (int j = 0; j < count; j++)
                expected[(m * plane) + (j * sw)] = sums.Span[(m * count) + j];
            PlaneStore.Weave(isa, sums.Pointer, count, Channels, sw, count, output.Pointer, plane);
            if (!output.FencesHold || !output.Span.SequenceEqual(expected)) Assert.Fail($"{count} points");
        }
    }

    // Every class first, rows that fill vectors and that do not, one after the other or apart.
    [Test]
    public void InterleavedWeavesTheClassesOfStrides([Values] Isa isa, [Values(1, 2, 3, 4)] int sw, [Values(1, 2, 3)] int sh, [Values(1, 3)] int rows, [Values(0, 3)] int apart)
    {
        for (int rw = 0; rw < sw; rw++)
        for (int columns = 1; columns <= (9 * Vector) + 2; columns += columns < 2 * Vector ? 1 : 5)
        {
            int rh = (columns + rw) % sh, pitch = ((columns + rw + sw - 1) / sw) + 1, classStride = (((rows + rh + sh - 1) / sh) * pitch) + 3;
            using FencedFloats sums = new FencedFloats((sh * sw * classStride) + (2 * Vector)).FillUniform(new Random(columns));
            int rowStride = columns + apart;
            using FencedFloats output = new FencedFloats(((rows - 1) * rowStride) + columns).FillUniform(new Random(sw));
            float[] expected = output.Span.ToArray();
            for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                expected[(i * rowStride) + j] = sums.Span[((((i + rh) % sh * sw) + ((j + rw) % sw)) * classStride) + ((i + rh) / sh * pitch) + ((j + rw) / sw)];
            PlaneStore.Interleaved(isa, sums.Pointer, classStride, sh, sw, pitch, rows, columns, output.Pointer, rowStride, rh, rw);
            if (!output.FencesHold || !output.Span.SequenceEqual(expected)) Assert.Fail($"{columns} columns from class {rh}, {rw} on");
        }
    }
}
