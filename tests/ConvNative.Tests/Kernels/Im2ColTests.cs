using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class Im2ColTests
{
    [Test]
    public void ReferenceGivesTheWorkedExample()
    {
        // A 2×3 image 1 2 3 / 4 5 6, a 1×2 kernel with dilation 2, stride 1, one column of padding on the left.
        var s = new ConvSizes(1, 1, 2, 3, 1, 1, 2, 2, 2, 1, 1, 1, 2, 0, 1, 0, 0, 1);
        float* x = stackalloc float[] { 1, 2, 3, 4, 5, 6 };
        using var col = new FencedFloats(8);
        Im2ColReference.Tile(s, x, 1, 0, 4, col.Pointer, 4);
        Assert.That(col.Span.ToArray(), Is.EqualTo((float[])[0, 1, 0, 4, 2, 3, 5, 6]));
    }

    [Test]
    public void TileEqualsReferenceForEveryWidthStrideDilation([Values] Isa isa)
    {
        var random = new Random(1);
        foreach (ConvSizes s in ColumnSizes.Sweep())
            CheckTile(isa, s, 0, s.OutputPixels, random);
    }

    [Test]
    public void TileEqualsReferenceForEveryPartOfTheImage([Values] Isa isa)
    {
        var random = new Random(2);
        foreach (ConvSizes s in ColumnSizes.Any(seed: 3, count: 3000))
        {
            int firstPixel = random.Next(s.OutputPixels);
            CheckTile(isa, s, firstPixel, random.Next(s.OutputPixels - firstPixel + 1), random);
        }
    }

    [Test]
    public void BatchInnermostEqualsReference([Values] Isa isa)
    {
        var random = new Random(4);
        foreach (ConvSizes s in ColumnSizes.Any(seed: 5, count: 1000))
        {
            nint columns = (nint)s.OutputPixels * s.N, ldcol = columns + random.Next(5);
            using FencedFloats x = new FencedFloats((long)s.N * s.IC * s.InputPixels).FillUniform(random);
            using var scratch = new FencedFloats((long)s.InputPixels * s.N);
            using var expected = new FencedFloats(s.KH * s.KW * ldcol);
            using var actual = new FencedFloats(s.KH * s.KW * ldcol);
            float* channel = x.Pointer + ((s.IC - 1) * s.InputPixels);
            Im2ColReference.BatchInnermost(s, channel, expected.Pointer, ldcol);
            Im2Col.BatchInnermost(isa, s, channel, scratch.Pointer, actual.Pointer, ldcol);
            Assert.That(actual.Bits.SequenceEqual(expected.Bits), $"{s}");
            Assert.That(actual.FencesHold && scratch.FencesHold && x.FencesHold, $"{s}");
        }
    }

    /// <summary>Rows lie ldcol ≥ pixels apart; the gaps keep their poison in both, so comparing all bits checks them too.</summary>
    private static void CheckTile(Isa isa, in ConvSizes s, int firstPixel, int pixels, Random random)
    {
        nint ldcol = pixels + random.Next(3);
        using FencedFloats x = new FencedFloats((long)s.IC * s.InputPixels).FillUniform(random);
        using var expected = new FencedFloats(s.PatchLength * ldcol);
        using var actual = new FencedFloats(s.PatchLength * ldcol);
        Im2ColReference.Tile(s, x.Pointer, s.IC, firstPixel, pixels, expected.Pointer, ldcol);
        Im2Col.Tile(isa, s, x.Pointer, s.IC, firstPixel, pixels, actual.Pointer, ldcol);
        if (!actual.Bits.SequenceEqual(expected.Bits) || !actual.FencesHold)
            Assert.Fail($"{s}, pixels {firstPixel} … {firstPixel + pixels}");
    }
}
