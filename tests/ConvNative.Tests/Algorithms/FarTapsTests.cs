using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>Strides, dilations and padding of which each is far larger than the image.</summary>
internal sealed class FarTapsTests
{
    private const int MostPixels = int.MaxValue - (1 << 21), MostStride = 1 << 20;
    private static readonly int[] Far = [7, 1000, 65535, 65536, MostStride, 1 << 24, (1 << 27) + 1, 1 << 28];

    // Winograd's have few phases.
    private static readonly ConvAlgorithm[] Algorithms =
        [ConvAlgorithm.Auto, ConvAlgorithm.Reference, ConvAlgorithm.Im2ColGemm, ConvAlgorithm.ImplicitGemm, ConvAlgorithm.Direct, ConvAlgorithm.Depthwise];

    [Test]
    public void Results_are_right_or_the_algorithm_refuses([Values] Isa isa, [ValueSource(nameof(Algorithms))] ConvAlgorithm algorithm)
    {
        int computed = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            ConvProblem problem = Problem(new Random(seed));
            Conv2d conv;
            try
            {
                conv = new Conv2d(problem, new() { Algorithm = algorithm, ForcedIsa = isa, Threads = 1 + (seed % 2) });
            }
            catch (NotSupportedException)
            {
                continue;
            }

            using (conv) computed += Check(conv, problem, new() { Algorithm = algorithm, ForcedIsa = isa });
        }

        int least = algorithm switch { ConvAlgorithm.Depthwise => 10, ConvAlgorithm.Direct => 20, _ => 100 };
        Assert.That(computed, Is.GreaterThanOrEqualTo(least));
    }

    [TestCase(1, 3, 1 << 30, 1 << 30)]
    [TestCase(1 << 30, 1, 1, int.MaxValue)]
    [TestCase(int.MaxValue, 2, int.MaxValue, int.MaxValue)]
    public void Padding_that_makes_an_image_of_too_many_pixels_is_refused(int stride, int kernel, int dilation, int padding)
    {
        var problem = new ConvProblem(new TensorShape(1, 2, 8, 8), 2, kernel, 1)
        {
            StrideH = stride, DilationH = dilation, Padding = new Padding(padding, 0, padding, 0),
        };
        Assert.That(
            () => new Conv2d(problem),
            Throws.TypeOf<ConvShapeException>().With.Message.EqualTo(
                $"The pixels of an input image with its padding are {((2L * padding) + 8) * 8}; they must be at most {MostPixels}."));
    }

    // Each was accepted once, and wrote beyond its workspace, took gigabytes for a plan, or divided by zero.
    [TestCase("mb1ic2ih1iw8oc2oh1ow1022kh1kw2sh1sw2097152ph0pw1073741824dh0dw2097151", "columns from an output to the next are 2097152; they must be at most 1048576")]
    [TestCase("mb1ic1ih1iw8oc1oh1ow2kh1kw2sh1sw750000000ph0pw750000000dh0dw749999999", "columns from an output to the next are 750000000; they must be at most 1048576")]
    [TestCase("mb1ic2ih1iw2000000oc2oh1ow1kh1kw2sh1sw1ph0pw1100000000dh0dw2145000000", "columns of the input and those that a kernel spans are 2147000001; they must be at most 2145386495")]
    [TestCase("mb1ic2147483640ih1oc1kh1", "The channels are 2147483640; they must be at most 2145386495")]
    public void Sizes_that_32_bits_do_not_count_are_refused(string descriptor, string told)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        Assert.That(() => new Conv2d(problem), Throws.TypeOf<ConvShapeException>().With.Message.Contains(told));
    }

    [TestCase("mb1ic2ih8oc32oh1ow4kh4096kw8192ph2048pw4096")]                                   // taps · lanes have 32 bits
    [TestCase("mb1ic1ih1iw1oc67108864oh1ow1kh2kw1sh1sw1ph536870912pw0dh1073741822")]            // a band has 2⁶² floats
    public void Sizes_whose_products_have_more_than_32_bits_can_be_planned(string descriptor)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor));
        Assert.That(conv.WorkspaceBytes, Is.InRange(0, 1L << 31));
    }

    [Test]
    public void So_many_images_and_groups_that_their_product_has_33_bits_can_be_planned()
    {
        var problem = new ConvProblem(new TensorShape(65536, 131072, 1, 1), 65536, 1, 1) { Groups = 65536 };
        using var conv = new Conv2d(problem, new() { Threads = 2 });
        Assert.That(conv.Describe(), Does.Contain("Forward"));
    }

    private static int Check(Conv2d conv, ConvProblem problem, Conv2dOptions options)
    {
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = Tensors.Filled(problem.Output, float.NaN), dx = Tensors.Filled(problem.Input, float.NaN), dw = Tensors.Filled(problem.Weights, float.NaN);
        double amplification = Configurations.Amplification(options);
        int computed = 0;
        if (Runs(() => conv.Forward(x, w, null, y))) ErrorBound.AssertWithin(Oracle.Forward(problem, x, w, null), y.Span, $"{problem}: y", amplification);
        if (Runs(() => conv.BackwardData(dy, w, dx))) ErrorBound.AssertWithin(Oracle.BackwardData(problem, dy, w), dx.Span, $"{problem}: dx", amplification);
        if (Runs(() => conv.BackwardWeights(x, dy, dw, null))) ErrorBound.AssertWithin(Oracle.BackwardWeights(problem, x, dy).DW, dw.Span, $"{problem}: dw", amplification);
        return computed;

        bool Runs(Action run)
        {
            try
            {
                run();
                computed++;
                return true;
            }
            catch (NotSupportedException)
            {
                return false;
            }
        }
    }

    /// <summary>One axis with far taps or outputs, the other one with near ones; the padded image has pixels within the limit.</summary>
    private static ConvProblem Problem(Random random)
    {
        while (true)
        {
            bool tall = random.Next(2) == 0;
            Axis h = RandomAxis(random, tall), w = RandomAxis(random, !tall);
            if ((h.Size + h.Before + h.After) * (w.Size + w.Before + w.After) > MostPixels) continue;
            int groups = 1 + random.Next(3), ic = groups * (1 + random.Next(18)), oc = random.Next(3) == 0 ? ic : groups * (1 + random.Next(18));
            if (oc == ic) groups = ic;
            return new ConvProblem(new TensorShape(1 + random.Next(3), ic, h.Size, w.Size), oc, h.Taps, w.Taps)
            {
                StrideH = h.Stride, StrideW = w.Stride, DilationH = h.Dilation, DilationW = w.Dilation, Groups = groups,
                Padding = new Padding((int)h.Before, (int)w.Before, (int)h.After, (int)w.After),
            };
        }
    }

    private static Axis RandomAxis(Random random, bool isFar)
    {
        int size = 1 + random.Next(10), taps = 1 + random.Next(4), outputs = 1 + random.Next(6), stride = Distance(), dilation = Distance();
        if (outputs > 1) stride = Math.Min(stride, MostStride);
        long all = ((outputs - 1L) * stride) + ((taps - 1L) * dilation) + 1 + random.Next(Math.Min(stride, 4)) - size;
        long before = random.Next(3) switch { 0 => all / 2, 1 => all, _ => random.NextInt64(Math.Max(0, all) + 1) };
        return new Axis(size - (int)Math.Min(0, all), taps, stride, dilation, Math.Max(0, before), Math.Max(0, all) - Math.Max(0, before));

        int Distance() => isFar && random.Next(2) == 0 ? Far[random.Next(Far.Length)] : 1 + random.Next(3);
    }

    private readonly record struct Axis(int Size, int Taps, int Stride, int Dilation, long Before, long After);
}
