using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class GemmKernelTests
{
    private const int LdcGap = 3;
    private static readonly int[] Depths = [0, 1, 2, 7, 33, 36];

    public enum Layout
    {
        Columns,
        Rows,

        /// <summary>Rows in pieces.</summary>
        Segments,
    }

    public enum Addition
    {
        None,
        C,
        Residual,
    }

    [Test]
    public void TileIsWithinTheBoundOfItsSum([Values] Isa isa, [Values] Addition addition, [Values] Activation activation, [Values] bool bias, [Values] Layout layout)
    {
        GemmKernel kernel = GemmKernel.For(isa);
        var random = new Random(1);
        foreach (int K in Depths)
        for (int rows = 1; rows <= kernel.MR; rows++)
        for (int columns = 1; columns <= kernel.NR; columns++)
            CheckTile(kernel, K, rows, columns, columns % 3, addition, activation, bias, layout, random);
    }

    /// <summary>The kernel for 49 columns, where there is one: Isa's own otherwise.</summary>
    [Test]
    public void WideTileIsWithinTheBoundOfItsSum([Values] Isa isa, [Values] Addition addition, [Values] Activation activation, [Values] bool bias, [Values] Layout layout)
    {
        GemmKernel kernel = GemmKernel.For(isa, 49, byRows: false);
        var random = new Random(1);
        foreach (int K in Depths)
        for (int rows = 1; rows <= kernel.MR; rows++)
        foreach (int columns in (int[])[1, kernel.NR - 1, kernel.NR])
            CheckTile(kernel, K, rows, columns, columns % 3, addition, activation, bias, layout, random);
    }

    /// <summary>The kernel for 52 columns, where there is one: Isa's own otherwise.</summary>
    [Test]
    public void TileWithATailIsWithinTheBoundOfItsSum(
        [Values] Isa isa, [Values] Addition addition, [Values] Activation activation, [Values] bool bias, [Values(Layout.Rows, Layout.Segments)] Layout layout)
    {
        GemmKernel kernel = GemmKernel.For(isa, 52, byRows: true);
        var random = new Random(1);
        foreach (int K in Depths)
        for (int rows = 1; rows <= kernel.MR; rows++)
        foreach (int columns in (int[])[1, kernel.NR - 1, .. Enumerable.Range(kernel.NR, kernel.Tail + 1)])
            CheckTile(kernel, K, rows, columns, columns % 3, addition, activation, bias, layout, random);
    }

    /// <summary>The kernel whose lanes are rows.</summary>
    [Test]
    public void TileOfLanesIsWithinTheBoundOfItsSum([Values] Addition addition, [Values] Activation activation, [Values] bool bias)
    {
        GemmKernel kernel = LaneGemm.Kernel;
        var random = new Random(1);
        foreach (int K in Depths)
        foreach (int rows in (int[])[1, 15, 16, 17, 31, kernel.MR])
        for (int columns = 1; columns <= kernel.NR; columns++)
            CheckTile(kernel, K, rows, columns, columns % 3, addition, activation, bias, Layout.Columns, random);
    }

    [TestCase(Isa.Avx512, 49, true, "8x49")]
    [TestCase(Isa.Avx512, 48, true, "8x48")]
    [TestCase(Isa.Avx512, 50, false, "8x48")]
    [TestCase(Isa.Avx512, 50, true, "8x48+4")]
    [TestCase(Isa.Avx512, 53, true, "8x48")]
    [TestCase(Isa.Avx512, 196, false, "8x49")]
    [TestCase(Isa.Avx512, 196, true, "8x48+4")]
    [TestCase(Isa.Avx512, 3136, true, "8x48")]
    [TestCase(Isa.Avx2, 48, true, "4x24")]
    [TestCase(Isa.Avx2, 49, true, "4x25")]
    [TestCase(Isa.Avx2, 196, true, "4x24")]
    [TestCase(Isa.Avx2, 3136, true, "4x24")]
    public void TheKernelIsTakenThatSavesTime(Isa isa, int columns, bool byRows, string name) =>
        Assert.That(GemmKernel.For(isa, columns, byRows).Name, Is.EqualTo(name));

    [TestCase(196, 128, true)]
    [TestCase(196, 64, false, Description = "to turn the tiles costs more than it saves")]
    [TestCase(784, 256, true)]
    [TestCase(784, 128, false)]
    [TestCase(49, 512, true)]
    [TestCase(49, 256, false)]
    [TestCase(25, 64, true)]
    public void RowsAreInTheLanesWhereThatSavesTime(int columns, int K, bool saves)
    {
        Assert.That(LaneGemm.Pays(Isa.Avx512, GemmKernel.For(Isa.Avx512, columns, byRows: false), columns, K), Is.EqualTo(saves));
        Assert.That(LaneGemm.Pays(Isa.Avx2, GemmKernel.For(Isa.Avx2, columns, byRows: false), columns, K), Is.False);
    }

    /// <summary>Panels as equal as they can be, since a narrow one has as much to begin.</summary>
    [TestCase(49, new[] { 13, 12, 12, 12 })]
    [TestCase(28, new[] { 14, 14 })]
    [TestCase(15, new[] { 8, 7 })]
    public void PanelsOfLanesAreEqual(int columns, int[] panels)
    {
        foreach (int panel in panels)
        {
            Assert.That(LaneGemm.Kernel.PanelOf(columns), Is.EqualTo(panel));
            columns -= panel;
        }

        Assert.That(columns, Is.Zero);
    }

    [Test]
    public void NaNTravelsThroughEveryActivation([Values] Isa isa, [Values] Activation activation)
    {
        GemmKernel kernel = GemmKernel.For(isa);
        using var a = new FencedFloats(kernel.MR);
        using var b = new FencedFloats(kernel.NR);
        using var c = new FencedFloats(kernel.MR * kernel.NR);
        a.Span.Fill(1);
        b.Span.Fill(2);
        b.Span[1] = float.NaN;
        foreach (int columns in (int[])[kernel.NR, kernel.NR - 1])
        {
            TileStore store = Store(kernel.MR, columns, activation);
            kernel.Run(1, a.Pointer, kernel.MR, b.Pointer, kernel.NR, c.Pointer, kernel.NR, &store);
            for (int r = 0; r < kernel.MR; r++)
            {
                Assert.That(c.Span[r * kernel.NR], Is.Not.NaN);
                Assert.That(c.Span[(r * kernel.NR) + 1], Is.NaN);
            }
        }
    }

    [Test]
    public void ReluOfInfinities([Values] Isa isa)
    {
        GemmKernel kernel = GemmKernel.For(isa);
        using var a = new FencedFloats(kernel.MR);
        using var b = new FencedFloats(kernel.NR);
        using var c = new FencedFloats(kernel.MR * kernel.NR);
        a.Span.Fill(1);
        b.Span.Fill(float.NegativeInfinity);
        b.Span[0] = float.PositiveInfinity;
        TileStore store = new() { Rows = kernel.MR, Columns = kernel.NR, Activation = Activation.Clip, Low = 0, High = float.PositiveInfinity };
        kernel.Run(1, a.Pointer, kernel.MR, b.Pointer, kernel.NR, c.Pointer, kernel.NR, &store);
        Assert.That(c.Span[0], Is.EqualTo(float.PositiveInfinity));
        Assert.That(c.Span[1], Is.Zero);
    }

    private static TileStore Store(int rows, int columns, Activation activation) =>
        new() { Rows = rows, Columns = columns, Activation = activation, Low = -0.5f, High = 0.75f, Slope = 0.1f };

    private static double Activate(in TileStore store, double x) => store.Activation switch
    {
        Activation.Clip => Math.Clamp(x, store.Low, store.High),
        Activation.LeakyRelu => x < 0 ? store.Slope * x : x,
        _ => x,
    };

    /// <summary>Panels are read whole, everything else only where the tile is: outside it lies a NaN that must stay.</summary>
    private static void CheckTile(
        in GemmKernel kernel,
        int K,
        int rows,
        int columns,
        int ldbGap,
        Addition addition,
        Activation activation,
        bool withBias,
        Layout layout,
        Random random)
    {
        bool byRows = layout != Layout.Columns;
        int segment = layout != Layout.Segments ? K : K % 18 == 0 ? 18 : K % 3 == 0 ? 3 : K, skip = layout == Layout.Segments ? 2 : 0;
        int rowLength = K == 0 ? 0 : K / segment * (segment + skip);
        int ldb = kernel.NR + kernel.Tail + ldbGap, lda = (byRows ? rowLength : kernel.MR) + ldbGap, ldc = columns + LdcGap, length = ((rows - 1) * ldc) + columns;
        using FencedFloats a = new FencedFloats((byRows ? kernel.MR : K) * lda).FillUniform(random);
        using FencedFloats b = new FencedFloats(K * ldb).FillUniform(random);
        using FencedFloats bias = new FencedFloats(rows).FillUniform(random);
        using FencedFloats residual = new FencedFloats(length).FillUniform(random);
        using var c = new FencedFloats(length);
        int poison = K == 0 && length == 0 ? 0 : c.Bits[0];
        if (addition == Addition.C)
            for (int r = 0; r < rows; r++) residual.Span.Slice(r * ldc, columns).CopyTo(c.Span[(r * ldc)..]);

        TileStore store = Store(rows, columns, activation);
        if (withBias) store.Bias = bias.Pointer;
        if (addition != Addition.None)
        {
            store.Addend = addition == Addition.C ? c.Pointer : residual.Pointer;
            store.AddendStride = ldc;
        }

        int lastColumns = Math.Max(1, kernel.Tail);
        using var last = new FencedFloats(K * lastColumns);
        for (int k = 0; k < K; k++) b.Span.Slice((k * ldb) + kernel.NR - (kernel.Tail == 0 ? 1 : 0), lastColumns).CopyTo(last.Span[(k * lastColumns)..]);
        store.LastColumn = last.Pointer;
        if (layout == Layout.Segments) (store.Segment, store.SkipA, store.Ahead.Count) = (segment, skip, segment);
        (byRows ? kernel.RunRows : kernel.Run)(K, a.Pointer, lda, b.Pointer, ldb, c.Pointer, ldc, &store);

        bool outsideHolds = c.FencesHold;
        for (int r = 0; r < rows; r++)
        for (int j = 0; j < ldc && (r * ldc) + j < length; j++)
        {
            if (j >= columns)
            {
                outsideHolds &= c.Bits[(r * ldc) + j] == poison;
                continue;
            }

            double sum = (withBias ? bias.Span[r] : 0) + (addition == Addition.None ? 0.0 : residual.Span[(r * ldc) + j]);
            double size = (withBias ? Math.Abs(bias.Span[r]) : 0) + (addition == Addition.None ? 0.0 : Math.Abs(residual.Span[(r * ldc) + j]));
            for (int k = 0; k < K; k++)
            {
                double product = (double)a.Span[byRows ? (r * lda) + (k / segment * (segment + skip)) + (k % segment) : (k * lda) + r] * b.Span[(k * ldb) + j];
                sum += product;
                size += Math.Abs(product);
            }

            double error = Math.Abs(c.Span[(r * ldc) + j] - Activate(store, sum));
            if (!(error <= GemmOracle.Bound(K + 2, size)))
                Assert.Fail($"K {K}, {rows}x{columns}, [{r},{j}]: error {error}, bound {GemmOracle.Bound(K + 2, size)}");
        }

        if (!outsideHolds) Assert.Fail($"K {K}, {rows}x{columns}: written outside the tile");
    }
}
