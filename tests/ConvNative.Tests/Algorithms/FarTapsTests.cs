using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>Strides, dilations and padding of which each is far larger than the image.</summary>
internal sealed class FarTapsTests
{
    private const int MostPixels = int.MaxValue - (1 << 20);
    private static readonly int[] Far = [7, 1000, 65535, 65536, 1 << 20, 1 << 24, (1 << 27) + 1, 1 << 28];

    [Test]
    public void Results_are_right_or_the_algorithm_refuses([Values] Isa isa, [Values] ConvAlgorithm algorithm, [Values(1, 2)] int threads)
    {
        int computed = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            ConvProblem problem = Problem(new Random(seed));
            Conv2d conv;
            try
            {
                conv = new Conv2d(problem, new() { Algorithm = algorithm, ForcedIsa = isa, Threads = threads });
            }
            catch (NotSupportedException)
            {
                continue;
            }

            using (conv) computed += Check(conv, problem, new() { Algorithm = algorithm, ForcedIsa = isa });
        }

        int least = algorithm switch { ConvAlgorithm.Winograd => 0, ConvAlgorithm.Depthwise => 10, ConvAlgorithm.Direct => 20, _ => 100 };
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
        long all = ((outputs - 1L) * stride) + ((taps - 1L) * dilation) + 1 + random.Next(Math.Min(stride, 4)) - size;
        long before = random.Next(3) switch { 0 => all / 2, 1 => all, _ => random.NextInt64(Math.Max(0, all) + 1) };
        return new Axis(size - (int)Math.Min(0, all), taps, stride, dilation, Math.Max(0, before), Math.Max(0, all) - Math.Max(0, before));

        int Distance() => isFar && random.Next(2) == 0 ? Far[random.Next(Far.Length)] : 1 + random.Next(3);
    }

    private readonly record struct Axis(int Size, int Taps, int Stride, int Dilation, long Before, long After);
}
