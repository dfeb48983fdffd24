using ConvNative.Algorithms;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>What <see cref="Direct"/> is weak at: ends of rows and tiles, strips, panels of rows, residue classes of strides.</summary>
internal sealed class DirectTests
{
    private static int Width(Isa isa) => isa switch { Isa.Avx512 => 16, Isa.Avx2 => 8, _ => 4 };

    // Backward-data of stride s has IW/s grid columns: both directions pass all tails.
    [Test]
    public void Every_number_of_columns_around_two_vectors([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values(1, 2, 3, 4)] int stride)
    {
        for (int ow = 1; ow <= (2 * Width(isa)) + 1; ow++)
            Check(new ConvProblem(new TensorShape(1, 1 + (ow % 4), 2 * stride, ow * stride), 1 + (ow % 5), 3, 3) { StrideH = stride, StrideW = stride, Padding = Padding.All(1) }, isa);
    }

    // Where rows of the output fill enough of their vectors they are summed one by one: up to five vectors, the last row of a band apart.
    [Test]
    public void Every_number_of_columns_of_a_first_layer([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values(1, 2, 3)] int stride)
    {
        for (int ow = Width(isa) + 1; ow <= (5 * Width(isa)) + 1; ow++)
            Check(new ConvProblem(new TensorShape(2, 1 + (ow % 3), 5 * stride, ow * stride), 22 + (ow % 3), 3, 3) { StrideH = stride, StrideW = stride, Padding = Padding.All(1) }, isa);
    }

    // Up to three panels, of every number of rows that a kernel has.
    [Test]
    public void Every_number_of_rows([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        for (int rows = 1; rows <= 13; rows++)
        {
            Check(new ConvProblem(new TensorShape(1, 3, 5, 7), rows, 3, 2) { Padding = Padding.All(1) }, isa);
            Check(new ConvProblem(new TensorShape(2, rows, 5, 7), 3, 2, 3) { StrideH = 2, Padding = Padding.All(1) }, isa);
        }
    }

    // Classes without taps, kernels that reach over several images of padding, more classes than pixels, tiles over the ends of rows.
    [TestCase("mb2ic3ih9oc4kh1sh3")]
    [TestCase("mb1ic2ih20oc5kh2sh4ph1")]
    [TestCase("mb1ic3ih3oc4oh1kh3sh5ph1")]
    [TestCase("g2mb1ic6ih12oc4kh3sh2ph4dh2")]
    [TestCase("mb1ic3ih31oc70kh7sh2ph3")]
    [TestCase("mb1ic40ih6iw70oc3oh6ow70kh5ph2")]
    [TestCase("mb2ic3ih119oc24oh28kh11sh4")]
    [TestCase("mb1ic5ih131oc23oh43kh9sh3ph2")]
    public void Odd_strides_padding_and_many_channels(string descriptor)
    {
        foreach (Isa isa in Configurations.Isas) Check(ConvProblem.Parse(descriptor), isa);
    }

    // First layers whose rows are whole lines: tiles of three vectors and of two, channels that fill their tiles and that do not.
    [Test]
    public void Results_past_the_caches_have_the_same_bits(
        [ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values(1, 2)] int threads)
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa, Threads = threads, Activation = ConvActivation.Relu };
        PastTheCaches.CheckForward(PastTheCaches.Problem("g2ic6ih40iw80oc48oh40ow80kh3ph1"), options, isa == Isa.Avx512);
        PastTheCaches.CheckForward(PastTheCaches.Problem("ic3ih40iw80oc28oh40ow80kh3ph1"), options, isa == Isa.Avx512);
        PastTheCaches.CheckForward(PastTheCaches.Problem("ic3ih40iw80oc7oh40ow80kh3ph1"), options, streams: false);
        PastTheCaches.CheckForward(
            PastTheCaches.Problem("ic3ih40iw80oc24oh40ow80kh3ph1"), options with { Activation = ConvActivation.LeakyRelu(0.1f) }, streams: false);
    }

    [TestCase("g2mb3ic8ih45oc6oh45kh3ph1")]
    [TestCase("mb1ic3ih61oc40kh7sh2ph3")]
    [TestCase("mb2ic3ih127oc24kh7sh2ph3")]
    [TestCase("mb2ic3ih119oc24oh28kh11sh4")]
    [TestCase("mb9ic40ih7oc40kh5ph2")]   // channels in the lanes; threads share out images or panels
    public void Bits_depend_neither_on_threads_nor_on_strips(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output), dx = new(problem.Input);
        float[]? firstY = null, firstDX = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        foreach (long workspace in (long[])[Conv2dOptions.DefaultMaxWorkspaceBytes, 200_000, 100_000])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, Threads = threads, MaxWorkspaceBytes = workspace });
            conv.Forward(x, w, null, y);
            conv.BackwardData(y, w, dx);
            firstY ??= y.Span.ToArray();
            firstDX ??= dx.Span.ToArray();
            Assert.That(y.Span.SequenceEqual(firstY) && dx.Span.SequenceEqual(firstDX), $"{threads} threads, {workspace} bytes");
        }
    }

    // Tiles run over the ends of rows, where the residual's rows end too.
    [Test]
    public void Residual_and_activation_reach_tiles_that_run_on([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic5ih131oc23oh43kh9sh3ph2");
        using var plain = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
        using var fused = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa, Activation = ConvActivation.Clip(-0.5f, 1) });
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, 23, 1, 1), 3);
        using Tensor residual = Tensors.Random(problem.Output, 4), y = new(problem.Output), expected = new(problem.Output);
        plain.Forward(x, w, b, expected);
        for (int i = 0; i < expected.Length; i++) expected.Span[i] = Math.Clamp(expected.Span[i] + residual.Span[i], -0.5f, 1);
        fused.Forward(x, w, b, y, residual);
        Assert.That(y.Span.SequenceEqual(expected.Span));
    }

    // 14 strips, more than parts; 5 images; several groups.
    [TestCase("mb2ic3ih224oc10oh112kh3sh2ph1")]
    [TestCase("mb5ic3ih40oc8oh40kh3ph1")]
    [TestCase("g2mb3ic4ih45oc10oh45kh5ph2")]
    public void Bits_of_weight_gradients_do_not_depend_on_threads(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 2);
        using Tensor dw = new(problem.Weights), db = new(1, problem.Output.C, 1, 1);
        foreach (Isa isa in Configurations.Isas.Where(isa => isa != Isa.Avx512))
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
            Assert.That(() => conv.BackwardWeights(x, dy, dw, db), Throws.TypeOf<NotSupportedException>().With.Message.Contains("32 vector registers"));
        }

        if (!Configurations.Isas.Contains(Isa.Avx512)) return;
        float[]? firstDW = null, firstDB = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = Isa.Avx512, Threads = threads });
            conv.BackwardWeights(x, dy, dw, db);
            firstDW ??= dw.Span.ToArray();
            firstDB ??= db.Span.ToArray();
            Assert.That(dw.Span.SequenceEqual(firstDW) && db.Span.SequenceEqual(firstDB), $"{threads} threads");
        }
    }

    // A part of a tile, tiles of one and two channels, more taps than whole tiles, strips of a few rows, rows that fill no vector.
    [TestCase("mb1ic3ih70oc7kh3ph1")]
    [TestCase("mb2ic2ih33oc5kh4sh3ph2")]
    [TestCase("mb1ic3ih31iw1030oc4kh3kw5sh2sw3ph1pw2")]
    [TestCase("mb1ic1ih9iw2000oc3kh2kw3ph0pw0")]
    [TestCase("g3mb3ic6ih20oc3kh3ph3dh2")]
    [TestCase("mb17ic3ih16oc16kh3ph1")]
    [TestCase("mb1ic5ih1iw1oc2kh3kw3ph1pw1")]
    public void Strips_tiles_and_parts_of_weight_gradients(string descriptor)
    {
        foreach (Isa isa in Configurations.Isas) Check(ConvProblem.Parse(descriptor), isa);
        if (!Configurations.Isas.Contains(Isa.Avx512)) return;
        CheckWeights(ConvProblem.Parse(descriptor), new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = Isa.Avx512, MaxWorkspaceBytes = 200_000 });
    }

    // Channels in lanes: every width of an image, vectors of which a part is no channel, several panels, chunks of channels and blocks of images.
    [Test]
    public void Every_width_of_a_small_image([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        for (int width = 3; width <= 18; width++)
            CheckLanes(new ConvProblem(new TensorShape(1, 48, 3, width), 48, 3, 3) { Padding = Padding.All(1) }, isa);
    }

    [TestCase("mb1ic48ih7oc128oh7kh5ph2")]
    [TestCase("mb3ic150ih7oc31oh7kh5ph2")]
    [TestCase("g2mb2ic64ih5oc62oh5kh3ph1")]
    [TestCase("mb2ic64ih9iw5oc64oh9ow7kh3kw5ph1pw3")]
    [TestCase("mb1ic64ih9oc47oh9kh3ph2dh1")]
    [TestCase("mb1ic64ih6oc64oh8kh3ph2")]
    [TestCase("mb1ic64ih2oc64oh2kh5ph2")]
    [TestCase("mb40ic16ih14oc80oh14kh3ph1")]
    [TestCase("mb1ic64ih17iw17oc64oh17ow17kh1kw7ph0pw3")]
    [TestCase("mb1ic64ih17iw17oc64oh17ow17kh7kw1ph3pw0")]
    public void Channels_in_lanes(string descriptor)
    {
        foreach (Isa isa in Configurations.Isas) CheckLanes(ConvProblem.Parse(descriptor), isa);
    }

    [Test]
    public void Bits_of_lanes_depend_neither_on_threads_nor_on_blocks_nor_on_packing()
    {
        ConvProblem problem = ConvProblem.Parse("mb9ic40ih14oc80oh14kh5ph2");
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output), dx = new(problem.Input);
        float[]? firstY = null, firstDX = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        foreach (long workspace in (long[])[Conv2dOptions.DefaultMaxWorkspaceBytes, 2_000_000, 500_000])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, Threads = threads, MaxWorkspaceBytes = workspace });
            using PackedWeights packed = conv.Pack(w);
            foreach (bool isPacked in (bool[])[false, true])
            {
                if (isPacked) conv.Forward(x, packed, null, y);
                else conv.Forward(x, w, null, y);
                if (isPacked) conv.BackwardData(y, packed, dx);
                else conv.BackwardData(y, w, dx);
                firstY ??= y.Span.ToArray();
                firstDX ??= dx.Span.ToArray();
                Assert.That(y.Span.SequenceEqual(firstY) && dx.Span.SequenceEqual(firstDX), $"{threads} threads, {workspace} bytes, packed {isPacked}");
            }
        }
    }

    // More threads mean narrower panels, which take less memory; fewer must find room as well.
    [Test]
    public void A_small_workspace_is_enough_for_any_number_of_threads_or_for_none([Values(310_000, 200_000, 150_000)] long workspace)
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic512ih7oc64oh7kh3ph2dh1");
        string?[] refusals = [.. ((int[])[1, 2, 3, 4, 16]).Select(threads => Refusal(problem, new() { Algorithm = ConvAlgorithm.Direct, Threads = threads, MaxWorkspaceBytes = workspace }))];
        Assert.That(refusals.Select(refusal => refusal is null).Distinct().Count(), Is.EqualTo(1), string.Join("; ", refusals));
    }

    private static string? Refusal(ConvProblem problem, Conv2dOptions options)
    {
        try
        {
            using var conv = new Conv2d(problem, options);
            return null;
        }
        catch (NotSupportedException e)
        {
            return e.Message;
        }
    }

    [Test]
    public void Too_small_a_workspace_is_refused()
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Direct, MaxWorkspaceBytes = 1000 };
        Assert.That(() => new Conv2d(ConvProblem.Parse("mb1ic3ih14oc64oh14kh3ph1"), options), Throws.TypeOf<NotSupportedException>().With.Message.Contains("1000"));
    }

    [TestCase("mb1ic3ih224oc64kh3ph1", Direction.BackwardData, true)]
    [TestCase("g32mb1ic128ih56oc128kh3ph1", Direction.Forward, true)]
    [TestCase("mb1ic3ih224oc32kh3sh2ph1", Direction.Forward, true)]
    [TestCase("mb1ic64ih56oc256kh1", Direction.Forward, false)]
    [TestCase("mb1ic3ih224oc768kh16sh16", Direction.BackwardData, false)]
    [TestCase("mb8ic16ih8oc16oh2kh4sh4", Direction.Forward, false)]
    [TestCase("mb1ic512ih5oc512oh5kh3ph1", Direction.BackwardData, true)]
    [TestCase("mb1ic512ih7oc512oh7kh3ph1", Direction.BackwardData, false)]
    [TestCase("mb1ic48ih7oc128oh7kh5ph2", Direction.BackwardData, false)]
    [TestCase("mb1ic128ih17iw17oc128oh17ow17kh1kw7ph0pw3", Direction.Forward, true)]
    [TestCase("mb8ic256ih14oc256oh14kh3ph1", Direction.Forward, false)]
    [TestCase("mb1ic3ih224oc768kh16sh16", Direction.BackwardWeights, false)]
    [TestCase("mb1ic3ih224oc64kh7sh2ph3", Direction.BackwardWeights, false)]
    [TestCase("mb1ic256ih14oc256oh14kh5ph2", Direction.BackwardWeights, false)]
    public void Auto_takes_it_for_few_rows_of_overlapping_patches_and_for_small_images(string descriptor, Direction direction, bool taken)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor), new());
        string line = conv.Describe().Split('\n').First(line => line.Contains($" {direction}:", StringComparison.Ordinal));
        Assert.That(line.Contains($"{direction}: {ConvAlgorithm.Direct} (", StringComparison.Ordinal), Is.EqualTo(taken), line);
    }

    [Test]
    public void Auto_takes_it_for_weight_gradients_of_first_layers([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        using var conv = new Conv2d(ConvProblem.Parse("mb1ic3ih224oc32oh112kh3sh2ph1"), new() { ForcedIsa = isa });
        Assert.That(conv.Describe(), isa == Isa.Avx512 ? Does.Contain("BackwardWeights: Direct") : Does.Not.Contain("BackwardWeights: Direct"));
    }

    private static void CheckLanes(ConvProblem problem, Isa isa)
    {
        using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
        Assert.That(conv.Describe(), Does.Contain("channels in lanes"), $"{problem} {isa}");
        Check(problem, isa);
    }

    private static void Check(ConvProblem problem, Isa isa)
    {
        using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        using Tensor dy = Tensors.Random(problem.Output, 4), y = Tensors.Filled(problem.Output, float.NaN), dx = Tensors.Filled(problem.Input, float.NaN);
        conv.Forward(x, w, b, y);
        ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, b), y.Span, $"{problem} {isa} y");
        conv.BackwardData(dy, w, dx);
        ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, $"{problem} {isa} dx");
        if (isa == Isa.Avx512) CheckWeights(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
    }

    private static void CheckWeights(ConvProblem problem, Conv2dOptions options)
    {
        using var conv = new Conv2d(problem, options);
        using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 4);
        using Tensor dw = Tensors.Filled(problem.Weights, float.NaN), db = Tensors.Filled(new TensorShape(1, problem.Output.C, 1, 1), float.NaN);
        conv.BackwardWeights(x, dy, dw, db);
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        ErrorBound.AssertWithin(exactDW, dw.Span, $"{problem} dw");
        ErrorBound.AssertWithin(exactDB, db.Span, $"{problem} db");
    }
}
