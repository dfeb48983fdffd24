using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class PatchFoldTests
{
    private const int Channels = 3, Vector = 16;

    // Each way to make pixel rows, with and without gaps; padding that cuts patches and that hides them; margins.
    [Test]
    public void Every_pixel_is_its_patchs_or_zero(
        [Values] Isa isa,
        [Values("1x1/1x2", "1x1/2x1", "1x1/2x2", "1x1/3x3", "2x2/2x2", "4x4/4x4", "2x2d2x2/4x3", "2x3/2x5", "3x1/3x1", "3x4/5x4", "3x3/3x3", "1x2/2x3", "2x8/2x8", "1x14/2x14", "2x16/2x16", "2x16d1x2/2x33", "1x17/1x19")] string shape)
    {
        foreach (int OW in (int[])[1, 2, 3, 5, 7, 8, 15, 16, 17, 33])
        foreach (int padding in (int[])[0, 1, 2, 5])
        foreach (int margin in (int[])[0, 1, 3])
        {
            ConvSizes s = Sizes(shape, OH: 1 + (OW % 4), OW, padding, margin);
            if (s.IH < 1 || s.IW < 1) continue;
            foreach (int part in (int[])[s.OH * s.OW, 1, 5, s.OW, (2 * s.OW) + 1])
            foreach (int rows in (int[])[Channels * s.KH * s.KW, s.KW, ((s.KH * 2) - 1) * s.KW])
                Check(isa, s, part, rows, $"{s}, parts of {part} × {rows}");
        }
    }

    /// <summary>Kernel, dilation and strides "KHxKW[dDHxDW]/SHxSW".</summary>
    private static ConvSizes Sizes(string shape, int OH, int OW, int padding, int margin)
    {
        int[] n = [.. shape.Replace("d", "/", StringComparison.Ordinal).Split('/', 'x').Select(int.Parse)];
        (int dh, int dw) = n.Length == 6 ? (n[2], n[3]) : (1, 1);
        (int KH, int KW, int sh, int sw) = (n[0], n[1], n[^2], n[^1]);
        // So many pixels, from the first patch on, belong to patches; so many more do not.
        int IH = ((OH - 1) * sh) + ((KH - 1) * dh) + 1 - padding + Math.Min(margin, sh - 1), IW = ((OW - 1) * sw) + ((KW - 1) * dw) + 1 - padding + Math.Min(margin, sw - 1);
        return new ConvSizes(1, Channels, IH, IW, 1, KH, KW, OH, OW, sh, sw, dh, dw, padding, padding, 0, 0, 1);
    }

    private static void Check(Isa isa, in ConvSizes s, int part, int rows, string what)
    {
        int ld = s.OH * s.OW, all = Channels * s.KH * s.KW;
        using FencedFloats columns = new FencedFloats((all * ld) + Vector).FillUniform(new Random(part));
        using FencedFloats dx = new FencedFloats(Channels * s.IH * s.IW).FillUniform(new Random(rows));
        float[] expected = new float[Channels * s.IH * s.IW];
        for (int row = 0; row < all; row++)
        for (int point = 0; point < ld; point++)
        {
            int h = (point / s.OW * s.sh) + (row / s.KW % s.KH * s.dh) - s.pt, w = (point % s.OW * s.sw) + (row % s.KW * s.dw) - s.pl;
            if (h >= 0 && h < s.IH && w >= 0 && w < s.IW) expected[(((row / (s.KH * s.KW) * s.IH) + h) * s.IW) + w] = columns.Span[(row * ld) + point];
        }

        // From the last part to the first: no part writes into another's pixels.
        for (int row = (all - 1) / rows * rows; row >= 0; row -= rows)
        for (int point = (ld - 1) / part * part; point >= 0; point -= part)
            PatchFold.Run(isa, s, columns.Pointer + (row * ld) + point, ld, row, Math.Min(rows, all - row), point, Math.Min(part, ld - point), dx.Pointer);
        if (!dx.FencesHold || !dx.Span.SequenceEqual(expected)) Assert.Fail(what);
    }
}
