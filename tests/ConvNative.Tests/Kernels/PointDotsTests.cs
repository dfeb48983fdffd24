using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="PointDots"/> against its twin in plain loops: every number of channels, rows of every length around two vectors.</summary>
internal sealed unsafe class PointDotsTests
{
    private const int Gap = 3;

    [Test]
    public void Tiles_are_within_the_bound_of_their_sums([Values] Isa isa, [Values(1, 2, 3)] int channels)
    {
        nint* taps = stackalloc nint[PointDots.Taps] { 4, 0, 1, 7, 7, 2, 6, 3, 5 };
        for (int rows = 1; rows <= 3; rows++)
        for (int columns = 1; columns <= 34; columns++)
        {
            int pitch = columns + Gap;
            nint channel = rows * columns;
            using FencedFloats x = new FencedFloats(((rows - 1) * pitch) + columns + 7).FillUniform(new Random(columns));
            using FencedFloats y = new FencedFloats(channels * (int)channel).FillUniform(new Random(rows));
            using FencedFloats sums = new FencedFloats(PointDots.SumsLength).FillUniform(new Random(1)), expected = new(PointDots.SumsLength);
            sums.Span.CopyTo(expected.Span);
            var product = new PointDotsProduct { X = x.Pointer, Taps = taps, PitchX = pitch, Y = y.Pointer, PitchY = columns, StrideY = channel };
            (product.Rows, product.Columns) = (rows, columns);
            product.NextX = x.Pointer;
            product.Sums = sums.Pointer;
            PointDots.For(isa)[channels](&product);
            product.Sums = expected.Pointer;
            PointDotsReference.Run(&product, channels);
            Assert.That(x.FencesHold && y.FencesHold && sums.FencesHold);
            for (int i = 0; i < PointDots.SumsLength; i++)
                Assert.That(sums.Span[i], Is.EqualTo(expected.Span[i]).Within(rows * columns * 1e-6), $"{rows} rows of {columns}, sum {i}");
        }
    }

    [Test]
    public void Sums_of_channels_are_added([Values] Isa isa, [Values(1, 2, 3)] int channels)
    {
        double* sums = stackalloc double[3];
        for (int points = 1; points <= 70; points++)
        {
            using FencedFloats y = new FencedFloats(channels * points).FillUniform(new Random(points));
            for (int c = 0; c < 3; c++) sums[c] = c;
            PointDots.For(isa).SumChannels(y.Pointer, points, points, channels, sums);
            Assert.That(y.FencesHold);
            for (int c = 0; c < 3; c++)
            {
                double expected = c;
                for (int p = 0; c < channels && p < points; p++) expected += y.Span[(c * points) + p];
                Assert.That(sums[c], Is.EqualTo(expected).Within(points * 1e-6), $"{points} points, channel {c}");
            }
        }
    }
}
