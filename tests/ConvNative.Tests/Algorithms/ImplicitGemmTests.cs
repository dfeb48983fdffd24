using ConvNative.Algorithms;
using ConvNative.Gemm;
using ConvNative.Kernels;
using ConvNative.Planning;
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

    [TestCase("mb1ic3ih224oc768oh14kh16sh16", 1)]
    [TestCase("mb1ic16ih28oc32oh7kh2sh4ph1", 1)]
    [TestCase("mb1ic16ih56oc32oh28kh1sh2", 1)]
    [TestCase("mb1ic16ih28oc32oh14kh3sh2ph1", 4)]
    public void Patches_without_a_pixel_in_common_are_one_product(string descriptor, int products)
    {
        using Conv2d conv = new(ConvProblem.Parse(descriptor), new Conv2dOptions { Algorithm = ConvAlgorithm.ImplicitGemm });
        Assert.That(conv.Describe().Split('\n').Single(line => line.Contains(" BackwardData:", StringComparison.Ordinal)), Does.Contain($" {products} product(s)"));
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

    // An image as it stands, which threads cut; one that is packed; images that are merged; fewer panels than threads.
    [Test]
    public void Threads_share_out_an_image_evenly(
        [Values("mb1ic64ih56oc256oh56kh1", "mb1ic512ih28oc128oh28kh1", "mb1ic256ih56oc512oh28kh1sh2", "mb3ic64ih56oc128oh28kh3sh2ph1", "mb9ic64ih5oc64oh5kh1", "mb1ic64ih5oc8oh5kh3ph1")]
        string descriptor, [Values] Isa isa, [Values(1, 2, 3, 8)] int threads)
    {
        ConvSizes s = ProblemSizes.Of(ConvProblem.Parse(descriptor));
        PlanContext context = new(s, isa, threads, Conv2dOptions.DefaultMaxWorkspaceBytes, GemmChooser.Choose(GemmEngine.Managed, isa), default, true);
        var shape = new ImplicitGemmShape(context, Direction.Forward);
        PatchGrid grid = ImplicitGemm.ForwardGrid(s);
        shape.Block([new ImplicitGemmPart(grid, [.. Enumerable.Range(0, grid.Taps)], 0, 0, 0)]);
        int blocks = shape.ColumnBlocks(grid), NR = shape.Kernel.NR, points = shape.Points(grid);
        int[] ends = [.. Enumerable.Range(0, blocks + 1).Select(block => shape.FirstColumn(grid, block))];
        Assert.That((ends[0], ends[^1]), Is.EqualTo((0, points)));
        int[] panels = [.. Enumerable.Range(0, blocks).Select(block => BlockSizes.CeilDiv(ends[block + 1] - ends[block] - (block == blocks - 1 ? shape.Kernel.Tail : 0), NR))];
        Assert.That(shape.NC, Is.EqualTo(panels.Max() * NR));
        Assert.That(panels.Max() - panels.Min(), Is.LessThanOrEqualTo(1), string.Join(' ', ends));
        Assert.That(ends[..^1], Has.All.Matches<int>(end => end % NR == 0));
        Assert.That(Enumerable.Range(0, blocks).Select(block => ends[block + 1] - ends[block]), Has.All.InRange(1, shape.MostColumns));
        Assert.That(
            (long)shape.Images * s.G >= 4 * threads || shape.Images * s.G % threads == 0 || blocks * shape.RowBlocks % threads == 0 || blocks == Math.Max(1, BlockSizes.CeilDiv(points - shape.Kernel.Tail, NR)),
            $"{blocks} blocks, {shape.RowBlocks} parts of the rows");
    }
}
