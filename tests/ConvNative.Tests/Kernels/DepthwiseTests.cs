using System.Runtime.InteropServices;
using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Kernels;

/// <summary>
/// The depthwise algorithm over every row width around one and two vectors with every kernel size and stride, the rest drawn at random,
/// in memory between fences, against the double-precision oracle.
/// </summary>
internal sealed unsafe class DepthwiseTests
{
    [Test]
    public void Every_width_kernel_and_stride_is_within_the_bound([Values] Isa isa)
    {
        int width = isa switch { Isa.Avx512 => 16, Isa.Avx2 => 8, _ => 4 };
        var random = new Random(1);
        for (int columns = 1; columns <= (2 * width) + 1; columns++)
        for (int kernel = 1; kernel <= 7; kernel++)
        for (int stride = 1; stride <= 3; stride++)
        {
            Check(isa, Draw(random, columns, kernel, stride, stride), random);
            Check(isa, Draw(random, columns, kernel, random.Next(1, 4), stride), random);
        }
    }

    [Test]
    public void Every_3x3_of_many_rows_is_within_the_bound([Values] Isa isa)
    {
        var random = new Random(2);
        for (int rows = 1; rows <= 14; rows++)
        for (int stride = 1; stride <= 2; stride++)
        for (int i = 0; i < 4; i++)
        {
            int channels = i % 2 == 0 ? 3 : 19;
            var problem = new ConvProblem(new TensorShape(2, channels, rows, random.Next(1, 40)), channels, 3, 3)
            {
                Groups = channels, StrideH = stride, StrideW = stride, Padding = Padding.All(1),
            };
            Check(isa, problem, random);
        }
    }

    [Test]
    public void Every_number_of_rows_and_taps_of_a_column_is_within_the_bound([Values] Isa isa)
    {
        var random = new Random(3);
        for (int rows = 1; rows <= 17; rows++)
        for (int kernel = 1; kernel <= 11; kernel++)
        for (int stride = 1; stride <= 2; stride++)
        {
            int columns = stride * (stride == 1 ? random.Next(14, 34) : random.Next(28, 33)), channels = random.Next(1, 20);
            var problem = new ConvProblem(new TensorShape(1, channels, rows * stride, columns), channels, kernel, 5)
            {
                Groups = channels, StrideH = stride, StrideW = stride, Padding = new Padding(kernel / 2, 2, kernel - 1, 2),
            };
            Check(isa, problem, random);
        }
    }

    // Few long rows: vectors of one row for the rows of a block.
    [Test]
    public void Every_length_of_few_rows_is_within_the_bound([Values] Isa isa)
    {
        var random = new Random(4);
        for (int columns = 60; columns <= 140; columns += random.Next(1, 4))
        for (int rows = 1; rows <= 4; rows++)
        {
            int channels = random.Next(1, 4), outputs = channels * random.Next(1, 3), kernelH = random.Next(1, 4), stride = random.Next(1, 3);
            var problem = new ConvProblem(new TensorShape(1, channels, rows, columns), outputs, kernelH, random.Next(2, 20))
            {
                Groups = channels, StrideW = stride, DilationW = random.Next(1, 3), Padding = new Padding(kernelH / 2, random.Next(0, 9), kernelH - 1, random.Next(0, 9)),
            };
            Check(isa, problem, random);
        }
    }

    [TestCase("g2mb2ic2ih120oc2oh120kh3ph1")]
    [TestCase("g2mb1ic2ih90oc4oh45kh5sh2ph2")]
    [TestCase("g1mb2ic1ih40oc7oh40kh5ph2")]
    [TestCase("g1mb1ic1ih3iw6000oc1oh3ow6000kh3kw9ph1pw4")]
    [TestCase("g1mb1ic1ih300iw200oc1oh300ow200kh3ph40dh39")]
    [TestCase("g3mb37ic3ih7oc3oh7kh3ph1")]
    [TestCase("g18mb9ic18ih14oc18oh14kh3ph1")]
    [TestCase("g5mb90ic5ih7oc5oh7kh3ph1")]
    [TestCase("g2mb40ic2ih28oc2oh28kh3ph1")]
    [TestCase("g2mb3ic2ih130oc2oh65kh3sh2ph1")]
    [TestCase("g17mb1ic17ih60oc17oh30kh3sh2ph1")]
    [TestCase("g16mb1ic16ih50oc16oh50kh5ph2")]
    [TestCase("g2mb1ic2ih33oc2oh33kh8ph4")]
    [TestCase("g17mb1ic17ih30oc17oh30kh9ph4")]
    [TestCase("g3mb2ic3ih40iw61oc3oh40ow61kh15kw3ph7pw1")]
    [TestCase("g18mb1ic18ih63iw120oc18oh32ow60kh13kw5sh2sw2ph6pw2")]
    [TestCase("g2mb1ic2ih20iw100oc34oh20ow100kh5ph2")]
    public void Planes_of_several_bands_are_within_the_bound(string descriptor)
    {
        foreach (Isa isa in Configurations.Isas) Check(isa, ConvProblem.Parse(descriptor), new Random(3));
    }

    [Test]
    public void Values_outside_a_window_do_not_reach_its_gradient([Values] Isa isa)
    {
        // The last column of x meets tap 1 alone; its infinity must leave the gradient of tap 0 finite.
        var problem = new ConvProblem(new TensorShape(1, 1, 1, 6), 1, 1, 2);
        using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa });
        using Tensor x = Tensor.From([1, 1, 1, 1, 1, float.PositiveInfinity], problem.Input);
        using Tensor dy = Tensor.From([1, 1, 1, 1, 1], problem.Output), dw = new(problem.Weights);
        conv.BackwardWeights(x, dy, dw, null);
        Assert.That(dw.Span.ToArray(), Is.EqualTo((float[])[5, float.PositiveInfinity]));
    }

    [Test]
    public void Values_outside_a_3x3_window_do_not_reach_its_gradient([Values] Isa isa, [Values(1, 2)] int stride, [Values(0, 1)] int right)
    {
        foreach (int columns in new[] { 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 17, 20, 28, 31, 32, 33, 40, 56 })
        foreach (int column in new[] { 0, columns - 1 })
        {
            var problem = new ConvProblem(new TensorShape(2, 3, 6, columns), 3, 3, 3) { Groups = 3, StrideH = stride, StrideW = stride, Padding = new Padding(1, 1, 1, right) };
            using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa });
            using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 2), dw = new(problem.Weights), db = new(1, 3, 1, 1);
            x[0, 1, 2, column] = float.PositiveInfinity;
            conv.BackwardWeights(x, dy, dw, db);
            for (int c = 0; c < 3; c++)
            for (int kh = 0; kh < 3; kh++)
            for (int kw = 0; kw < 3; kw++)
            {
                bool isRead = c == 1 && Reads(2, kh, problem.Output.H) && Reads(column, kw, problem.Output.W);
                Assert.That(float.IsFinite(dw[c, 0, kh, kw]), Is.EqualTo(!isRead), $"{problem}, column {column}, dw[{c}, 0, {kh}, {kw}]");
            }

            x[0, 1, 2, column] = 1;
            dy[0, 1, 0, 0] = dy[1, 1, problem.Output.H - 1, problem.Output.W - 1] = float.NaN;
            conv.BackwardWeights(x, dy, dw, db);
            Assert.That(db.Span.ToArray().Select(float.IsFinite), Is.EqualTo((bool[])[true, false, true]), $"{problem}");
            for (int i = 0; i < dw.Length; i++) Assert.That(float.IsFinite(dw.Span[i]) || i / 9 == 1, $"{problem}, dw {i}");
        }

        bool Reads(int at, int tap, int outputs) => (at + 1 - tap) % stride == 0 && (at + 1 - tap) / stride is var i && i >= 0 && i < outputs && at + 1 >= tap;
    }

    // One output is infinite, and all that it meets is above zero: so is the gradient of each tap that reads the image for it, and no number becomes NaN.
    [Test]
    public void An_infinite_gradient_reaches_the_taps_that_it_meets_as_it_is([Values] Isa isa, [Values(1, 2)] int stride)
    {
        foreach (int columns in new[] { 5, 7, 14, 15, 16, 17, 20, 31, 32, 33, 38, 56 })
        {
            int channels = columns == 7 ? 18 : 2;
            var problem = new ConvProblem(new TensorShape(1, channels, 6, columns), channels, 3, 3) { Groups = channels, StrideH = stride, StrideW = stride, Padding = Padding.All(1) };
            using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa });
            using Tensor x = Tensors.Random(problem.Input, 1), dy = new(problem.Output), dw = new(problem.Weights);
            for (int i = 0; i < x.Length; i++) x.Span[i] = 1 + Math.Abs(x.Span[i]);
            for (int column = 1; column < problem.Output.W - 1; column++)
            {
                dy.Span.Fill(1);
                dy[0, 0, 1, column] = float.PositiveInfinity;
                conv.BackwardWeights(x, dy, dw, null);
                for (int tap = 0; tap < 9; tap++) Assert.That(dw[0, 0, tap / 3, tap % 3], Is.EqualTo(float.PositiveInfinity), $"{problem}, column {column}, tap {tap}");
                for (int tap = 0; tap < 9; tap++) Assert.That(float.IsFinite(dw[1, 0, tap / 3, tap % 3]), $"{problem}, column {column}, tap {tap} of the other channel");
            }
        }
    }

    [Test]
    public void Groups_of_several_channels_are_refused_with_their_number() => Assert.That(
        () => new Conv2d(ConvProblem.Parse("g2mb1ic6ih5oc4oh5kh3ph1"), new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise }),
        Throws.TypeOf<NotSupportedException>().With.Message.Contains("a group has 3 input channels"));

    [Test]
    public void Bands_beyond_the_workspace_limit_are_refused() => Assert.That(
        () => new Conv2d(
            ConvProblem.Parse("g2mb1ic2ih9oc2oh9kh5ph2"), new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, MaxWorkspaceBytes = 64 }),
        Throws.TypeOf<NotSupportedException>().With.Message.Contains("64 are allowed"));

    [Test]
    public void Bias_residual_and_activation_are_applied_to_every_row_width([Values] Isa isa)
    {
        var random = new Random(4);
        for (int columns = 1; columns <= 33; columns++)
        foreach ((int kernel, int channels) in new[] { (3, 2), (5, 2), (3, 17) })
        {
            var problem = new ConvProblem(new TensorShape(1, channels, 6, columns), channels, kernel, kernel) { Groups = channels, Padding = Padding.All(kernel / 2) };
            using var plain = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa });
            using var fused = new Conv2d(
                problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa, Activation = ConvActivation.Clip(-0.5f, 1) });
            using Tensor x = Tensors.Random(problem.Input, columns), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, channels, 1, 1), 3);
            using Tensor residual = Tensors.Random(problem.Output, 4), y = new(problem.Output), expected = new(problem.Output);
            plain.Forward(x, w, b, expected);
            for (int i = 0; i < expected.Length; i++) expected.Span[i] = Math.Clamp(expected.Span[i] + residual.Span[i], -0.5f, 1);
            fused.Forward(x, w, b, y, residual);
            Assert.That(y.Span.SequenceEqual(expected.Span), $"{problem}");
        }
    }

    // So many images that results are stored past the caches, of rows that are whole lines or not, from a line's beginning on or not: as one image at a time.
    [TestCase("g3mb1ic3ih120iw112oc3oh120ow112kh3ph1")]
    [TestCase("g3mb1ic3ih120iw112oc3oh60ow56kh3sh2ph1")]
    [TestCase("g3mb1ic3ih81oc3oh41kh3sh2ph1")]
    [TestCase("g3mb1ic3ih128iw83oc3oh63ow41kh3sh2ph0")]
    [TestCase("g5mb1ic5ih9iw40oc5oh9ow40kh3ph1")]
    [TestCase("g2mb1ic2ih150iw33oc4oh150ow33kh3ph1")]
    public void Many_images_have_the_bits_of_each_by_itself(string descriptor)
    {
        ConvProblem one = ConvProblem.Parse(descriptor);
        int images = (int)(2 * StreamingStores.NearBytes / sizeof(float) / (one.Input.Length + one.Output.Length)) + 1;
        ConvProblem many = ConvProblem.Parse(descriptor.Replace("mb1ic", $"mb{images}ic", StringComparison.Ordinal));
        using Tensor x = Tensors.Random(many.Input, 1), w = Tensors.Random(many.Weights, 2), b = Tensors.Random(new TensorShape(1, one.Output.C, 1, 1), 3);
        using Tensor dy = Tensors.Random(many.Output, 4), residual = Tensors.Random(many.Output, 5);
        using Tensor memoryY = new(1, 1, 1, (int)many.Output.Length + 1), memoryDX = new(1, 1, 1, (int)many.Input.Length + 1);
        fixed (float* startY = memoryY.Span, startDX = memoryDX.Span)
        foreach (Isa isa in Configurations.Isas)
        foreach ((int offset, ConvActivation activation, bool adds) in Finishes)
        {
            Conv2dOptions options = new() { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa, Activation = activation };
            using Conv2d single = new(one, options with { Threads = 1 }), conv = new(many, options with { Threads = 2 });
            using Tensor y = Tensor.Wrap(startY + offset, many.Output), dx = Tensor.Wrap(startDX + offset, many.Input);
            int passes = conv.Describe().Split('\n').Count(line => line.Contains("past the caches", StringComparison.Ordinal));
            Assert.That(passes, Is.EqualTo(isa == Isa.Scalar ? 0 : one.Output.C == one.Input.C ? 2 : 1), $"{isa}");
            conv.Forward(x, w, b, y, adds ? residual : null);
            conv.BackwardData(dy, w, dx);
            AssertEachAlone(single, (x, w, b, adds ? residual : null, dy), y, dx, $"{isa}, {offset} floats from a line, {activation}, {(adds ? "residual" : "none")}");
        }
    }

    /// <summary>Floats from a line's beginning to the results, and what is done to y: each with a result that may go to its place at once, and with one that may not.</summary>
    private static IEnumerable<(int Offset, ConvActivation Activation, bool Adds)> Finishes =>
    [
        (0, ConvActivation.None, false), (0, ConvActivation.Relu, false), (0, ConvActivation.None, true),
        (1, ConvActivation.None, false), (1, ConvActivation.LeakyRelu(0.1f), true),
    ];

    /// <summary>Asserts that each image of y and dx has the bits that <paramref name="single"/> computes of it.</summary>
    private static void AssertEachAlone(Conv2d single, (Tensor X, Tensor W, Tensor B, Tensor? Residual, Tensor DY) given, Tensor y, Tensor dx, string what)
    {
        TensorShape input = single.Problem.Input, output = single.Problem.Output;
        using Tensor ownY = new(output), ownDX = new(input);
        fixed (float* xs = given.X.Span, dys = given.DY.Span, residuals = given.Residual is null ? default : given.Residual.Span)
        for (int n = 0; n < y.Shape.N; n++)
        {
            int atX = n * (int)input.Length, atY = n * (int)output.Length;
            using Tensor x = Tensor.Wrap(xs + atX, input), dy = Tensor.Wrap(dys + atY, output);
            using Tensor? residual = given.Residual is null ? null : Tensor.Wrap(residuals + atY, output);
            single.Forward(x, given.W, given.B, ownY, residual);
            single.BackwardData(dy, given.W, ownDX);
            Assert.That(SameBits(y.Span.Slice(atY, ownY.Span.Length), ownY.Span), $"y of image {n}, {what}");
            Assert.That(SameBits(dx.Span.Slice(atX, ownDX.Span.Length), ownDX.Span), $"dx of image {n}, {what}");
        }
    }

    private static bool SameBits(Span<float> a, Span<float> b) => MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));

    // The worker's memory ends at a page that must not be touched: rows of 41 floats, of which vectors write beyond the band.
    [Test]
    public void Bands_that_are_kept_stay_in_their_memory([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        ConvProblem one = ConvProblem.Parse("g3mb1ic3ih128iw83oc3oh63ow41kh3sh2ph0");
        int images = (int)(StreamingStores.NearBytes / sizeof(float) / (one.Input.Length + one.Output.Length)) + 1;
        ConvProblem problem = ConvProblem.Parse($"g3mb{images}ic3ih128iw83oc3oh63ow41kh3sh2ph0");
        using Conv2d conv = new(problem, new() { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa, Threads = 1 });
        Assert.That(conv.Describe().Contains("past the caches", StringComparison.Ordinal), Is.EqualTo(isa != Isa.Scalar));
        using GuardedBuffer memory = new(conv.WorkspaceBytes / sizeof(float), GuardedBuffer.Edge.End);
        using Tensor workspace = Tensor.Wrap(memory.Pointer, new TensorShape(1, 1, 1, (int)memory.Length));
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output), dx = new(problem.Input);
        conv.Forward(x, w, null, y, null, new ConvRunOptions { Workspace = workspace });
        conv.BackwardData(y, w, dx, new ConvRunOptions { Workspace = workspace });
        Assert.That(dx.Span.ContainsAnyExcept(0f));
    }

    private static ConvProblem Draw(Random random, int columns, int kernel, int strideH, int strideW)
    {
        int groups = random.Next(1, 22), rows = random.Next(1, 9), kernelH = random.Next(1, 8), dh = random.Next(1, 3), dw = random.Next(1, 3);
        (int top, int bottom) = DrawPadding(random, rows, ((kernelH - 1) * dh) + 1);
        (int left, int right) = DrawPadding(random, columns, ((kernel - 1) * dw) + 1);
        return new ConvProblem(new TensorShape(random.Next(1, 3), groups, rows, columns), groups * (groups > 3 ? 1 : random.Next(1, 4)), kernelH, kernel)
        {
            Groups = groups, StrideH = strideH, StrideW = strideW, DilationH = dh, DilationW = dw, Padding = new Padding(top, left, bottom, right),
        };
    }

    /// <summary>0 to 3 per side, and as much more as the kernel needs to fit.</summary>
    private static (int Before, int After) DrawPadding(Random random, int size, int span)
    {
        int missing = Math.Max(0, span - size), before = random.Next(missing + 1);
        return (before + random.Next(4), missing - before + random.Next(4));
    }

    private static void Check(Isa isa, ConvProblem problem, Random random)
    {
        using var conv = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Depthwise, ForcedIsa = isa, Threads = 2 });
        var biasShape = new TensorShape(1, problem.Output.C, 1, 1);
        using FencedFloats xs = new FencedFloats(problem.Input.Length).FillUniform(random), ws = new FencedFloats(problem.Weights.Length).FillUniform(random);
        using FencedFloats bs = new FencedFloats(problem.Output.C).FillUniform(random), dys = new FencedFloats(problem.Output.Length).FillUniform(random);
        using FencedFloats ys = new(problem.Output.Length), dxs = new(problem.Input.Length), dws = new(problem.Weights.Length), dbs = new(problem.Output.C);
        using Tensor x = Tensor.Wrap(xs.Pointer, problem.Input), w = Tensor.Wrap(ws.Pointer, problem.Weights), b = Tensor.Wrap(bs.Pointer, biasShape);
        using Tensor dy = Tensor.Wrap(dys.Pointer, problem.Output), y = Tensor.Wrap(ys.Pointer, problem.Output), dx = Tensor.Wrap(dxs.Pointer, problem.Input);
        using Tensor dw = Tensor.Wrap(dws.Pointer, problem.Weights), db = Tensor.Wrap(dbs.Pointer, biasShape);
        conv.Forward(x, w, b, y);
        ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, b), y.Span, $"y of {problem}");
        conv.BackwardData(dy, w, dx);
        ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, $"dx of {problem}");
        conv.BackwardWeights(x, dy, dw, db);
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        ErrorBound.AssertWithin(exactDW, dw.Span, $"dw of {problem}");
        ErrorBound.AssertWithin(exactDB, db.Span, $"db of {problem}");
        Assert.That(ys.FencesHold && dxs.FencesHold && dws.FencesHold && dbs.FencesHold, $"{problem}");
    }
}
