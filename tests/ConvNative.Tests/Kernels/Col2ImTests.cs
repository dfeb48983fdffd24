using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class Col2ImTests
{
    [Test]
    public void ReferenceGivesTheWorkedExample()
    {
        // Every pixel of a 3×3 image lies in as many 2×2 patches as its place allows.
        var s = new ConvSizes(1, 1, 3, 3, 1, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 1);
        using var dcol = new FencedFloats(16);
        using var dx = new FencedFloats(9);
        dcol.Span.Fill(1);
        dx.Span.Fill(10);
        Col2ImReference.Tile(s, dcol.Pointer, 4, 1, 0, 4, dx.Pointer);
        Assert.That(dx.Span.ToArray(), Is.EqualTo((float[])[11, 12, 11, 12, 14, 12, 11, 12, 11]));
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
    public void ImagesLargerThanABandEqualReference([Values] Isa isa, [Values(1, 2, 3)] int stride)
    {
        const int Size = 150, K = 5;
        int output = ((Size + 4 - K) / stride) + 1;
        var s = new ConvSizes(1, 2, Size, Size, 1, K, K, output, output, stride, stride, 1, 1, 2, 2, 2, 2, 1);
        CheckTile(isa, s, 0, s.OutputPixels, new Random(6));
        CheckTile(isa, s, output + 7, s.OutputPixels - (3 * output), new Random(7));
    }

    [Test]
    public void BatchInnermostEqualsReference([Values] Isa isa)
    {
        var random = new Random(4);
        foreach (ConvSizes s in ColumnSizes.Any(seed: 5, count: 1000))
        {
            nint columns = (nint)s.OutputPixels * s.N, ldcol = columns + random.Next(5);
            using FencedFloats dcol = new FencedFloats(s.KH * s.KW * ldcol).FillUniform(random);
            using var scratch = new FencedFloats((long)s.InputPixels * s.N);
            using var expected = new FencedFloats((long)s.N * s.IC * s.InputPixels);
            using var actual = new FencedFloats((long)s.N * s.IC * s.InputPixels);
            nint channel = (s.IC - 1) * s.InputPixels;
            Col2ImReference.BatchInnermost(s, dcol.Pointer, ldcol, expected.Pointer + channel);
            Col2Im.BatchInnermost(isa, s, dcol.Pointer, ldcol, scratch.Pointer, actual.Pointer + channel);
            Assert.That(actual.Bits.SequenceEqual(expected.Bits), $"{s}");
            Assert.That(actual.FencesHold && scratch.FencesHold && dcol.FencesHold, $"{s}");
        }
    }

    // The tile begins far beyond the only pixel that the row of outputs adds to.
    [Test]
    public void NothingIsAddedFarBeyondTheImage([Values] Isa isa, [Values(0, 8)] int pixels)
    {
        const int Width = 600_000_000, First = 590_000_000;
        var s = new ConvSizes(1, 1, 1, 1, 1, 1, 1, 1, Width, 1, 1, 1, 1, 0, 0, 0, Width - 1, 1);
        using var dcol = new GuardedBuffer(8, GuardedBuffer.Edge.Start);
        using var dx = new GuardedBuffer(1, GuardedBuffer.Edge.End);
        *dx.Pointer = 3;
        Col2Im.Tile(isa, s, dcol.Pointer, 8, 1, First, pixels, dx.Pointer);
        Assert.That(*dx.Pointer, Is.EqualTo(3));
    }

    [Test]
    public void IsTheAdjointOfIm2Col([Values] Isa isa)
    {
        // <im2col(x), c> = <x, col2im(c)>, exactly: all values are small whole numbers.
        var random = new Random(8);
        foreach (ConvSizes s in ColumnSizes.Any(seed: 9, count: 500))
        {
            using FencedFloats x = new FencedFloats((long)s.IC * s.InputPixels).FillWhole(random);
            using FencedFloats c = new FencedFloats((long)s.PatchLength * s.OutputPixels).FillWhole(random);
            using var col = new FencedFloats(c.Length);
            using var dx = new FencedFloats(x.Length);
            dx.Span.Clear();
            Im2Col.Tile(isa, s, x.Pointer, s.IC, 0, s.OutputPixels, col.Pointer, s.OutputPixels);
            Col2Im.Tile(isa, s, c.Pointer, s.OutputPixels, s.IC, 0, s.OutputPixels, dx.Pointer);
            Assert.That(Dot(x, dx), Is.EqualTo(Dot(col, c)), $"{s}");
        }
    }

    private static double Dot(FencedFloats a, FencedFloats b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a.Span[i] * b.Span[i];
        return sum;
    }

    /// <summary>The rows' gaps are NaN: adding one of them would show.</summary>
    private static void CheckTile(Isa isa, in ConvSizes s, int firstPixel, int pixels, Random random)
    {
        nint ldcol = pixels + random.Next(3);
        using var dcol = new FencedFloats(s.PatchLength * ldcol);
        for (int row = 0; row < s.PatchLength; row++)
        {
            foreach (ref float value in new Span<float>(dcol.Pointer + (row * ldcol), pixels))
                value = (2 * random.NextSingle()) - 1;
        }

        using FencedFloats actual = new FencedFloats((long)s.IC * s.InputPixels).FillUniform(random);
        using var expected = new FencedFloats(actual.Length);
        actual.Span.CopyTo(expected.Span);
        Col2ImReference.Tile(s, dcol.Pointer, ldcol, s.IC, firstPixel, pixels, expected.Pointer);
        Col2Im.Tile(isa, s, dcol.Pointer, ldcol, s.IC, firstPixel, pixels, actual.Pointer);
        if (!actual.Bits.SequenceEqual(expected.Bits) || !actual.FencesHold)
            Assert.Fail($"{s}, pixels {firstPixel} … {firstPixel + pixels}");
    }
}
