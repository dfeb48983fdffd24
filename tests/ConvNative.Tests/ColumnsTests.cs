using ConvNative.Memory;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

internal sealed class ColumnsTests
{
    [Test]
    public void HasTheArticlesShapes()
    {
        var problem = new ConvProblem(new TensorShape(5, 1, 10, 10), 20, 3, 3) { Padding = Padding.All(1) };
        using var x = new Tensor(problem.Input);
        using Tensor columns = Columns.Im2Col(x, problem);
        using Tensor image = Columns.Col2Im(columns, problem);
        Assert.That(columns.Shape, Is.EqualTo(new TensorShape(1, 1, 9, 500)));
        Assert.That(image.Shape, Is.EqualTo(problem.Input));
    }

    [TestCaseSource(nameof(SeedCases))]
    public void GivesTheArticlesColumns(string name)
    {
        Conformance.Case c = Conformance.Read(name);
        using Tensor x = c.Load("x"), expected = c.Load("x_col");
        using Tensor columns = Columns.Im2Col(x, ProblemOf(c));
        Assert.That(columns.Shape, Is.EqualTo(expected.Shape));
        Assert.That(columns.Span.SequenceEqual(expected.Span), "every element is a copy");
    }

    [TestCaseSource(nameof(SeedCases))]
    public void GivesTheArticlesImage(string name)
    {
        Conformance.Case c = Conformance.Read(name);
        ConvProblem problem = ProblemOf(c);
        using Tensor columns = c.Load("cols"), expected = c.Load("col2im_img");
        using Tensor image = Columns.Col2Im(columns, problem);
        foreach (ref float value in columns.Span) value = MathF.Abs(value);
        using Tensor magnitude = Columns.Col2Im(columns, problem);
        Assert.That(image.Shape, Is.EqualTo(expected.Shape));
        // A sum of t terms in any order is off by at most (t − 1)·u·Σ|terms|; the expected value is itself rounded once.
        float bound = problem.Weights.H * problem.Weights.W * MathF.ScaleB(1, -24);
        for (int i = 0; i < image.Span.Length; i++)
            Assert.That(image.Span[i], Is.EqualTo(expected.Span[i]).Within(bound * magnitude.Span[i]), $"element {i}");
    }

    [TestCaseSource(nameof(Problems))]
    public void EveryElementFollowsTheFormula(ConvProblem problem, ColumnOrder order)
    {
        using Tensor x = Tensors.Random(problem.Input, 1);
        using Tensor columns = Columns.Im2Col(x, problem, order);
        ForEachElement(problem, order, (row, column, n, c, ih, iw) =>
        {
            float expected = ih >= 0 && ih < problem.Input.H && iw >= 0 && iw < problem.Input.W ? x[n, c, ih, iw] : 0;
            Assert.That(columns[0, 0, row, column], Is.EqualTo(expected), $"row {row}, column {column}");
        });
    }

    [TestCaseSource(nameof(Problems))]
    public void ImageOfColumnsAddsEveryElement(ConvProblem problem, ColumnOrder order)
    {
        using var expected = new Tensor(problem.Input);
        using Tensor columns = Columns.Im2Col(expected, problem, order);
        // Small whole numbers: the sums are exact.
        var random = new Random(2);
        foreach (ref float value in columns.Span) value = random.Next(-8, 9);
        ForEachElement(problem, order, (row, column, n, c, ih, iw) =>
        {
            if (ih >= 0 && ih < problem.Input.H && iw >= 0 && iw < problem.Input.W)
                expected[n, c, ih, iw] += columns[0, 0, row, column];
        });
        using Tensor image = Columns.Col2Im(columns, problem, order);
        Assert.That(image.Span.SequenceEqual(expected.Span));
    }

    [Test]
    public void BitsDoNotDependOnThreads([Values] ColumnOrder order, [Values(1, 2)] int stride)
    {
        // Large enough that the workers do run at the same time.
        var problem = new ConvProblem(new TensorShape(16, 24, 40, 40), 1, 3, 3)
        {
            StrideH = stride, StrideW = stride, Padding = Padding.All(1),
        };
        using Tensor x = Tensors.Random(problem.Input, 3);
        using Tensor columns = Columns.Im2Col(x, problem, order, IsaSelection.Current, threads: 1);
        using Tensor image = Columns.Col2Im(columns, problem, order, IsaSelection.Current, threads: 1);
        foreach (int threads in (ReadOnlySpan<int>)[2, 3, 8])
        {
            using Tensor otherColumns = Columns.Im2Col(x, problem, order, IsaSelection.Current, threads);
            using Tensor otherImage = Columns.Col2Im(columns, problem, order, IsaSelection.Current, threads);
            Assert.That(otherColumns.Span.SequenceEqual(columns.Span), $"im2col with {threads} threads");
            Assert.That(otherImage.Span.SequenceEqual(image.Span), $"col2im with {threads} threads");
        }
    }

    [Test]
    public void RefusesWhatDoesNotFit()
    {
        var problem = new ConvProblem(new TensorShape(2, 3, 5, 6), 4, 3, 3);
        using var x = new Tensor(2, 3, 6, 5);
        using var columns = new Tensor(1, 1, 27, 25);
        using var right = new Tensor(problem.Input);
        long live = AlignedBuffer.LiveBytes;
        Assert.That(
            () => Columns.Im2Col(x, problem),
            Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("x").And.Message.Contains("2×3×6×5").And.Message.Contains("2×3×5×6"));
        Assert.That(
            () => Columns.Col2Im(columns, problem),
            Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("columns").And.Message.Contains("1×1×27×25").And.Message.Contains("1×1×27×24"));
        Assert.That(() => Columns.Im2Col(right, problem, (ColumnOrder)7), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Columns.Im2Col(null!, problem), Throws.ArgumentNullException);
        Assert.That(() => Columns.Col2Im(null!, problem), Throws.ArgumentNullException);
        Assert.That(() => Columns.Im2Col(right, null!), Throws.ArgumentNullException);
        var large = new ConvProblem(problem.Input, 4, 9, 3);
        Assert.That(() => Columns.Im2Col(right, large), Throws.TypeOf<ConvShapeException>().With.Message.StartsWith("Invalid output dimension"));
        Assert.That(AlignedBuffer.LiveBytes, Is.EqualTo(live));
    }

    [Test]
    public void RefusesDisposedTensors()
    {
        var problem = new ConvProblem(new TensorShape(1, 1, 4, 4), 1, 2, 2);
        var x = new Tensor(problem.Input);
        Tensor columns = Columns.Im2Col(x, problem);
        x.Dispose();
        columns.Dispose();
        Assert.That(() => Columns.Im2Col(x, problem), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => Columns.Col2Im(columns, problem), Throws.TypeOf<ObjectDisposedException>());
    }

    private static IEnumerable<string> SeedCases() => Conformance.Cases("seed");

    private static IEnumerable<TestCaseData> Problems()
    {
        ConvProblem[] problems =
        [
            new(new TensorShape(3, 2, 7, 9), 4, 3, 2) { Padding = new Padding(1, 2, 0, 3) },
            new(new TensorShape(17, 4, 12, 11), 4, 3, 3) { StrideH = 2, StrideW = 2, Padding = Padding.All(1), Groups = 2 },
            new(new TensorShape(2, 3, 9, 40), 1, 2, 3) { StrideH = 3, StrideW = 4, DilationH = 2, DilationW = 3, Padding = new Padding(5, 0, 4, 9) },
            new(new TensorShape(1, 5, 14, 14), 1, 1, 1) { StrideH = 1, StrideW = 2 },
            new(new TensorShape(16, 1, 8, 8), 1, 5, 5) { Padding = Padding.All(2) },
        ];
        foreach (ConvProblem problem in problems)
        foreach (ColumnOrder order in Enum.GetValues<ColumnOrder>())
            yield return new TestCaseData(problem, order).SetArgDisplayNames(problem.ToString(), order.ToString());
    }

    private static ConvProblem ProblemOf(Conformance.Case c) =>
        new(new TensorShape(c.Int("n"), c.Int("ic"), c.Int("ih"), c.Int("iw")), c.Int("oc"), c.Int("kh"), c.Int("kw"))
        {
            StrideH = c.Ints("stride")[0],
            StrideW = c.Ints("stride")[1],
            Padding = new Padding(c.Ints("pads")[0], c.Ints("pads")[1], c.Ints("pads")[2], c.Ints("pads")[3]),
        };

    /// <summary>Calls (row, column, n, c, ih, iw) for every element of the column matrix, straight from the definition.</summary>
    private static void ForEachElement(ConvProblem problem, ColumnOrder order, Action<int, int, int, int, int, int> visit)
    {
        (TensorShape w, TensorShape y, Padding p) = (problem.Weights, problem.Output, problem.Padding);
        for (int c = 0; c < problem.Input.C; c++)
        for (int kh = 0; kh < w.H; kh++)
        for (int kw = 0; kw < w.W; kw++)
        for (int n = 0; n < y.N; n++)
        for (int oh = 0; oh < y.H; oh++)
        for (int ow = 0; ow < y.W; ow++)
        {
            int row = (((c * w.H) + kh) * w.W) + kw;
            int column = order == ColumnOrder.ImageMajor ? (((n * y.H) + oh) * y.W) + ow : (((oh * y.W) + ow) * y.N) + n;
            int ih = (oh * problem.StrideH) - p.Top + (kh * problem.DilationH);
            int iw = (ow * problem.StrideW) - p.Left + (kw * problem.DilationW);
            visit(row, column, n, c, ih, iw);
        }
    }
}
