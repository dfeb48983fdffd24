using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="LaneKernels"/> against their twins in plain loops: every number of pixels, vectors, lanes and taps.</summary>
internal sealed unsafe class LaneProductTests
{
    [Test]
    public void Products_are_exact_for_whole_numbers([Values] Isa isa)
    {
        LaneKernels kernels = LaneKernels.For(isa);
        LaneSkip* skips = stackalloc LaneSkip[2];
        for (int vectors = 1; vectors <= kernels.MostVectors; vectors++)
            for (int pixels = 1; pixels <= kernels.MostPixels; pixels++)
                foreach ((int rows, int K) in ((int, int)[])[(1, 1), (1, 7), (3, 2), (2, 40)])
                    foreach (LaneSkip skip in Enum.GetValues<LaneSkip>())
                    {
                        if (skip is not (LaneSkip.None or LaneSkip.All) && ((int)skip - 1) % 3 >= pixels - 1) continue;
                        (skips[0], skips[1]) = (skip, LaneSkip.None);
                        int lanes = vectors * kernels.Width, rowStep = pixels + 3, kStep = (rows * rowStep) + 1, tapStep = (K * lanes) + 3, rowTaps = 2 * tapStep;
                        using FencedFloats a = Whole(((K - 1) * kStep) + ((rows - 1) * rowStep) + pixels + 1, 1), b = Whole(((rows - 1) * rowTaps) + tapStep + (K * lanes), 2);
                        using FencedFloats c = Whole(pixels * lanes, 3), expected = Whole(pixels * lanes, 3);
                        var product = new LaneProduct
                        {
                            A = a.Pointer, RowStep = rowStep, ColumnStep = 1, KStep = kStep, B = b.Pointer, RowTaps = rowTaps, TapStep = tapStep,
                            Rows = rows, Columns = 2, Skips = skips, K = K, C = c.Pointer,
                        };
                        kernels.Of(vectors)(product, pixels);
                        LaneReference.Multiply(product with { C = expected.Pointer }, pixels, lanes);
                        Assert.That(
                            c.FencesHold && a.FencesHold && b.FencesHold && c.Bits.SequenceEqual(expected.Bits),
                            $"{pixels} pixels, {vectors} vectors, {rows} rows, K {K}, {skip}");
                    }
    }

    [Test]
    public void Kernels_are_turned_for_every_number_of_lanes_and_taps([Values] Isa isa, [Values] bool flipped)
    {
        LaneKernels kernels = LaneKernels.For(isa);
        for (int lanes = 1; lanes <= kernels.Width; lanes++)
            foreach (int taps in (int[])[4, 5, 7, 8, 9, 25])
                foreach (int K in (int[])[1, 5])
                {
                    // The last kernel ends with the memory.
                    FilterOrder order = flipped ? new(taps, (kernels.Width * taps) + 1, true) : new((K * taps) + 1, taps, false);
                    int kStride = kernels.Width + 1, tapStride = (K * kStride) + 2, length = ((taps - 1) * tapStride) + ((K - 1) * kStride) + kernels.Width;
                    using FencedFloats w = Whole((int)(((lanes - 1) * order.LaneStride) + ((K - 1) * order.KStride)) + taps, lanes), u = new(length), expected = new(length);
                    kernels.Filter(w.Pointer, order, taps, lanes, K, u.Pointer, tapStride, kStride);
                    LaneReference.Turn(w.Pointer, order, taps, lanes, K, expected.Pointer, tapStride, kStride);
                    Assert.That(u.FencesHold && w.FencesHold);
                    for (int t = 0; t < taps; t++)
                        for (int k = 0; k < K; k++)
                        {
                            int at = (t * tapStride) + (k * kStride);
                            Assert.That(u.Bits.Slice(at, lanes).SequenceEqual(expected.Bits.Slice(at, lanes)), $"{lanes} lanes, tap {t} of {taps}, k {k}");
                        }
                }
    }

    private static FencedFloats Whole(int length, int seed) => new FencedFloats(length).FillWhole(new Random(seed));
}
