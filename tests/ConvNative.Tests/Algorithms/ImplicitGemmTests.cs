using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

internal sealed unsafe class ImplicitGemmTests
{
    // A plane of four points would fill a quarter of a vector, or of a tile with rows in the lanes.
    [TestCase("mb8ic1024ih2oc1024oh2kh1", "8x48")]
    [TestCase("mb1ic1024ih14oc1024oh14kh1", "32x14")]
    public void Small_images_of_1x1_kernels_are_merged(string descriptor, string kernel)
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.ImplicitGemm, ForcedIsa = Isa.Avx512 };
        using Conv2d conv = new(ConvProblem.Parse(descriptor), options);
        Assert.That(conv.Describe().Split('\n').Single(line => line.Contains(" BackwardData:", StringComparison.Ordinal)), Does.Contain(kernel));
    }

    // So many images that whole tiles are stored past the caches, where memory is aligned: as one image at a time. 70 rows and 640 columns leave
    // some over.
    [Test]
    public void Many_images_have_the_bits_of_each_by_itself(
        [ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa,
        [Values("ic70ih20iw32oc70oh20ow32kh1", "g2ic70ih20iw32oc70oh20ow32kh3ph1")] string descriptor, [Values(1, 2)] int threads)
    {
        ConvProblem one = ConvProblem.Parse("mb1" + descriptor);
        int images = (int)(StreamingStores.NearBytes / sizeof(float) / one.Output.Length) + 1;
        ConvProblem many = ConvProblem.Parse($"mb{images}" + descriptor);
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.ImplicitGemm, ForcedIsa = isa, Threads = threads, Activation = ConvActivation.Relu };
        using Conv2d single = new(one, options), conv = new(many, options);
        Assert.That(
            conv.Describe().Split('\n').Count(line => line.Contains("past the caches", StringComparison.Ordinal)), Is.EqualTo(isa == Isa.Avx512 ? 2 : 0));
        using Tensor x = Tensors.Random(many.Input, 1), w = Tensors.Random(many.Weights, 2), b = Tensors.Random(new TensorShape(1, 70, 1, 1), 3);
        using Tensor dy = Tensors.Random(many.Output, 4), residual = Tensors.Random(many.Output, 5), y = new(one.Output), dx = new(one.Input);
        using Tensor memoryY = new(1, 1, 1, (int)many.Output.Length + 1), memoryDX = new(1, 1, 1, (int)many.Input.Length + 1);
        fixed (float* startX = x.Span, startDY = dy.Span, startResidual = residual.Span, startY = memoryY.Span, startDX = memoryDX.Span)
        foreach (int offset in (int[])[0, 1])
        {
            using Tensor ys = Tensor.Wrap(startY + offset, many.Output), dxs = Tensor.Wrap(startDX + offset, many.Input);
            conv.Forward(x, w, b, ys, residual);
            conv.BackwardData(dy, w, dxs);
            for (int n = 0; n < images; n++)
            {
                int atX = n * (int)one.Input.Length, atY = n * (int)one.Output.Length;
                using Tensor ownX = Tensor.Wrap(startX + atX, one.Input), ownDY = Tensor.Wrap(startDY + atY, one.Output);
                using Tensor ownResidual = Tensor.Wrap(startResidual + atY, one.Output);
                single.Forward(ownX, w, b, y, ownResidual);
                single.BackwardData(ownDY, w, dx);
                Assert.That(ys.Span.Slice(atY, y.Span.Length).SequenceEqual(y.Span), $"y of image {n}, {offset} floats from a line");
                Assert.That(dxs.Span.Slice(atX, dx.Span.Length).SequenceEqual(dx.Span), $"dx of image {n}, {offset} floats from a line");
            }
        }
    }
}
