using ConvNative.Tests.Support;

namespace ConvNative.Tests;

internal sealed class ConvProblemTests
{
    private static readonly ConvProblem Small = new(new TensorShape(2, 6, 9, 11), 4, 3, 5);

    private static IEnumerable<TestCaseData> Descriptors =>
        BenchmarkShapes.Lines().Concat(ShapeList.Descriptors).Select(line => new TestCaseData(line));

    private static IEnumerable<TestCaseData> BadSizes
    {
        get
        {
            static TestCaseData Case(string argument, object value, Func<ConvProblem> make) =>
                new TestCaseData(argument, value.ToString(), make).SetArgDisplayNames(argument, value.ToString()!);

            foreach (int bad in new[] { 0, -1, int.MinValue })
            {
                yield return Case("input", bad, () => new ConvProblem(new TensorShape(bad, 1, 1, 1), 1, 1, 1));
                yield return Case("input", bad, () => new ConvProblem(new TensorShape(1, bad, 1, 1), 1, 1, 1));
                yield return Case("input", bad, () => new ConvProblem(new TensorShape(1, 1, bad, 1), 1, 1, 1));
                yield return Case("input", bad, () => new ConvProblem(new TensorShape(1, 1, 1, bad), 1, 1, 1));
                yield return Case("outputChannels", bad, () => new ConvProblem(Small.Input, bad, 1, 1));
                yield return Case("kernelH", bad, () => new ConvProblem(Small.Input, 1, bad, 1));
                yield return Case("kernelW", bad, () => new ConvProblem(Small.Input, 1, 1, bad));
                yield return Case("StrideH", bad, () => Small with { StrideH = bad });
                yield return Case("StrideW", bad, () => Small with { StrideW = bad });
                yield return Case("DilationH", bad, () => Small with { DilationH = bad });
                yield return Case("DilationW", bad, () => Small with { DilationW = bad });
                yield return Case("Groups", bad, () => Small with { Groups = bad });
            }

            yield return Case("Groups", 4, () => Small with { Groups = 4 });   // divides OC = 4, not IC = 6
            yield return Case("Groups", 3, () => Small with { Groups = 3 });   // divides IC, not OC
            yield return Case("Padding", -1, () => Small with { Padding = new Padding(-1, 0, 0, 0) });
            yield return Case("Padding", -1, () => Small with { Padding = new Padding(0, -1, 0, 0) });
            yield return Case("Padding", -1, () => Small with { Padding = new Padding(0, 0, -1, 0) });
            yield return Case("Padding", -1, () => Small with { Padding = new Padding(0, 0, 0, -1) });
            yield return Case("Rounding", 7, () => Small with { Rounding = (OutputRounding)7 });
        }
    }

    [Test]
    public void The_article_s_output_size()
    {
        var problem = new ConvProblem(new TensorShape(5, 1, 10, 10), 20, 3, 3) { Padding = Padding.All(1), Rounding = OutputRounding.Exact };
        Assert.That(problem.Output, Is.EqualTo(new TensorShape(5, 20, 10, 10)));
        Assert.That(problem.Weights, Is.EqualTo(new TensorShape(20, 1, 3, 3)));
        Assert.That(problem.Flops, Is.EqualTo(2L * 5 * 20 * 100 * 9));
    }

    // Kernel rows reach from oh·sh − pt to oh·sh − pt + dh·(KH − 1): outputs are counted by trying.
    [Test]
    public void Output_counts_the_positions_of_the_kernel(
        [Values(1, 2, 5, 8)] int size, [Values(1, 2, 3)] int kernel, [Values(1, 2, 3)] int stride, [Values(1, 2)] int dilation, [Values(0, 1, 3)] int before)
    {
        const int After = 2;
        int expected = 0;
        for (int start = -before; start + (dilation * (kernel - 1)) < size + After; start += stride) expected++;
        var rows = new ConvProblem(new TensorShape(1, 1, size, 20), 1, kernel, 1)
        {
            StrideH = stride, DilationH = dilation, Padding = new Padding(before, 0, After, 0),
        };
        var columns = new ConvProblem(new TensorShape(1, 1, 20, size), 1, 1, kernel)
        {
            StrideW = stride, DilationW = dilation, Padding = new Padding(0, before, 0, After),
        };
        if (expected == 0)
        {
            Assert.That(() => rows.Output, Throws.TypeOf<ConvShapeException>());
            Assert.That(() => columns.Output, Throws.TypeOf<ConvShapeException>());
            return;
        }

        Assert.That(rows.Output, Is.EqualTo(new TensorShape(1, 1, expected, 20)));
        Assert.That(columns.Output, Is.EqualTo(new TensorShape(1, 1, 20, expected)));
    }

    [Test]
    public void Groups_divide_the_weights_and_the_flops()
    {
        ConvProblem grouped = Small with { Groups = 2 };
        Assert.That(grouped.Weights, Is.EqualTo(new TensorShape(4, 3, 3, 5)));
        Assert.That(grouped.Flops, Is.EqualTo(Small.Flops / 2));
        Assert.That(Small.Flops, Is.EqualTo(2L * 2 * 4 * 7 * 7 * 6 * 3 * 5));
    }

    [TestCaseSource(nameof(BadSizes))]
    public void Each_bad_size_is_named(string argument, string value, Func<ConvProblem> make)
    {
        ConvShapeException error = Assert.Throws<ConvShapeException>(() => make())!;
        Assert.That(error.ParamName, Is.EqualTo(argument));
        Assert.That(error.Message, Does.Contain(value).And.Match("must (be|divide)"));
    }

    [Test]
    public void A_kernel_larger_than_the_padded_image_has_no_output()
    {
        var rows = new ConvProblem(new TensorShape(1, 1, 4, 9), 1, 3, 1) { DilationH = 3, Padding = new Padding(1, 0, 1, 0) };
        var columns = new ConvProblem(new TensorShape(1, 1, 9, 4), 1, 1, 6) { Padding = new Padding(0, 1, 0, 0) };
        Assert.That(() => rows.Output, Throws.TypeOf<ConvShapeException>().With.Message.Contains("spans 7").And.Message.Contains("only 6"));
        Assert.That(() => columns.Output, Throws.TypeOf<ConvShapeException>().With.Message.Contains("spans 6").And.Message.Contains("only 5"));
        Assert.That(() => new Conv2d(rows), Throws.TypeOf<ConvShapeException>());
        Assert.That(rows.ToString(), Is.Not.Empty, "it prints all the same");
    }

    [Test]
    public void Exact_rounding_refuses_an_output_size_that_is_not_whole()
    {
        var floor = new ConvProblem(new TensorShape(1, 1, 10, 10), 1, 3, 3) { StrideH = 2, StrideW = 7 };
        Assert.That(floor.Output, Is.EqualTo(new TensorShape(1, 1, 4, 2)));
        ConvProblem height = floor with { Rounding = OutputRounding.Exact };
        ConvProblem width = height with { StrideH = 1, StrideW = 2 };
        Assert.That(() => height.Output, Throws.TypeOf<ConvShapeException>().With.Message.StartsWith("Invalid output dimension").And.Message.Contains("4.5"));
        Assert.That(() => width.Output, Throws.TypeOf<ConvShapeException>().With.Message.StartsWith("Invalid output dimension").And.Message.Contains("width"));
        Assert.That((height with { StrideH = 7 }).Output, Is.EqualTo(new TensorShape(1, 1, 2, 2)));
    }

    [Test]
    public void Sizes_whose_product_overflows_are_refused()
    {
        const int Most = int.MaxValue;
        Assert.That(() => new ConvProblem(new TensorShape(Most, Most, Most, Most), 1, 1, 1), Throws.TypeOf<ConvShapeException>());
        Assert.That(() => new ConvProblem(new TensorShape(1, Most, 1, 1), Most, Most, 1), Throws.TypeOf<ConvShapeException>());
        var padded = new ConvProblem(new TensorShape(1, 1, 4, 4), 1, 1, 1) { Padding = new Padding(Most, 0, Most, 0) };
        Assert.That(() => padded.Output, Throws.TypeOf<ConvShapeException>().With.Message.StartsWith("Invalid output dimension"));
        var output = new ConvProblem(new TensorShape(Most, 1, 1, 1), Most, 1, 1) { Padding = Padding.All(1 << 20) };
        Assert.That(() => output.Output, Throws.TypeOf<ConvShapeException>());
        var flops = new ConvProblem(new TensorShape(1 << 20, 1 << 20, 1, 1), 1 << 20, 1, 1) { Padding = new Padding(0, 0, 8, 8) };
        Assert.That(() => flops.Flops, Throws.TypeOf<ConvShapeException>());
        var plane = new ConvProblem(new TensorShape(1, 1, 1 << 16, 1 << 15), 1, 1, 1);
        Assert.That(() => new Conv2d(plane), Throws.TypeOf<ConvShapeException>().With.Message.Contains("2147483648"));
        var huge = new ConvProblem(new TensorShape(1, 1, 4, 4), 1, Most, 1) { DilationH = Most };
        Assert.That(() => huge.Output, Throws.TypeOf<ConvShapeException>());
    }

    [TestCaseSource(nameof(Descriptors))]
    public void A_descriptor_survives_the_round_trip(string line)
    {
        BenchmarkShapes.IgnoreIfAbsent(line);
        ConvProblem problem = ConvProblem.Parse(line);
        string text = problem.ToString();
        Assert.That(ConvProblem.Parse(text), Is.EqualTo(problem));
        Assert.That(ConvProblem.Parse(text).ToString(), Is.EqualTo(text));
        foreach ((string key, int value) in Written(line)) Assert.That(SizeOf(problem, key), Is.EqualTo(value), key);
    }

    [Test]
    public void Problems_that_the_language_cannot_say_come_back_with_the_same_result()
    {
        foreach (ConvProblem problem in ShapeList.Problems)
        {
            ConvProblem back = ConvProblem.Parse(problem.ToString());
            Assert.That((back.Input, back.Output, back.Weights), Is.EqualTo((problem.Input, problem.Output, problem.Weights)), problem.Name);
            Assert.That(back.Padding.Top, Is.EqualTo(problem.Padding.Top), problem.Name);
            Assert.That(back.Padding.Left, Is.EqualTo(problem.Padding.Left), problem.Name);
        }
    }

    [Test]
    public void Missing_sizes_have_defaults()
    {
        ConvProblem lone = ConvProblem.Parse("ic3ih8oc5oh8kh3");
        Assert.That(lone, Is.EqualTo(new ConvProblem(new TensorShape(2, 3, 8, 8), 5, 3, 3) { Padding = Padding.All(1) }));
        ConvProblem row = ConvProblem.Parse("ic3oc16_iw5ow5kw3pw1_n\"row\"");
        Assert.That(row, Is.EqualTo(new ConvProblem(new TensorShape(2, 3, 1, 5), 16, 1, 3) { Padding = new Padding(0, 1, 0, 1), Name = "row" }));
        ConvProblem dilated = ConvProblem.Parse("mb1ic1ih9oc1kh3dh1sh2");
        Assert.That((dilated.DilationH, dilated.DilationW, dilated.StrideW), Is.EqualTo((2, 2, 2)));
        Assert.That(dilated.Output, Is.EqualTo(new TensorShape(1, 1, 3, 3)));
    }

    [TestCase("mb1ic1ih3oc1kh3q7", "column 16", "'q7'")]
    [TestCase("mb1ic1ih3oc1khkw3", "column 13", "'khkw3'")]
    [TestCase("mb1 ic1ih3oc1kh3", "column 4", "' ic1ih3o'")]
    [TestCase("mb1mb2ic1ih3oc1kh3", "column 4", "twice")]
    [TestCase("mb1ic99999999999ih3oc1kh3", "column 4", "at most 2147483647")]
    [TestCase("mb1ic1ih8oc1kh3dh2147483647", "column 16", "dh must be at most 2147483646")]
    [TestCase("mb-1ic1ih3oc1kh3", "column 1", "not a size")]
    [TestCase("mb1ih3oc1kh3", "no ic", "must be given")]
    [TestCase("mb1ic1ih3oc1", "no kh", "must be given")]
    [TestCase("ic3oc16_id5od5kd3pd1_n\"conv_basic_3d:1st\"", "column 9", "'id5od5kd'")]   // three spatial dimensions
    [TestCase("", "no ih", "must be given")]
    [TestCase("mb1ic1ih3oc1kh3n\"open", "closing quote", "name")]
    [TestCase("mb1ic1ih3oc1kh3n\"a\"ph1", "ph1", "come last")]
    public void A_text_of_another_language_is_refused_with_its_place(string text, string place, string reason) =>
        Assert.That(() => ConvProblem.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(place).And.Message.Contains(reason));

    [TestCase("mb0ic1ih3oc1kh3")]
    [TestCase("mb1ic1ih3oc1kh3sh0")]
    [TestCase("mb1ic1ih3oc1kh9")]
    [TestCase("g2mb1ic3ih3oc4kh1")]
    [TestCase("mb1ic1ih8oc1oh3kh3ph1")]
    [TestCase("mb1ic1ih8oc1kh3dh2147483646")]
    public void Sizes_that_contradict_each_other_are_refused(string text) =>
        Assert.That(() => ConvProblem.Parse(text), Throws.TypeOf<ConvShapeException>());

    [Test]
    public void No_text_is_an_argument_error() => Assert.That(() => ConvProblem.Parse(null!), Throws.ArgumentNullException);

    private static IEnumerable<(string Key, int Value)> Written(string line) =>
        from System.Text.RegularExpressions.Match match in
            System.Text.RegularExpressions.Regex.Matches(line.Split("n\"")[0], "([a-z]+)([0-9]+)")
        select (match.Groups[1].Value, int.Parse(match.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture));

    private static int SizeOf(ConvProblem problem, string key) => key switch
    {
        "g" => problem.Groups,
        "mb" => problem.Input.N,
        "ic" => problem.Input.C,
        "ih" => problem.Input.H,
        "iw" => problem.Input.W,
        "oc" => problem.Output.C,
        "oh" => problem.Output.H,
        "ow" => problem.Output.W,
        "kh" => problem.Weights.H,
        "kw" => problem.Weights.W,
        "sh" => problem.StrideH,
        "sw" => problem.StrideW,
        "ph" => problem.Padding.Top,
        "pw" => problem.Padding.Left,
        "dh" => problem.DilationH - 1,
        "dw" => problem.DilationW - 1,
        _ => throw new ArgumentException(key),
    };
}
