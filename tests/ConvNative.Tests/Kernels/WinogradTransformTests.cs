using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary>The matrices compute a convolution exactly, and the vector transforms compute what the matrices say.</summary>
internal sealed unsafe class WinogradTransformTests
{
    // A double holds the products of small whole numbers with these points' powers but for the divisions in G: the sum is near a whole number.
    [Test]
    public void The_matrices_compute_a_convolution()
    {
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            double[,] d = Whole(random, 6), g = Whole(random, 3);
            double[,] u = WinogradMatrices.Transform(WinogradMatrices.FilterMatrix(), g).Value;
            double[,] v = WinogradMatrices.Transform(WinogradMatrices.InputMatrix(), d).Value;
            for (int i = 0; i < 6; i++)
            for (int j = 0; j < 6; j++) v[i, j] *= u[i, j];
            double[,] y = WinogradMatrices.Transform(WinogradMatrices.OutputMatrix(), v).Value;
            for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
            {
                double direct = 0;
                for (int k = 0; k < 9; k++) direct += d[i + (k / 3), j + (k % 3)] * g[k / 3, k % 3];
                Assert.That(y[i, j], Is.EqualTo(direct).Within(1e-9));
            }
        }
    }

    [Test]
    public void The_input_and_output_matrices_are_exact_in_float32()
    {
        foreach (double value in WinogradMatrices.InputMatrix()) Assert.That((double)(float)value, Is.EqualTo(value));
        foreach (double value in WinogradMatrices.OutputMatrix()) Assert.That((double)(float)value, Is.EqualTo(value));
    }

    // Tiles over image borders, rows and images; every lane count up to two panels.
    [Test]
    public void Input_is_the_transform_of_each_tile([Values] Isa isa)
    {
        foreach ((int h, int w, int pad) in new[] { (9, 13, 1), (4, 4, 0), (7, 7, 2), (1, 40, 1), (5, 3, -1) })
        {
            var s = Sizes(h, w, pad);
            (WinogradKernels kernels, int NR) = (WinogradKernels.For(isa), GemmKernel.For(isa).NR);
            int all = s.N * WinogradTiles.Image(s);
            for (int count = 1; count <= Math.Min(all, 2 * NR); count++)
            {
                using FencedFloats x = new FencedFloats(s.N * s.IC * s.InputPixels).FillUniform(new Random(count));
                var buffer = new WinogradBuffer(count, WinogradTiles.Across(s), kernels.Width);
                using var memory = new FencedFloats(buffer.Length);
                int panels = BlockSizes.CeilDiv(count, NR);
                using var v = new FencedFloats(36 * panels * NR);
                WinogradBlock block = WinogradBlock.At(buffer, s, memory.Pointer, all - count, count);
                kernels.Input(s, block, x.Pointer + s.InputPixels, v.Pointer, panels * NR, NR, NR);
                Assert.That(x.FencesHold && memory.FencesHold && v.FencesHold);
                for (int tile = 0; tile < count; tile++) AssertInput(s, x.Span, v.Span, all - count + tile, tile, panels * NR);
            }
        }
    }

    [Test]
    public void Filter_is_the_transform_of_each_kernel([Values] Isa isa, [Values] bool flipped, [Values(1, 3, 8)] int rows, [Values(1, 2, 9, 17)] int K)
    {
        int MR = GemmKernel.For(isa).MR;
        rows = Math.Min(rows, MR);
        using FencedFloats w = new FencedFloats(rows * K * 9).FillUniform(new Random(1));
        using var u = new FencedFloats(36 * K * MR);
        var order = new WinogradFilterOrder(K * 9, 9, flipped);
        WinogradKernels.For(isa).Filter(w.Pointer, order, rows, K, MR, u.Pointer, K * MR);
        Assert.That(w.FencesHold && u.FencesHold);
        var g = new double[3, 3];
        for (int k = 0; k < K; k++)
        for (int r = 0; r < MR; r++)
        {
            for (int t = 0; t < 9; t++) g[t / 3, t % 3] = r < rows ? w.Span[(((r * K) + k) * 9) + (flipped ? 8 - t : t)] : 0;
            (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.FilterMatrix(), g);
            for (int f = 0; f < 36; f++)
                AssertNear(u.Span[(f * K * MR) + (k * MR) + r], value[f / 6, f % 6], magnitude[f / 6, f % 6], $"K {k}, row {r}, product {f}");
        }
    }

    [Test]
    public void Output_is_the_transform_of_each_tile([Values] Isa isa, [Values] bool addend)
    {
        foreach ((int h, int w, int pad) in new[] { (9, 13, 1), (4, 4, 1), (7, 7, 1), (1, 41, 1), (6, 3, 1), (6, 2, 1), (3, 5, 1) })
        {
            var s = Sizes(h, w, pad);
            (WinogradKernels kernels, int NR) = (WinogradKernels.For(isa), GemmKernel.For(isa).NR);
            int all = s.N * WinogradTiles.Image(s), panels = BlockSizes.CeilDiv(all, NR);
            using FencedFloats m = new FencedFloats(36 * panels * NR).FillUniform(new Random(1));
            using FencedFloats bias = new FencedFloats(1).FillUniform(new Random(2)), residual = new FencedFloats(s.N * s.OC * s.OutputPixels).FillUniform(new Random(3));
            using var y = new FencedFloats(s.N * s.OC * s.OutputPixels);
            var buffer = new WinogradBuffer(all, WinogradTiles.Across(s), kernels.Width);
            using var memory = new FencedFloats(buffer.Length);
            WinogradBlock block = WinogradBlock.At(buffer, s, memory.Pointer, 0, all);
            TileStore epilogue = new() { Bias = bias.Pointer, Activation = Activation.LeakyRelu, Slope = 0.5f };
            if (addend) epilogue.Addend = residual.Pointer + s.OutputPixels;
            int untouched = y.Bits[0];
            kernels.Output(s, block, m.Pointer, panels * NR, NR, NR, y.Pointer + s.OutputPixels, epilogue);
            Assert.That(m.FencesHold && memory.FencesHold && y.FencesHold);
            for (int n = 0; n < s.N; n++)
            for (int p = 0; p < s.OutputPixels; p++)
            {
                Assert.That(y.Bits[(n * s.OC * s.OutputPixels) + p], Is.EqualTo(untouched), "the other channel");
                int at = (((n * s.OC) + 1) * s.OutputPixels) + p, oh = p / s.OW, ow = p % s.OW;
                int tile = (n * WinogradTiles.Image(s)) + (oh / 4 * WinogradTiles.Across(s)) + (ow / 4);
                var products = new double[6, 6];
                for (int f = 0; f < 36; f++) products[f / 6, f % 6] = m.Span[(f * panels * NR) + tile];
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.OutputMatrix(), products);
                double added = bias.Span[0] + (addend ? residual.Span[at] : 0.0), sum = value[oh % 4, ow % 4] + added;
                AssertNear(y.Span[at], sum < 0 ? sum / 2 : sum, magnitude[oh % 4, ow % 4] + 2, $"{h}x{w}, image {n}, pixel {oh},{ow}");
            }
        }
    }

    /// <summary>Two images of two channels.</summary>
    private static ConvSizes Sizes(int h, int w, int pad) => new()
    {
        N = 2, IC = 2, IH = h, IW = w, OC = 2, KH = 3, KW = 3, OH = h + (2 * pad) - 2 <= 0 ? 1 : h + (2 * pad) - 2, OW = w + (2 * pad) - 2 <= 0 ? 1 : w + (2 * pad) - 2,
        sh = 1, sw = 1, dh = 1, dw = 1, pt = pad, pl = pad, pb = pad, pr = pad, G = 1,
    };

    private static void AssertInput(in ConvSizes s, ReadOnlySpan<float> x, ReadOnlySpan<float> v, int tile, int lane, int productStride)
    {
        (int n, int inImage) = Math.DivRem(tile, WinogradTiles.Image(s));
        (int row, int column) = Math.DivRem(inImage, WinogradTiles.Across(s));
        var d = new double[6, 6];
        for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
        {
            (int ih, int iw) = ((4 * row) + i - s.pt, (4 * column) + j - s.pl);
            if (ih >= 0 && ih < s.IH && iw >= 0 && iw < s.IW) d[i, j] = x[((((n * s.IC) + 1) * s.IH) + ih) * s.IW + iw];
        }

        (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.InputMatrix(), d);
        for (int f = 0; f < 36; f++)
            AssertNear(v[(f * productStride) + lane], value[f / 6, f % 6], magnitude[f / 6, f % 6], $"{s.IH}x{s.IW}, tile {tile}, product {f}");
    }

    private static double[,] Whole(Random random, int size)
    {
        var matrix = new double[size, size];
        for (int i = 0; i < size * size; i++) matrix[i / size, i % size] = random.Next(-8, 9);
        return matrix;
    }

    /// <summary>Two passes of at most 6 terms each, with one rounding of each coefficient.</summary>
    private static void AssertNear(double actual, double expected, double magnitude, string what)
    {
        double bound = 16 * magnitude / (1 << 24);
        if (!(Math.Abs(actual - expected) <= bound)) Assert.Fail($"{what}: {actual:R} is further than {bound} from {expected:R}");
    }
}
