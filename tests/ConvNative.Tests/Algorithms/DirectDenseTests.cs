using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>Dense layers: ends of rows, rows that fill no tile, sums and columns of several blocks, threads that share images, channels or weights.</summary>
internal sealed class DirectDenseTests
{
    // All tails of a row, 1 to 4 images, 1 to 9 channels, both below and beyond a tile.
    [Test]
    public void Every_length_around_two_vectors([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        for (int k = 1; k <= 33; k++) Check(Problem(1 + (k % 4), k, 1 + (k % 9)), isa);
    }

    // Terms of the gradients are summed by eights, fours, twos and ones.
    [Test]
    public void Every_number_of_images_and_channels([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        for (int count = 1; count <= 19; count++)
        {
            Check(Problem(count, 37, 5), isa);
            Check(Problem(2, 20, count), isa);
        }
    }

    // Several blocks of k and of columns, more images than a block has, groups, strides that read nothing else, zeros behind the image that no tap reads.
    [TestCase("mb2ic2100ih1oc11kh1")]
    [TestCase("mb70ic1100ih1oc9kh1")]
    [TestCase("mb3ic9ih17iw19oc10kh17kw19")]
    [TestCase("g5mb4ic35ih3iw2oc45kh3kw2")]
    [TestCase("mb300ic30ih1oc70kh1")]
    [TestCase("mb2ic40ih4oc10oh1kh4sh3ph0")]
    public void Blocks_and_groups(string descriptor)
    {
        foreach (Isa isa in Configurations.Isas) Check(ConvProblem.Parse(descriptor), isa);
    }

    [Test]
    public void A_kernel_whose_last_taps_read_zeros_behind_the_image_is_none([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        var problem = new ConvProblem(new TensorShape(2, 5, 2, 3), 7, 2, 3) { DilationH = 2, DilationW = 3, Padding = new Padding(0, 0, 1, 4) };
        using var conv = new Conv2d(problem, new() { ForcedIsa = isa });
        Assert.That(problem.Output, Is.EqualTo(new TensorShape(2, 7, 1, 1)));
        Assert.That(conv.Describe(), Does.Not.Contain("dense layer"));
        Check(problem, new Conv2dOptions { ForcedIsa = isa });
    }

    // Fewer items than threads, so that images are shared as well; sums in the workspace, and beside it where that is too small; weights packed, which are read as they are.
    [TestCase("mb20ic700ih1oc10kh1")]
    [TestCase("mb9ic60ih1oc200kh1")]
    [TestCase("g3mb5ic99ih2oc48oh1kh2ph0")]
    [TestCase("mb1ic2500ih1oc50kh1")]
    public void Bits_depend_neither_on_threads_nor_on_the_workspace_nor_on_packing(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        float[][]? first = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        foreach (long workspace in (long[])[Conv2dOptions.DefaultMaxWorkspaceBytes, 1000])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, Threads = threads, MaxWorkspaceBytes = workspace });
            using PackedWeights packed = conv.Pack(w);
            foreach (PackedWeights? weights in new[] { null, packed })
            {
                float[][] results = Results(conv, problem, x, w, dy, weights);
                first ??= results;
                for (int i = 0; i < results.Length; i++)
                    Assert.That(results[i].AsSpan().SequenceEqual(first[i]), $"result {i}, {threads} threads, {workspace} bytes, packed {weights is not null}");
            }
        }
    }

    [Test]
    public void An_image_has_the_same_bits_alone_and_in_a_batch([ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa)
    {
        ConvProblem batch = Problem(67, 1300, 21), one = Problem(1, 1300, 21);
        using var conv = new Conv2d(batch, new() { ForcedIsa = isa });
        using var alone = new Conv2d(one, new() { ForcedIsa = isa });
        using Tensor x = Tensors.Random(batch.Input, 1), w = Tensors.Random(batch.Weights, 2), y = new(batch.Output), dx = new(batch.Input);
        using Tensor x1 = new(one.Input), y1 = new(one.Output), dx1 = new(one.Input);
        conv.Forward(x, w, null, y);
        conv.BackwardData(y, w, dx);
        for (int n = 0; n < 67; n += 11)
        {
            x.Span.Slice(n * 1300, 1300).CopyTo(x1.Span);
            alone.Forward(x1, w, null, y1);
            alone.BackwardData(y1, w, dx1);
            Assert.That(y1.Span.SequenceEqual(y.Span.Slice(n * 21, 21)) && dx1.Span.SequenceEqual(dx.Span.Slice(n * 1300, 1300)), $"image {n}");
        }
    }

    [Test]
    public void Bias_residual_and_activation_are_applied(
        [ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values] bool hasBias, [Values] bool hasResidual)
    {
        ConvProblem problem = ConvProblem.Parse("g2mb5ic50ih3oc46oh1kh3ph0");
        using var plain = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa });
        using var fused = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa, Threads = 2, Activation = ConvActivation.Clip(-0.5f, 1) });
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, 46, 1, 1), 3);
        using Tensor residual = Tensors.Random(problem.Output, 4), y = new(problem.Output), expected = new(problem.Output);
        plain.Forward(x, w, null, expected);
        for (int i = 0; i < expected.Length; i++)
        {
            float sum = expected.Span[i] + (hasBias ? b.Span[i % 46] : 0);
            expected.Span[i] = Math.Clamp(sum + (hasResidual ? residual.Span[i] : 0), -0.5f, 1);
        }

        fused.Forward(x, w, hasBias ? b : null, y, hasResidual ? residual : null);
        Assert.That(y.Span.SequenceEqual(expected.Span));
    }

    // One image, which is a product of two vectors; several, whose sums are complete only after the last; rows that are no whole lines.
    [TestCase(1, 2048, true)]
    [TestCase(13, 2080, true)]
    [TestCase(3, 2055, false)]
    public void Weight_gradients_past_the_caches_have_the_same_bits(int images, int k, bool streams)
    {
        ConvProblem problem = Problem(images, k, (int)(StreamingStores.NearBytes / sizeof(float) / k) + 1);
        foreach (Isa isa in Configurations.Isas)
            PastTheCaches.CheckBackwardWeights(problem, new() { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa, Threads = 1 }, streams);
        var small = new Conv2dOptions { Algorithm = ConvAlgorithm.Direct, Threads = 1, MaxWorkspaceBytes = 1000 };
        PastTheCaches.CheckBackwardWeights(problem, small, streams && images == 1);
    }

    [TestCase("mb1ic240ih1oc960kh1", true)]
    [TestCase("mb128ic512ih4oc10kh4", true)]
    [TestCase("mb1ic2ih1oc3kh1", true)]
    [TestCase("mb64ic256ih5oc256oh1kh5ph0", true)]
    [TestCase("mb1ic1ih28oc10oh1kh28ph0", true)]
    [TestCase("g512mb16ic512ih7oc512oh1kh7ph0", true)]
    [TestCase("g512mb1ic512ih7oc512oh1kh7ph0", false)]
    [TestCase("mb1ic240ih2oc960kh1", false)]
    [TestCase("mb1ic240ih1oc960kh3ph1", false)]
    public void Auto_takes_it_for_dense_layers_in_every_direction(string descriptor, bool taken)
    {
        foreach (Isa isa in Configurations.Isas)
        {
            using var conv = new Conv2d(ConvProblem.Parse(descriptor), new() { ForcedIsa = isa });
            string text = conv.Describe();
            Assert.That(text.Split("a dense layer").Length - 1, Is.EqualTo(taken ? 3 : 0), text);
        }
    }

    private static ConvProblem Problem(int images, int k, int channels) => new(new TensorShape(images, k, 1, 1), channels, 1, 1);

    private static float[][] Results(Conv2d conv, ConvProblem problem, Tensor x, Tensor w, Tensor dy, PackedWeights? packed)
    {
        using Tensor y = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(1, problem.Output.C, 1, 1);
        if (packed is null) conv.Forward(x, w, null, y);
        else conv.Forward(x, packed, null, y);
        if (packed is null) conv.BackwardData(dy, w, dx);
        else conv.BackwardData(dy, packed, dx);
        conv.BackwardWeights(x, dy, dw, db);
        return [y.Span.ToArray(), dx.Span.ToArray(), dw.Span.ToArray(), db.Span.ToArray()];
    }

    private static void Check(ConvProblem problem, Isa isa)
    {
        foreach (int threads in (int[])[1, 3]) Check(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Direct, ForcedIsa = isa, Threads = threads });
    }

    private static void Check(ConvProblem problem, Conv2dOptions options)
    {
        using var conv = new Conv2d(problem, options);
        var bias = new TensorShape(1, problem.Output.C, 1, 1);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(bias, 3), dy = Tensors.Random(problem.Output, 4);
        using Tensor y = Tensors.Filled(problem.Output, float.NaN), dx = Tensors.Filled(problem.Input, float.NaN);
        using Tensor dw = Tensors.Filled(problem.Weights, float.NaN), db = Tensors.Filled(bias, float.NaN);
        conv.Forward(x, w, b, y);
        ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, b), y.Span, $"{problem} {options.ForcedIsa} y");
        conv.BackwardData(dy, w, dx);
        ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, $"{problem} {options.ForcedIsa} dx");
        conv.BackwardWeights(x, dy, dw, db);
        (Oracle.Sum[] exactDW, Oracle.Sum[] exactDB) = Oracle.BackwardWeights(problem, x, dy);
        ErrorBound.AssertWithin(exactDW, dw.Span, $"{problem} {options.ForcedIsa} dw");
        ErrorBound.AssertWithin(exactDB, db.Span, $"{problem} {options.ForcedIsa} db");
    }
}
