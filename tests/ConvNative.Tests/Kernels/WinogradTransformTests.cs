using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary>The matrices compute a convolution exactly, and the vector transforms compute what the matrices say.</summary>
internal sealed unsafe class WinogradTransformTests
{
    // A double holds the products of small whole numbers with these points' powers but for the divisions in G: the sum is near a whole number.
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    public void The_matrices_compute_a_convolution(int taps)
    {
        int reach = WinogradPoints.Reach(taps);
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            double[,] d = Whole(random, reach), g = Whole(random, taps);
            double[,] u = WinogradMatrices.Transform(WinogradMatrices.FilterMatrix(taps), g).Value;
            double[,] v = WinogradMatrices.Transform(WinogradMatrices.InputMatrix(taps), d).Value;
            for (int i = 0; i < reach; i++)
            for (int j = 0; j < reach; j++) v[i, j] *= u[i, j];
            double[,] y = WinogradMatrices.Transform(WinogradMatrices.OutputMatrix(taps), v).Value;
            for (int i = 0; i < WinogradPoints.Tile; i++)
            for (int j = 0; j < WinogradPoints.Tile; j++)
            {
                double direct = 0;
                for (int k = 0; k < taps * taps; k++) direct += d[i + (k / taps), j + (k % taps)] * g[k / taps, k % taps];
                Assert.That(y[i, j], Is.EqualTo(direct).Within(1e-9));
            }
        }
    }

    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    public void The_transposed_matrices_compute_the_gradient_of_the_kernel(int taps)
    {
        const int Tile = WinogradPoints.Tile;
        int reach = WinogradPoints.Reach(taps);
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            double[,] d = Whole(random, reach), dy = Whole(random, Tile);
            double[,] m = WinogradMatrices.Transform(WinogradMatrices.Transposed(WinogradMatrices.OutputMatrix(taps)), dy).Value;
            double[,] v = WinogradMatrices.Transform(WinogradMatrices.InputMatrix(taps), d).Value;
            for (int i = 0; i < reach; i++)
            for (int j = 0; j < reach; j++) v[i, j] *= m[i, j];
            double[,] dw = WinogradMatrices.Transform(WinogradMatrices.Transposed(WinogradMatrices.FilterMatrix(taps)), v).Value;
            for (int i = 0; i < taps; i++)
            for (int j = 0; j < taps; j++)
            {
                double direct = 0;
                for (int k = 0; k < Tile * Tile; k++) direct += d[i + (k / Tile), j + (k % Tile)] * dy[k / Tile, k % Tile];
                Assert.That(dw[i, j], Is.EqualTo(direct).Within(1e-9));
            }
        }
    }

    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    public void The_input_and_output_matrices_are_exact_in_float32(int taps)
    {
        foreach (double value in WinogradMatrices.InputMatrix(taps)) Assert.That((double)(float)value, Is.EqualTo(value));
        foreach (double value in WinogradMatrices.OutputMatrix(taps)) Assert.That((double)(float)value, Is.EqualTo(value));
    }

    // Tiles over image borders, rows, strips and images; every number of tiles.
    [Test]
    public void Input_is_the_transform_of_each_tile([Values] Isa isa, [Values(3, 4, 5)] int taps)
    {
        foreach ((int h, int w, int pad) in new[] { (9, 13, 1), (4, 4, 0), (7, 7, 2), (1, 40, 1), (3, 70, 0), (6, 5, -1), (4, 4, 6) })
        {
            WinogradKernels kernels = WinogradKernels.For(isa, Sizes(h, w, pad, 1, taps));
            int channels = kernels.Width + 1, tileStride = kernels.Width + 3;
            ConvSizes s = Sizes(h, w, pad, channels, taps);
            int all = s.N * WinogradStrip.InImage(s);
            for (int count = 1; count <= all; count += 1 + (count / 8))
            {
                int lanes = 1 + (count % kernels.Width);
                using FencedFloats x = new FencedFloats(s.N * s.IC * s.InputPixels).FillUniform(new Random(count));
                using FencedFloats buffer = new(kernels.BufferLength), v = new(WinogradPoints.Products(taps) * count * tileStride);
                int first = all - count, channel = channels - lanes;
                kernels.Input(s, first, count, x.Pointer + (channel * s.InputPixels), lanes, buffer.Pointer, v.Pointer, count * tileStride, tileStride);
                Assert.That(x.FencesHold && buffer.FencesHold && v.FencesHold);
                for (int tile = 0; tile < count; tile++)
                for (int lane = 0; lane < lanes; lane++)
                    AssertInput(s, x.Span, v.Span[((tile * tileStride) + lane)..], first + tile, channel + lane, count * tileStride);
            }
        }
    }

    [Test]
    public void Filter_is_the_transform_of_each_kernel([Values] Isa isa, [Values] bool flipped, [Values(1, 2, 9, 17)] int K, [Values(3, 4, 5)] int taps)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, new() { KH = taps, KW = taps });
        int kStride = kernels.Width + 3, size = taps * taps, reach = WinogradPoints.Reach(taps);
        for (int lanes = 1; lanes <= kernels.Width; lanes++)
        {
            using FencedFloats w = new FencedFloats(lanes * K * size).FillUniform(new Random(1));
            using var u = new FencedFloats(reach * reach * K * kStride);
            kernels.Filter(w.Pointer, new FilterOrder(K * size, size, flipped), lanes, K, u.Pointer, K * kStride, kStride);
            Assert.That(w.FencesHold && u.FencesHold);
            var g = new double[taps, taps];
            for (int k = 0; k < K; k++)
            for (int c = 0; c < kernels.Width; c++)
            {
                int kernel = (Math.Min(c, lanes - 1) * K) + k;
                for (int t = 0; t < size; t++) g[t / taps, t % taps] = w.Span[(kernel * size) + (flipped ? size - 1 - t : t)];
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.FilterMatrix(taps), g);
                for (int f = 0; f < reach * reach; f++)
                    AssertNear(u.Span[(((f * K) + k) * kStride) + c], value[f / reach, f % reach], magnitude[f / reach, f % reach], $"K {k}, channel {c}, product {f}");
            }
        }
    }

    [Test]
    public void Output_is_the_transform_of_each_tile([Values] Isa isa, [Values] bool addend, [Values(3, 4, 5)] int taps)
    {
        foreach ((int h, int w, int pad) in new[] { (9, 13, 1), (4, 4, 1), (7, 7, 1), (1, 41, 1), (6, 3, 1), (6, 2, 1), (3, 5, 1), (2, 75, 1) })
        {
            WinogradKernels kernels = WinogradKernels.For(isa, Sizes(h, w, pad, 1, taps));
            for (int lanes = 1; lanes <= kernels.Width; lanes += Math.Min(3, kernels.Width - 1)) CheckOutput(kernels, Sizes(h, w, pad, lanes + 1, taps), lanes, addend);
        }
    }

    // Tiles over image borders, rows, strips and images; every number of tiles.
    [Test]
    public void Output_gradient_is_the_transform_of_each_tile([Values] Isa isa, [Values(3, 4, 5)] int taps)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, Sizes(4, 4, 1, 1, taps));
        double[,] matrix = WinogradMatrices.Transposed(WinogradMatrices.OutputMatrix(taps));
        int reach = WinogradPoints.Reach(taps);
        foreach ((int h, int w) in new[] { (9, 13), (4, 4), (7, 7), (1, 41), (6, 5), (3, 6), (2, 75) })
        for (int lanes = 1; lanes <= kernels.Width; lanes += Math.Min(3, kernels.Width - 1))
        {
            ConvSizes s = Sizes(h, w, taps / 2, lanes + 1, taps);
            int all = s.N * WinogradStrip.InImage(s), count = 1 + ((all - 1) * lanes / kernels.Width), first = all - count;
            int tileStride = kernels.Width + 3, productStride = count * tileStride;
            using FencedFloats dy = new FencedFloats(s.N * s.OC * s.OutputPixels).FillUniform(new Random(1)), m = new(reach * reach * productStride);
            kernels.OutputGradient(s, first, count, dy.Pointer + s.OutputPixels, lanes, m.Pointer, productStride, tileStride);
            Assert.That(dy.FencesHold && m.FencesHold);
            for (int tile = 0; tile < count; tile++)
            for (int lane = 0; lane < lanes; lane++)
            {
                ReadOnlySpan<float> planes = dy.Span[((lane + 1) * s.OutputPixels)..];
                double[,] d = Window(planes, s.OC * s.OutputPixels, s.OH, s.OW, s, first + tile, WinogradPoints.Tile, 0);
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(matrix, d);
                for (int f = 0; f < reach * reach; f++)
                {
                    float actual = m.Span[(f * productStride) + (tile * tileStride) + lane];
                    AssertNear(actual, value[f / reach, f % reach], magnitude[f / reach, f % reach], $"{s.OH}x{s.OW}, tile {tile} of {count}, channel {lane}, product {f}");
                }
            }
        }
    }

    // The rows of the products are output channels, or, turned, input channels: the taps of a pair lie at either stride. In one step from products to dw,
    // or by way of the sums.
    [Test]
    public void Filter_gradient_is_the_transform_of_each_pair_of_channels(
        [Values] Isa isa, [Values(3, 4, 5)] int taps, [Values] bool turned, [Values] bool add, [Values] bool finish)
    {
        const int Rows = 3, Gap = 5;
        WinogradKernels kernels = WinogradKernels.For(isa, Sizes(4, 4, 1, 1, taps));
        int size = taps * taps, reach = WinogradPoints.Reach(taps);
        for (int columns = 1; columns <= (2 * kernels.Width) + 1; columns++)
        {
            int whole = BlockSizes.RoundUp(columns, kernels.Width), rowStride = whole + Gap, productStride = Rows * rowStride, sumsStride = (whole * size) + Gap;
            (int dwRow, int dwColumn) = turned ? (size, (Rows * size) + Gap) : ((columns * size) + Gap, size);
            using FencedFloats m = new FencedFloats(reach * reach * productStride).FillUniform(new Random(1)), sums = new FencedFloats(Rows * sumsStride).FillUniform(new Random(2));
            using FencedFloats dw = new(turned ? columns * dwColumn : Rows * dwRow);
            float[] before = sums.Span.ToArray();
            int untouched = dw.Bits[^1];
            if (finish)
            {
                kernels.FinishGradient(
                    Rows, columns, m.Pointer, productStride, rowStride, add ? sums.Pointer : null, sumsStride, dw.Pointer, dwRow, dwColumn);
            }
            else
            {
                kernels.FilterGradient(Rows, columns, m.Pointer, productStride, rowStride, sums.Pointer, sumsStride, add);
                kernels.StoreGradient(Rows, columns, sums.Pointer, sumsStride, dw.Pointer, dwRow, dwColumn);
            }

            Assert.That(m.FencesHold && sums.FencesHold && dw.FencesHold);
            int gap = turned ? Rows * size : columns * size, line = gap + Gap;
            for (int i = 0; i < dw.Bits.Length; i++)
                if (i % line >= gap) Assert.That(dw.Bits[i], Is.EqualTo(untouched), "the gap");
            var products = new double[reach, reach];
            for (int row = 0; row < Rows; row++)
            for (int column = 0; column < columns; column++)
            {
                for (int f = 0; f < reach * reach; f++) products[f / reach, f % reach] = m.Span[(f * productStride) + (row * rowStride) + column];
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.Transposed(WinogradMatrices.FilterMatrix(taps)), products);
                for (int t = 0; t < size; t++)
                {
                    int at = (row * sumsStride) + ((((column / kernels.Width) * size) + t) * kernels.Width) + (column % kernels.Width);
                    double sum = add ? before[at] : 0;
                    float actual = dw.Span[(row * dwRow) + (column * dwColumn) + t];
                    AssertNear(actual, sum + value[t / taps, t % taps], Math.Abs(sum) + magnitude[t / taps, t % taps], $"pair {row}, {column}, tap {t}");
                }
            }
        }
    }

    /// <summary>All tiles but the first, all channels but the first.</summary>
    private static void CheckOutput(in WinogradKernels kernels, in ConvSizes s, int lanes, bool addend)
    {
        const int First = 1;
        const int Size = WinogradPoints.Tile;
        int reach = WinogradPoints.Reach(s.KH), count = (s.N * WinogradStrip.InImage(s)) - First, tileStride = kernels.Width + 3, productStride = count * tileStride;
        using FencedFloats m = new FencedFloats(reach * reach * productStride).FillUniform(new Random(1));
        using FencedFloats bias = new FencedFloats(lanes).FillUniform(new Random(2)), residual = new FencedFloats(s.N * s.OC * s.OutputPixels).FillUniform(new Random(3));
        using var y = new FencedFloats(s.N * s.OC * s.OutputPixels);
        TileStore epilogue = new() { Bias = bias.Pointer, Activation = Activation.LeakyRelu, Slope = 0.5f };
        if (addend) epilogue.Addend = residual.Pointer + s.OutputPixels;
        int untouched = y.Bits[0];
        kernels.Output(s, First, count, m.Pointer, productStride, tileStride, lanes, y.Pointer + s.OutputPixels, epilogue);
        Assert.That(m.FencesHold && bias.FencesHold && residual.FencesHold && y.FencesHold);
        for (int n = 0; n < s.N; n++)
        for (int c = 0; c < s.OC; c++)
        for (int p = 0; p < s.OutputPixels; p++)
        {
            int at = (((n * s.OC) + c) * s.OutputPixels) + p, oh = p / s.OW, ow = p % s.OW;
            int tile = (n * WinogradStrip.InImage(s)) + (oh / Size * BlockSizes.CeilDiv(s.OW, Size)) + (ow / Size) - First;
            if (tile < 0 || c == 0)
            {
                Assert.That(y.Bits[at], Is.EqualTo(untouched), "not of these tiles and channels");
                continue;
            }

            var products = new double[reach, reach];
            for (int f = 0; f < reach * reach; f++) products[f / reach, f % reach] = m.Span[(f * productStride) + (tile * tileStride) + c - 1];
            (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.OutputMatrix(s.KH), products);
            double added = bias.Span[c - 1] + (addend ? residual.Span[at] : 0.0), sum = value[oh % Size, ow % Size] + added;
            AssertNear(y.Span[at], sum < 0 ? sum / 2 : sum, magnitude[oh % Size, ow % Size] + 2, $"{s.OH}x{s.OW}, image {n}, channel {c}, pixel {oh},{ow}");
        }
    }

    /// <summary>Two images.</summary>
    private static ConvSizes Sizes(int h, int w, int pad, int channels, int taps) => new()
    {
        N = 2, IC = channels, IH = h, IW = w, OC = channels, KH = taps, KW = taps, OH = Math.Max(1, h + (2 * pad) + 1 - taps), OW = Math.Max(1, w + (2 * pad) + 1 - taps),
        sh = 1, sw = 1, dh = 1, dw = 1, pt = pad, pl = pad, pb = pad, pr = pad, G = 1,
    };

    private static void AssertInput(in ConvSizes s, ReadOnlySpan<float> x, ReadOnlySpan<float> v, int tile, int channel, int productStride)
    {
        int reach = WinogradPoints.Reach(s.KH);
        double[,] d = Window(x[(channel * s.InputPixels)..], s.IC * s.InputPixels, s.IH, s.IW, s, tile, reach, s.pt);
        (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(WinogradMatrices.InputMatrix(s.KH), d);
        for (int f = 0; f < reach * reach; f++)
            AssertNear(v[f * productStride], value[f / reach, f % reach], magnitude[f / reach, f % reach], $"{s.IH}x{s.IW}, tile {tile}, product {f}");
    }

    /// <summary>What a tile sees of one channel's planes, zeros around them; <paramref name="planes"/>: the first image's, with one each imageStride.</summary>
    private static double[,] Window(ReadOnlySpan<float> planes, int imageStride, int height, int width, in ConvSizes s, int tile, int size, int pad)
    {
        (int n, int inImage) = Math.DivRem(tile, WinogradStrip.InImage(s));
        const int Step = WinogradPoints.Tile;
        (int row, int column) = Math.DivRem(inImage, BlockSizes.CeilDiv(s.OW, Step));
        var window = new double[size, size];
        for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++)
        {
            (int h, int w) = ((Step * row) + i - pad, (Step * column) + j - pad);
            if (h >= 0 && h < height && w >= 0 && w < width) window[i, j] = planes[(n * imageStride) + (h * width) + w];
        }

        return window;
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
