using System.Runtime.Intrinsics;
using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Kernels;

/// <summary>The epilogue of a product that is in memory: rows of every length from every place in a cache line, past the caches or not, against the formula.</summary>
internal sealed unsafe class EpilogueTests
{
    [Test]
    public void Rows_of_every_length_and_place_follow_the_formula([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values] bool streams)
    {
        const int rows = 3, stride = 70;
        var random = new Random(1);
        for (int place = 0; place < 16; place++)
        for (int columns = 0; columns <= 50; columns++)
        {
            using FencedFloats product = new FencedFloats(rows * stride).FillUniform(random), addend = new FencedFloats(rows * stride).FillUniform(random);
            using FencedFloats bias = new FencedFloats(rows).FillUniform(random), results = new(place + (rows * stride));
            bool adds = random.Next(2) == 0, hasBias = random.Next(2) == 0;
            var store = new TileStore
            {
                Rows = rows, Columns = columns, Bias = hasBias ? bias.Pointer : null, Addend = adds ? addend.Pointer : null, AddendStride = stride,
                Activation = Activation.Clip, Low = 0, High = float.PositiveInfinity, Streams = streams,
            };
            float[] expected = results.Span.ToArray();
            Epilogue.Copy(isa, store, product.Pointer, stride, results.Pointer + place, stride);
            StreamingStores.Fence();
            for (int r = 0; r < rows; r++)
            for (int j = 0; j < columns; j++)
            {
                float sum = product.Span[(r * stride) + j] + (hasBias ? bias.Span[r] : 0);
                expected[place + (r * stride) + j] = Math.Max(0, adds ? sum + addend.Span[(r * stride) + j] : sum);
            }

            for (int i = 0; i < expected.Length; i++)
                Assert.That(results.Bits[i], Is.EqualTo(BitConverter.SingleToInt32Bits(expected[i])), $"{columns} columns from {place} on, float {i}");
            Assert.That(results.FencesHold, $"{columns} columns from {place} on");
        }
    }

    // x + 0 would make of −0 a 0.
    [Test]
    public void Nothing_to_do_leaves_all_bits([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values] bool streams)
    {
        using FencedFloats product = new(40), results = new(40);
        product.Span.Fill(-0f);
        Epilogue.Copy(isa, new TileStore { Rows = 1, Columns = 40, Streams = streams }, product.Pointer, 0, results.Pointer, 0);
        StreamingStores.Fence();
        Assert.That(results.Bits.ContainsAnyExcept(int.MinValue), Is.False);
    }
}
