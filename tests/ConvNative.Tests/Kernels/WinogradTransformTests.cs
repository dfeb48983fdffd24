using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary>The matrices compute a convolution exactly, and the vector transforms compute what the matrices say.</summary>
internal sealed unsafe class WinogradTransformTests
{
    // Images whose tiles are whole, and have fewer rows or columns at the edges, of each kind; smaller than a tile; all around the padding; planes that are whole pages.
    private static readonly (int H, int W, int Pad)[] Images =
    [
        (9, 13, 1), (4, 4, 0), (7, 7, 2), (1, 40, 1), (3, 70, 0), (6, 5, -1), (4, 4, 6), (14, 16, 1), (16, 14, 1), (8, 58, 1), (14, 8, 1), (12, 12, 1), (16, 64, 1), (32, 32, 3), (8, 128, -1),
    ];

    private static readonly (int Taps, int Tile)[] Schemes = [(3, 4), (4, 4), (5, 4), (3, 6)];

    /// <summary>A scheme in an instruction set.</summary>
    internal readonly record struct Transforms(Isa Isa, int Taps, int Tile)
    {
        public override string ToString() => $"{Isa} F({Tile}, {Taps})";
    }

    /// <summary>Tiles of so many rows and columns of outputs.</summary>
    private static IEnumerable<TestCaseData> Tiles()
    {
        foreach ((int taps, int tile) in Schemes)
        {
            int[] outputs = taps > 3 ? [tile] : tile == 4 ? [4, 2] : [6, 4, 2];
            foreach (int rows in outputs)
            foreach (int columns in outputs) yield return new TestCaseData(taps, tile, rows, columns);
        }
    }

    private static IEnumerable<Transforms> All() => Enum.GetValues<Isa>().SelectMany(isa => Schemes.Select(scheme => new Transforms(isa, scheme.Taps, scheme.Tile)));

    // A double holds the products of small whole numbers with these points' powers but for the divisions in G: the sum is near a whole number.
    [TestCaseSource(nameof(Tiles))]
    public void The_matrices_compute_a_convolution(int taps, int tile, int rows, int columns)
    {
        WinogradMatrices down = new(taps, tile, rows), across = new(taps, tile, columns);
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            double[,] d = Whole(random, down.Inputs, across.Inputs), g = Whole(random, taps, taps);
            double[,] u = WinogradMatrices.Transform(down.Filter(), g, across.Filter()).Value, v = WinogradMatrices.Transform(down.Input(), d, across.Input()).Value;
            double[,] y = WinogradMatrices.Transform(down.Output(), Products(u, v), across.Output()).Value;
            for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                double direct = 0;
                for (int k = 0; k < taps * taps; k++) direct += d[i + (k / taps), j + (k % taps)] * g[k / taps, k % taps];
                Assert.That(y[i, j], Is.EqualTo(direct).Within(1e-9));
            }
        }
    }

    [TestCaseSource(nameof(Tiles))]
    public void The_transposed_matrices_compute_the_gradient_of_the_kernel(int taps, int tile, int rows, int columns)
    {
        WinogradMatrices down = new(taps, tile, rows, gradient: true), across = new(taps, tile, columns, gradient: true);
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            double[,] d = Whole(random, down.Inputs, across.Inputs), dy = Whole(random, rows, columns);
            double[,] m = WinogradMatrices.Transform(WinogradMatrices.Transposed(down.Output()), dy, WinogradMatrices.Transposed(across.Output())).Value;
            double[,] v = WinogradMatrices.Transform(down.Input(), d, across.Input()).Value;
            double[,] dw = WinogradMatrices.Transform(
                WinogradMatrices.Transposed(down.Filter()), Products(m, v), WinogradMatrices.Transposed(across.Filter())).Value;
            for (int i = 0; i < taps; i++)
            for (int j = 0; j < taps; j++)
            {
                double direct = 0;
                for (int k = 0; k < rows * columns; k++) direct += d[i + (k / columns), j + (k % columns)] * dy[k / columns, k % columns];
                Assert.That(dw[i, j], Is.EqualTo(direct).Within(1e-9));
            }
        }
    }

    // Without the factors that Aᵀ has for y, which are no binary fractions.
    [TestCaseSource(nameof(Tiles))]
    public void The_input_and_output_matrices_are_exact_in_float32(int taps, int tile, int rows, int columns)
    {
        WinogradMatrices down = new(taps, tile, rows, gradient: true), across = new(taps, tile, columns, gradient: true);
        foreach (double[,] matrix in (double[][,])[down.Input(), down.Output(), across.Input(), across.Output()])
            foreach (double value in matrix) Assert.That((double)(float)value, Is.EqualTo(value));
    }

    // Every tile of every kind; what each has of the products, and the ranges of tiles that have a product.
    [TestCaseSource(nameof(All))]
    public void The_tiles_cover_each_output_once_and_those_with_a_product_are_neighbours(Transforms of)
    {
        (Isa isa, int taps, int tile) = of;
        for (int h = 1; h <= (2 * tile) + 1; h++)
        for (int w = 1; w <= (2 * tile) + 1; w++)
        {
            ConvSizes s = Sizes(h, w, taps / 2, 1, taps) with { OH = h, OW = w };
            WinogradKernels kernels = WinogradKernels.For(isa, s, tile);
            WinogradGrid grid = kernels.Grid;
            int[] covered = new int[s.N * h * w];
            int[] products = new int[grid.Products];
            for (long first = 0; first < grid.Tiles; first++)
            {
                WinogradStrip strip = grid.At(first, 1);
                (WinogradMatrices down, WinogradMatrices across) = MatricesOf(grid, strip, out int rows, out int columns);
                for (int i = strip.Row; i < Math.Min(h, strip.Row + rows); i++)
                for (int j = strip.Column; j < Math.Min(w, strip.Column + columns); j++) covered[(((strip.Image * h) + i) * w) + j]++;
                for (int f = 0; f < grid.Products; f++)
                {
                    bool has = down.Has(f / grid.Reach) && across.Has(f % grid.Reach);
                    products[f] += has ? 1 : 0;
                    Assert.That(kernels.TilesWith(f, first, 1).Count, Is.EqualTo(has ? 1 : 0));
                }
            }

            Assert.That(covered, Is.All.EqualTo(1), $"{h}x{w}");
            for (int f = 0; f < grid.Products; f++) Assert.That(kernels.TilesWith(f, 0, (int)grid.Tiles).Count, Is.EqualTo(products[f]));
            if (h == w) CheckRanges(kernels);
            Assert.That(grid.WholeTiles * grid.Products, Is.EqualTo(products.Sum()).Within(1e-6));
        }
    }

    /// <summary>Of any tiles that follow each other, those that have a product, and the rows that are computed for them.</summary>
    private static void CheckRanges(in WinogradKernels kernels)
    {
        WinogradGrid grid = kernels.Grid;
        for (int first = 0; first < grid.Tiles; first++)
        for (int count = 1; count <= grid.Tiles - first; count++)
        for (int f = 0; f < grid.Products; f++)
        {
            (int from, int with) = kernels.TilesWith(f, first, count);
            for (int t = 0; t < count; t++)
            {
                bool has = kernels.TilesWith(f, first + t, 1).Count == 1;
                if (has != (t >= from && t < from + with)) Assert.Fail($"product {f}, tile {t} of {first} … {first + count}");
            }

            if (with > 0) Assert.That(from + RowGemm.RowsOf(with), Is.LessThanOrEqualTo(RowGemm.RowsOfParts(count)));
        }
    }

    // Tiles over image borders, rows, strips and images; every number of tiles.
    [TestCaseSource(nameof(All))]
    public void Input_is_the_transform_of_each_tile(Transforms of)
    {
        (Isa isa, int taps, int tile) = of;
        foreach ((int h, int w, int pad) in Images)
        {
            int channels = WinogradKernels.For(isa, Sizes(h, w, pad, 1, taps), tile).Width + 1;
            ConvSizes s = Sizes(h, w, pad, channels, taps);
            WinogradKernels kernels = WinogradKernels.For(isa, s, tile);
            int all = (int)kernels.Grid.Tiles, tileStride = kernels.Width + 3;
            for (int count = 1; count <= all; count += 1 + (count / 4))
            {
                int lanes = 1 + (count % kernels.Width);
                using FencedFloats x = new FencedFloats(s.N * s.IC * s.InputPixels).FillUniform(new Random(count));
                using FencedFloats buffer = new(kernels.BufferLength), v = new(kernels.Grid.Products * count * tileStride);
                int first = (all - count) * (count % 2), channel = channels - lanes, untouched = v.Bits[0];
                kernels.Input(s, first, count, x.Pointer + (channel * s.InputPixels), lanes, buffer.Pointer, v.Pointer, count * tileStride, tileStride);
                Assert.That(x.FencesHold && buffer.FencesHold && v.FencesHold);
                for (int t = 0; t < count; t++)
                for (int lane = 0; lane < lanes; lane++)
                {
                    WinogradStrip strip = kernels.Grid.At(first + t, 1);
                    (WinogradMatrices down, WinogradMatrices across) = MatricesOf(kernels.Grid, strip, out _, out _);
                    double[,] d = Window(
                        x.Span[((channel + lane) * s.InputPixels)..], s.IC * s.InputPixels, s.IH, s.IW, strip, down.Inputs, across.Inputs, s.pt);
                    (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(down.Input(), d, across.Input());
                    AssertProducts(
                        v, (t * tileStride) + lane, count * tileStride, down, across, value, magnitude, untouched, $"{h}x{w}, tile {t} of {count}, channel {lane}");
                }
            }
        }
    }

    [TestCaseSource(nameof(All))]
    public void Filter_is_the_transform_of_each_kernel(Transforms of)
    {
        (Isa isa, int taps, int tile) = of;
        WinogradKernels kernels = WinogradKernels.For(isa, new() { KH = taps, KW = taps }, tile);
        int kStride = kernels.Width + 3, size = taps * taps, products = kernels.Grid.Products, reach = kernels.Grid.Reach;
        double[,] matrix = new WinogradMatrices(taps, tile, tile).Filter();
        foreach (bool flipped in (bool[])[false, true])
        foreach (bool near in (bool[])[false, true])
        foreach (int K in (int[])[1, 2, 9])
        for (int lanes = 1; lanes <= kernels.Width; lanes++)
        {
            using FencedFloats w = new FencedFloats(lanes * K * size).FillUniform(new Random(1));
            using var u = new FencedFloats(products * K * kStride);
            // Near: kernels of neighbouring lanes follow each other, as dx has them.
            FilterOrder order = near ? new(size, lanes * size, flipped) : new(K * size, size, flipped);
            kernels.Filter(w.Pointer, order, lanes, K, u.Pointer, K * kStride, kStride);
            Assert.That(w.FencesHold && u.FencesHold);
            var g = new double[taps, taps];
            for (int k = 0; k < K; k++)
            for (int c = 0; c < kernels.Width; c++)
            {
                int kernel = (c * (int)order.LaneStride) + (k * (int)order.KStride);
                for (int t = 0; t < size; t++) g[t / taps, t % taps] = c < lanes ? w.Span[kernel + (flipped ? size - 1 - t : t)] : 0;
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(matrix, g, matrix);
                for (int f = 0; f < products; f++)
                    AssertNear(u.Span[(((f * K) + k) * kStride) + c], value[f / reach, f % reach], magnitude[f / reach, f % reach], $"K {k}, channel {c}, product {f}");
            }
        }
    }

    [Test]
    public void Output_is_the_transform_of_each_tile([ValueSource(nameof(All))] Transforms of, [Values] bool addend)
    {
        (Isa isa, int taps, int tile) = of;
        foreach ((int h, int w) in new[] { (9, 13), (4, 4), (7, 7), (1, 41), (6, 3), (6, 2), (3, 5), (2, 75), (14, 8), (8, 16), (16, 58), (5, 11), (16, 64), (32, 32), (8, 128) })
        {
            int width = WinogradKernels.For(isa, Sizes(h, w, 1, 1, taps), tile).Width;
            for (int lanes = 1; lanes <= width; lanes += Math.Min(5, width - 1)) CheckOutput(isa, Sizes(h, w, 1, lanes + 1, taps), tile, lanes, addend);
        }
    }

    // Tiles over image borders, rows, strips and images; every number of tiles.
    [TestCaseSource(nameof(All))]
    public void Output_gradient_is_the_transform_of_each_tile(Transforms of)
    {
        (Isa isa, int taps, int tile) = of;
        int width = WinogradKernels.For(isa, Sizes(4, 4, 1, 1, taps), tile).Width;
        foreach ((int h, int w) in new[] { (9, 13), (4, 4), (7, 7), (1, 41), (6, 5), (3, 6), (2, 75), (14, 8), (8, 16), (16, 58), (5, 11), (16, 64), (32, 32), (8, 128) })
        for (int lanes = 1; lanes <= width; lanes += Math.Min(5, width - 1))
        {
            ConvSizes s = Sizes(h, w, taps / 2, lanes + 1, taps);
            WinogradKernels kernels = WinogradKernels.For(isa, s, tile);
            WinogradGrid grid = kernels.Grid;
            int all = (int)grid.Tiles, count = 1 + ((all - 1) * lanes / width), first = (all - count) * (lanes % 2);
            int tileStride = width + 3, productStride = count * tileStride;
            using FencedFloats dy = new FencedFloats(s.N * s.OC * s.OutputPixels).FillUniform(new Random(1)), m = new(grid.Products * productStride);
            int untouched = m.Bits[0];
            kernels.OutputGradient(s, first, count, dy.Pointer + s.OutputPixels, lanes, m.Pointer, productStride, tileStride);
            Assert.That(dy.FencesHold && m.FencesHold);
            for (int t = 0; t < count; t++)
            for (int lane = 0; lane < lanes; lane++)
            {
                ReadOnlySpan<float> planes = dy.Span[((lane + 1) * s.OutputPixels)..];
                WinogradStrip strip = grid.At(first + t, 1);
                (WinogradMatrices down, WinogradMatrices across) = MatricesOf(grid, strip, out int rows, out int columns, gradient: true);
                double[,] d = Window(planes, s.OC * s.OutputPixels, s.OH, s.OW, strip, rows, columns, 0);
                (double[,] value, double[,] magnitude) =
                    WinogradMatrices.Transform(WinogradMatrices.Transposed(down.Output()), d, WinogradMatrices.Transposed(across.Output()));
                AssertProducts(
                    m, (t * tileStride) + lane, productStride, down, across, value, magnitude, untouched, $"{s.OH}x{s.OW}, tile {t} of {count}, channel {lane}");
            }
        }
    }

    // The rows of the products are output channels, or, turned, input channels: the taps of a pair lie at either stride. In one step from products to dw,
    // or by way of the sums.
    [Test]
    public void Filter_gradient_is_the_transform_of_each_pair_of_channels(
        [ValueSource(nameof(All))] Transforms of, [Values] bool turned, [Values] bool add, [Values] bool finish)
    {
        (Isa isa, int taps, int tile) = of;
        double[,] matrix = WinogradMatrices.Transposed(new WinogradMatrices(taps, tile, tile, gradient: true).Filter());
        const int Rows = 3, Gap = 5;
        WinogradKernels kernels = WinogradKernels.For(isa, Sizes(4, 4, 1, 1, taps), tile);
        int size = taps * taps, reach = kernels.Grid.Reach;
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
                (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(matrix, products, matrix);
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

    /// <summary>All tiles but the first and some of the last, all channels but the first.</summary>
    private static void CheckOutput(Isa isa, in ConvSizes s, int tile, int lanes, bool addend)
    {
        const int First = 1;
        WinogradKernels kernels = WinogradKernels.For(isa, s, tile);
        WinogradGrid grid = kernels.Grid;
        int reach = grid.Reach, count = Math.Max(1, (int)grid.Tiles - First - (lanes % 4)), tileStride = kernels.Width + 3, productStride = count * tileStride;
        using FencedFloats m = new FencedFloats(grid.Products * productStride).FillUniform(new Random(1));
        using FencedFloats bias = new FencedFloats(lanes).FillUniform(new Random(2)), residual = new FencedFloats(s.N * s.OC * s.OutputPixels).FillUniform(new Random(3));
        using var y = new FencedFloats(s.N * s.OC * s.OutputPixels);
        TileStore epilogue = new() { Bias = bias.Pointer, Activation = Activation.LeakyRelu, Slope = 0.5f };
        if (addend) epilogue.Addend = residual.Pointer + s.OutputPixels;
        int untouched = y.Bits[0];
        kernels.Output(s, First, count, m.Pointer, productStride, tileStride, lanes, y.Pointer + s.OutputPixels, epilogue);
        Assert.That(m.FencesHold && bias.FencesHold && residual.FencesHold && y.FencesHold);
        int written = 0;
        for (int t = 0; t < count; t++)
        for (int c = 0; c < lanes; c++)
        {
            WinogradStrip strip = grid.At(First + t, 1);
            (WinogradMatrices down, WinogradMatrices across) = MatricesOf(grid, strip, out int rows, out int columns);
            var products = new double[reach, reach];
            for (int f = 0; f < grid.Products; f++) products[f / reach, f % reach] = m.Span[(f * productStride) + (t * tileStride) + c];
            (double[,] value, double[,] magnitude) = WinogradMatrices.Transform(down.Output(), products, across.Output());
            for (int i = 0; i < Math.Min(rows, s.OH - strip.Row); i++)
            for (int j = 0; j < Math.Min(columns, s.OW - strip.Column); j++, written++)
            {
                int at = (((strip.Image * s.OC) + c + 1) * s.OutputPixels) + ((strip.Row + i) * s.OW) + strip.Column + j;
                double sum = value[i, j] + bias.Span[c] + (addend ? residual.Span[at] : 0.0);
                AssertNear(y.Span[at], sum < 0 ? sum / 2 : sum, magnitude[i, j] + 2, $"{s.OH}x{s.OW}, image {strip.Image}, channel {c}, tile {t}, pixel {i},{j}");
            }
        }

        int touched = 0;
        foreach (int bits in y.Bits) touched += bits == untouched ? 0 : 1;
        Assert.That(touched, Is.EqualTo(written), "of these tiles and channels, and no others");
    }

    /// <summary>Two images.</summary>
    private static ConvSizes Sizes(int h, int w, int pad, int channels, int taps) => new()
    {
        N = 2, IC = channels, IH = h, IW = w, OC = channels, KH = taps, KW = taps, OH = Math.Max(1, h + (2 * pad) + 1 - taps), OW = Math.Max(1, w + (2 * pad) + 1 - taps),
        sh = 1, sw = 1, dh = 1, dw = 1, pt = pad, pl = pad, pb = pad, pr = pad, G = 1,
    };

    /// <summary>The transforms of a tile, and its size.</summary>
    private static (WinogradMatrices Down, WinogradMatrices Across) MatricesOf(
        in WinogradGrid grid, in WinogradStrip strip, out int rows, out int columns, bool gradient = false)
    {
        rows = strip.IsBottom ? grid.BottomRows : grid.Tile;
        columns = strip.IsRight ? grid.RightColumns : grid.Tile;
        return (new(grid.Taps, grid.Tile, rows, gradient), new(grid.Taps, grid.Tile, columns, gradient));
    }

    /// <summary>What a tile sees of one channel's planes, zeros around them; <paramref name="planes"/>: the first image's, with one each imageStride.</summary>
    private static double[,] Window(
        ReadOnlySpan<float> planes, int imageStride, int height, int width, in WinogradStrip strip, int rows, int columns, int pad)
    {
        var window = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
        {
            (int h, int w) = (strip.Row + i - pad, strip.Column + j - pad);
            if (h >= 0 && h < height && w >= 0 && w < width) window[i, j] = planes[(strip.Image * imageStride) + (h * width) + w];
        }

        return window;
    }

    /// <summary>The products that a tile has; the others were left alone.</summary>
    private static void AssertProducts(
        FencedFloats actual, int at, int productStride, WinogradMatrices down, WinogradMatrices across, double[,] value, double[,] magnitude, int untouched, string what)
    {
        int reach = down.Reach;
        for (int f = 0; f < reach * reach; f++, at += productStride)
        {
            if (down.Has(f / reach) && across.Has(f % reach)) AssertNear(actual.Span[at], value[f / reach, f % reach], magnitude[f / reach, f % reach], $"{what}, product {f}");
            else Assert.That(actual.Bits[at], Is.EqualTo(untouched), $"{what}, product {f}");
        }
    }

    private static double[,] Products(double[,] u, double[,] v)
    {
        var products = new double[u.GetLength(0), u.GetLength(1)];
        for (int i = 0; i < u.GetLength(0); i++)
        for (int j = 0; j < u.GetLength(1); j++) products[i, j] = u[i, j] * v[i, j];
        return products;
    }

    private static double[,] Whole(Random random, int rows, int columns)
    {
        var matrix = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) matrix[i, j] = random.Next(-8, 9);
        return matrix;
    }

    /// <summary>Two passes of at most 6 terms each, with one rounding of each coefficient.</summary>
    private static void AssertNear(double actual, double expected, double magnitude, string what)
    {
        double bound = 16 * magnitude / (1 << 24);
        if (!(Math.Abs(actual - expected) <= bound)) Assert.Fail($"{what}: {actual:R} is further than {bound} from {expected:R}");
    }
}
