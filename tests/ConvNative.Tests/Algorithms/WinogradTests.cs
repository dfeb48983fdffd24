using ConvNative.Algorithms;
using ConvNative.Gemm;
using ConvNative.Kernels;
using ConvNative.Planning;
using ConvNative.Simd;
using ConvNative.Tests.Kernels;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Algorithms;

/// <summary>What <see cref="Winograd"/> is weak at: borders of tiles, blocks and panels, and how its work is shared.</summary>
internal sealed class WinogradTests
{
    private const int TwoTilesAndOne = 9;

    [Test]
    public void Every_output_size_around_the_tile([Values] Isa isa, [Values(0, 1, 2, 4)] int padding, [Values(3, 4, 5)] int taps)
    {
        for (int oh = 1; oh <= TwoTilesAndOne; oh++)
        for (int ow = 1; ow <= TwoTilesAndOne; ow++)
        {
            var input = new TensorShape(1 + ((oh + ow) % 3), 16, oh + taps - 1 - (2 * padding), ow + taps - 1 - (2 * padding));
            if (input.H < 1 || Math.Min(input.W, ow) < WinogradPoints.Quad) continue;
            Check(new ConvProblem(input, 17, taps, taps) { Padding = Padding.All(padding) }, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa });
        }
    }

    [Test]
    public void Every_output_size_around_the_large_tile()
    {
        const int TwoTilesAndOne = 13;
        int large = 0;
        for (int oh = 1; oh <= TwoTilesAndOne; oh++)
        for (int ow = WinogradPoints.Quad; ow <= TwoTilesAndOne; ow++)
        {
            var problem = new ConvProblem(new TensorShape(1 + ((oh + ow) % 3), 16, oh, ow), 17, 3, 3) { Padding = Padding.All(1) };
            large += WinogradChoice.Kernels(Isa.Avx512, ProblemSizes.Of(problem)).Grid.Tile == 6 ? 1 : 0;
            Check(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = Isa.Avx512 });
        }

        Assert.That(large, Is.GreaterThan(TwoTilesAndOne * TwoTilesAndOne / 4));
    }

    // Planes that are whole pages go by way of a window; of so many images, past the caches from there. Strips begin with lines or not, in tiles of 4 and of 6 columns.
    [Test]
    public void Results_past_the_caches_have_the_same_bits(
        [ValueSource(typeof(Configurations), nameof(Configurations.Isas))] Isa isa, [Values(1, 2)] int threads,
        [Values("ic20ih32iw224oc20oh32ow224kh3ph1", "g2ic40ih32iw32oc40oh32ow32kh3ph1", "ic20ih64iw64oc20oh64ow64kh5ph2")] string image)
    {
        ConvProblem problem = PastTheCaches.Problem(image);
        int width = WinogradChoice.Kernels(isa, ProblemSizes.Of(problem)).Width;
        bool hasWindow = CacheSizes.Machine.Collide(width, sizeof(float) * problem.Output.H * problem.Output.W);
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa, Threads = threads, Activation = ConvActivation.Relu };
        PastTheCaches.CheckForward(problem, options, hasWindow);
        PastTheCaches.CheckBackwardData(problem, options, hasWindow);
    }

    // Taps that fill the phases and that do not, images that begin and end with any phase; some of few outputs have sums too short.
    [Test]
    public void Strides([Values("2x2", "3x3", "4x4", "2x1", "1x3", "4x3")] string strides, [Values(0, 1, 2, 3)] int padding, [Values] Isa isa)
    {
        (int sh, int sw) = (strides[0] - '0', strides[2] - '0');
        int problems = 0, computed = 0;
        for (int size = 0; size < 12; size++)
        for (int taps = 2; taps <= 5; taps++)
        {
            int kh = (taps * sh) - (size % sh), kw = (taps * sw) - ((size + padding) % sw);
            var around = new Padding(padding, (padding + size) % 4, size % 3, 1);
            int h = ReadOf(kh + size, kh, sh, around.Top, around.Bottom), w = ReadOf(kw + (4 * sw) + size, kw, sw, around.Left, around.Right);
            if (h < 1 || w < 1) continue;
            var input = new TensorShape(1 + (size % 3), 16, h, w);
            var problem = new ConvProblem(input, 17, kh, kw) { StrideH = sh, StrideW = sw, Padding = around };
            computed += Check(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa });
            problems++;
        }

        Assert.That(computed, Is.GreaterThanOrEqualTo(2 * problems));
    }

    // Images that begin and end with any phase, phases with and without a row or a column more, padding that is no multiple and far more than the kernel reaches.
    [Test]
    public void Dilations(
        [Values("2x2", "3x3", "4x4", "2x1", "1x3", "5x2", "6x7")] string dilations, [Values(0, 1, 2, 3, 9)] int padding, [Values(3, 4, 5)] int taps, [Values] Isa isa)
    {
        (int dh, int dw) = (dilations[0] - '0', dilations[2] - '0');
        int computed = 0;
        for (int size = 0; size < 10; size++)
        {
            var around = new Padding(padding, (padding + size) % 4, size % 3, size % 2);
            int oh = dh + size + padding, ow = (3 * dw) + 1 + size;
            var input = new TensorShape(1 + (size % 3), 16, oh + ((taps - 1) * dh) - around.Top - around.Bottom, ow + ((taps - 1) * dw) - around.Left - around.Right);
            if (input.H < 1 || (input.W + (around.Left % dw) - 1) / dw < WinogradPoints.Quad - 1) continue;
            var problem = new ConvProblem(input, 17, taps, taps) { DilationH = dh, DilationW = dw, Padding = around };
            computed += Check(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa });
        }

        Assert.That(computed, Is.GreaterThanOrEqualTo(12));
    }

    /// <summary>Rows of so many that outputs read.</summary>
    private static int ReadOf(int size, int kernel, int stride, int before, int after) =>
        Math.Min(size, ((size + before + after - kernel) / stride * stride) + kernel - before);

    [Test]
    public void Lopsided_and_large_padding([Values] Isa isa, [Values(3, 4, 5)] int taps)
    {
        foreach (Padding padding in (Padding[])[new(0, 1, 2, 3), new(5, 0, 0, 4), new(7, 7, 7, 7), new(0, 3, 0, 0), new(1, 4, 3, 0)])
            Check(new ConvProblem(new TensorShape(2, 4, 5, 6), 7, taps, taps) { Padding = padding }, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa });
    }

    // A block per worker and one for all; weights in one chunk and in several, whole and not.
    [Test]
    public void Packed_weights_give_the_same_bits(
        [Values("g2mb3ic34ih23oc22oh23kh3ph1", "mb1ic40ih7oc50oh7kh3ph1", "mb1ic330ih6oc150oh6kh3ph1", "mb2ic20ih33oc90oh33kh3ph1", "mb2ic40ih26oc70oh28kh3ph2", "mb3ic130ih14oc40oh14kh3ph1",
            "mb3ic40ih14oc50oh14kh3ph2dh1", "g2mb1ic20ih33oc18oh33kh3ph4dh3", "mb2ic60ih130iw70oc20oh130ow70kh3ph3dh2",
            "g2mb2ic34ih15oc22oh15kh5ph2", "mb1ic48ih7oc128oh7kh5ph2", "g2mb3ic6ih53oc20oh25kh5sh2ph0", "mb1ic64ih16oc40oh8kh4sh2ph1", "mb2ic5ih31oc20oh16kh7sh2ph3")] string descriptor,
        [Values] Isa isa, [Values(1, 2, 5)] int threads)
    {
        CheckPacked(ConvProblem.Parse(descriptor), isa, threads);
    }

    // Plain weights are multiplied row by row, packed ones of 3×3 kernels and four tiles too, and of large tiles where U is far; and input channels are cut, whose last part is shorter.
    [Test]
    public void Kernels_of_few_tiles_are_multiplied_by_rows(
        [Values("14k3", "16k3", "7k3", "7k5", "7x14k5")] string sizes, [Values(1, 2)] int groups, [Values] Isa isa, [Values(1, 2)] int threads)
    {
        (int height, int width, int all, int taps) = sizes switch { "14k3" => (14, 14, 16, 3), "16k3" => (16, 16, 16, 3), "7k3" => (7, 7, 4, 3), "7k5" => (7, 7, 4, 5), _ => (7, 14, 8, 5) };
        int reach = taps + 3, channels = (CacheSizes.Machine.L2 / (((all * reach * reach) + (reach * taps * 16)) * sizeof(float))) + 41;
        var problem = new ConvProblem(new TensorShape(1, groups * channels, height, width), groups * (all > 4 ? 150 : 18), taps, taps)
        {
            Padding = Padding.All(taps / 2),
            Groups = groups,
        };
        PlanContext context = Context(problem, threads) with { Isa = isa };
        (WinogradTiling plain, WinogradTiling packed) = Tilings(context);
        bool isFar = problem.Weights.Length / 9 * 64 * sizeof(float) > CacheSizes.Machine.L3 / 3;
        Assert.That((plain.ByRows, packed.ByRows), Is.EqualTo((isa == Isa.Avx512, isa == Isa.Avx512 && (sizes == "7k3" || (sizes == "14k3" && isFar)))));
        if (plain.ByRows) Assert.That(plain.ICChunks, Is.GreaterThan(1));
        CheckPacked(problem, isa, threads);
    }

    [TestCase(64, false)]
    [TestCase(4096, true)]
    public void Packed_weights_of_large_tiles_go_by_rows_where_U_is_far(int channels, bool isFar)
    {
        (WinogradTiling plain, WinogradTiling packed) = Tilings(Context(ConvProblem.Parse($"mb1ic{channels}ih14oc{channels}oh14kh3ph1"), threads: 1));
        Assert.That((plain.Reach, plain.ByRows, packed.Reach, packed.ByRows), Is.EqualTo((8, true, 8, isFar)));
    }

    // Kernels of few tiles cost as much to transform with large tiles, so that strides pay as they did with the others.
    [TestCase("mb1ic128ih24oc128oh12kh5sh2ph2")]
    [TestCase("mb1ic192ih28oc192oh14kh5sh2ph2")]
    public void Strides_pay_with_large_tiles_by_rows(string descriptor)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor), new() { ForcedIsa = Isa.Avx512 });
        Assert.That(conv.Describe().Split('\n').Single(line => line.Contains(" Forward:", StringComparison.Ordinal)), Does.Contain("Winograd (").And.Contain("F(6×6, 3×3)"));
    }

    // Phases of 3×3 kernels are half zeros; and U of this one is far away.
    [TestCase("mb8ic256ih28oc256oh14kh3sh2ph1")]
    [TestCase("mb8ic128ih56oc128oh28kh3sh2ph1")]
    [TestCase("mb1ic1024ih28oc1024oh14kh5sh2ph2")]
    public void Strides_do_not_pay_for_few_taps_nor_where_U_is_far(string descriptor)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor), new() { ForcedIsa = Isa.Avx512 });
        string[] lines = [.. conv.Describe().Split('\n').Where(line => line.Contains("Data:", StringComparison.Ordinal) || line.Contains("Forward:", StringComparison.Ordinal))];
        Assert.That(lines, Has.Length.EqualTo(2).And.All.Contain("Winograd does not pay here"));
    }

    // A plan that can run with plain weights can run with packed ones.
    [TestCase("mb1ic64ih14oc64oh14kh3ph1")]
    [TestCase("mb1ic512ih7oc512oh7kh3ph1")]
    [TestCase("mb4ic64ih28oc96oh28kh3ph1")]
    [TestCase("mb2ic48ih14oc128oh14kh5ph2")]
    [TestCase("mb1ic48ih7oc128oh7kh5ph2")]
    public void What_fits_with_plain_weights_fits_with_packed_ones(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        for (long workspace = 20_000; workspace < 20_000_000; workspace += 1 + (workspace / 50))
        {
            foreach (int threads in (int[])[1, 2, 3, 16])
            {
                PlanContext context = Context(problem, threads, workspace);
                (WinogradTiling plain, WinogradTiling packed) = Tilings(context);
                Assert.That(packed.Workers > 0 || plain.Workers == 0, $"{threads} threads, {workspace} bytes");
                foreach (WinogradTiling tiling in (WinogradTiling[])[plain, packed])
                    Assert.That(tiling.Workers == 0 || tiling.WorkspaceBytes <= workspace, $"{threads} threads, {workspace} bytes");
            }
        }
    }

    private static (WinogradTiling Plain, WinogradTiling Packed) Tilings(PlanContext context)
    {
        WinogradKernels kernels = WinogradChoice.Kernels(context.Isa, context.Sizes);
        return (WinogradTiling.For(context, context.Sizes, kernels), WinogradTiling.For(context, context.Sizes, kernels, packed: true));
    }

    private static void CheckPacked(ConvProblem problem, Isa isa, int threads)
    {
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = new(problem.Output), packedY = new(problem.Output), dx = new(problem.Input), packedDX = new(problem.Input);
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa, Threads = threads };
        using var conv = new Conv2d(problem, options);
        using PackedWeights packed = conv.Pack(w);
        conv.Forward(x, w, null, y);
        conv.Forward(x, packed, null, packedY);
        conv.BackwardData(dy, w, dx);
        conv.BackwardData(dy, packed, packedDX);
        Assert.That(packedY.Span.SequenceEqual(y.Span) && packedDX.Span.SequenceEqual(dx.Span));
        ErrorBound.AssertWithin(Expected.Of(problem, "y", () => Oracle.Forward(problem, x, w, null)), y.Span, $"{problem}: y", Configurations.Amplification(options));
        ErrorBound.AssertWithin(Expected.Of(problem, "dx", () => Oracle.BackwardData(problem, dy, w)), dx.Span, $"{problem}: dx", Configurations.Amplification(options));
    }

    // The last chunk of weights has fewer channels, the last block fewer tiles, and every worker has something to do.
    [TestCase("mb1ic256ih14oc256oh14kh3ph1", 2, true)]
    [TestCase("mb1ic64ih56oc64oh56kh3ph1", 2, false)]
    [TestCase("mb1ic64ih56oc64oh56kh3ph1", 3, false)]
    [TestCase("mb8ic256ih14oc248oh14kh3ph1", 2, true)]
    [TestCase("mb1ic256ih14oc160oh14kh3ph1", 3, true)]
    [TestCase("mb1ic32ih28oc16oh28kh5ph2", 2, false)]
    [TestCase("mb1ic32ih14oc64oh14kh5ph2", 2, true)]
    [TestCase("mb1ic32ih28oc96oh28kh5ph2", 3, false)]
    public void Work_is_cut_for_all_workers(string descriptor, int threads, bool oneBlock)
    {
        PlanContext context = Context(ConvProblem.Parse(descriptor), threads);
        ConvSizes s = context.Sizes;
        WinogradTiling tiling = WinogradTiling.For(context, s, WinogradChoice.Kernels(context.Isa, s));
        Assert.That(tiling.OneBlock, Is.EqualTo(oneBlock));
        Assert.That(tiling.Workers, Is.EqualTo(threads));
        Assert.That(oneBlock ? tiling.OCChunks : tiling.Blocks, Is.GreaterThanOrEqualTo(threads));
        if (!oneBlock) Assert.That(tiling.Blocks % threads, Is.Zero);
        long tiles = WinogradChoice.Kernels(context.Isa, s).Grid.Tiles;
        Assert.That((long)tiling.Blocks * tiling.Tiles, Is.InRange(tiles, tiles + tiling.Tiles - 1));
        Assert.That((long)tiling.OCChunks * tiling.OCs, Is.GreaterThanOrEqualTo(s.GroupOC));
        Assert.That((long)tiling.ICChunks * tiling.ICs, Is.GreaterThanOrEqualTo(s.GroupIC));
    }

    // Many blocks per thread, few, and as many as a small workspace holds.
    [Test]
    public void Bits_depend_neither_on_threads_nor_on_blocks(
        [Values] Isa isa,
        [Values("g2mb3ic34ih23oc22oh23kh3ph1", "mb1ic40ih7oc50oh7kh3ph1", "mb3ic20ih26oc24oh26kh3ph1", "mb3ic40ih14oc50oh14kh3ph1",
            "g2mb1ic34ih15oc22oh15kh5ph2", "mb1ic48ih7oc128oh7kh5ph2", "mb4ic3ih67oc20oh15kh11sh4ph0", "mb2ic20ih26oc24oh26kh3ph2dh1",
            "mb1ic30ih27iw41oc24oh27ow41kh3ph3dh2")] string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output), dx = new(problem.Input);
        float[]? firstY = null, firstDX = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        foreach (bool isFar in threads is 2 or 3 ? (bool[])[false, true] : [false])
        foreach (long workspace in (long[])[Conv2dOptions.DefaultMaxWorkspaceBytes, 700_000, 480_000])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa, Threads = threads, MaxWorkspaceBytes = workspace });
            using PackedWeights packed = conv.Pack(w);
            using var distance = new PretendedDistance(isFar, threads);
            conv.Forward(x, w, null, y);
            conv.BackwardData(y, w, dx);
            firstY ??= y.Span.ToArray();
            firstDX ??= dx.Span.ToArray();
            Assert.That(y.Span.SequenceEqual(firstY) && dx.Span.SequenceEqual(firstDX), $"{threads} threads, {workspace} bytes, far apart: {isFar}");
            y.Span.Fill(float.NaN);
            dx.Span.Fill(float.NaN);
            conv.Forward(x, packed, null, y);
            conv.BackwardData(y, packed, dx);
            Assert.That(y.Span.SequenceEqual(firstY) && dx.Span.SequenceEqual(firstDX), $"packed, {threads} threads, {workspace} bytes, far apart: {isFar}");
        }
    }

    // With blocks whose weights each worker may transform for itself, with one block, with strides. That the workspaces differ shows that runs went two ways.
    [TestCase("mb1ic64ih56oc64oh56kh3ph1")]
    [TestCase("mb1ic96ih14oc80oh14kh3ph1")]
    [TestCase("g2mb6ic64ih28oc40oh28kh3ph1")]
    [TestCase("mb2ic32ih28oc40oh28kh5ph2")]
    [TestCase("mb2ic8ih56oc16oh56kh7sh2ph3")]
    [TestCase("mb2ic40ih56oc48oh56kh3ph2dh1")]
    [TestCase("mb1ic96ih28oc80oh28kh3ph4dh3")]
    public void However_far_apart_threads_are_a_run_stays_within_the_workspace_and_has_the_same_bits(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        var ways = new HashSet<Direction>();
        for (long workspace = 400_000; workspace < 40_000_000; workspace *= 2)
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            PlanContext context = Context(problem, 2, workspace);
            var algorithm = new Winograd();
            if (algorithm.Refuse(context, direction) is not null) continue;
            ConvPass pass = algorithm.Plan(context, direction);
            Assert.That(pass.WorkspaceBytes, Is.LessThanOrEqualTo(workspace), $"{direction}");
            foreach (bool packs in (bool[])[false, true])
            {
                if (packs ? pass.PackedWeightsBytes == 0 : pass.PackedWeightsBytes > 0 && !pass.PacksInRun) continue;
                (float[] near, int[] nearWorkspace) = RunIn(pass, direction, problem, packs, isFar: false);
                (float[] far, int[] farWorkspace) = RunIn(pass, direction, problem, packs, isFar: true);
                Assert.That(far.AsSpan().SequenceEqual(near), $"{direction}, {workspace} bytes, packed: {packs}");
                if (!farWorkspace.AsSpan().SequenceEqual(nearWorkspace)) ways.Add(direction);
            }
        }

        if (CacheSizes.Machine.HaveL3InCommon(2)) Assert.That(ways, Has.Member(Direction.Forward).And.Member(Direction.BackwardData));
    }

    // Slices that share x, until they are apart; parts that do not; slices each of which has no room for x of its own.
    [TestCase("mb1ic96ih14oc80oh14kh3ph1", true, false)]
    [TestCase("mb1ic128ih28oc128oh28kh3ph1", true, false)]
    [TestCase("mb8ic64ih56oc64oh56kh3ph1", false, false)]
    [TestCase("mb8ic1024ih56oc64oh56kh3ph1", true, true)]
    public void Gradients_of_threads_far_apart_are_cut_as_others(string descriptor, bool sharesX, bool sharesApart)
    {
        PlanContext context = Context(ConvProblem.Parse(descriptor), 2);
        WinogradGradientTiling together = WinogradGradientTiling.For(context), apart = together.Apart(context);
        Assert.That(apart with { SharesX = together.SharesX }, Is.EqualTo(together));
        Assert.That(apart.WorkspaceBytes, Is.LessThanOrEqualTo(context.MaxWorkspaceBytes));
        if (CacheSizes.Machine.HaveL3InCommon(2)) Assert.That((together.SharesX, apart.SharesX), Is.EqualTo((sharesX, sharesApart)));
    }

    /// <summary>The result of a run between fences, and what it leaves in the workspace.</summary>
    private static unsafe (float[] Result, int[] Workspace) RunIn(ConvPass pass, Direction direction, ConvProblem problem, bool packs, bool isFar)
    {
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = Tensors.Random(problem.Output, 3);
        Tensor result = direction switch { Direction.Forward => y, Direction.BackwardData => x, _ => w };
        using var distance = new PretendedDistance(isFar, 2);
        using FencedFloats own = new(pass.WorkspaceBytes / sizeof(float)), packed = new(pass.PackedWeightsBytes / sizeof(float));
        if (packs) pass.PackWeights(w.Pointer, packed.Pointer, distance.Pool);
        result.Span.Fill(float.NaN);
        pass.Run(new(x.Pointer, w.Pointer, null, y.Pointer, null, packs ? packed.Pointer : null), own.Pointer, distance.Pool);
        Assert.That(own.FencesHold && packed.FencesHold, $"{direction}, packed: {packs}, far apart: {isFar}");
        Assert.That(result.Span.IndexOf(float.NaN), Is.EqualTo(-1));
        return (result.Span.ToArray(), own.Bits.ToArray());
    }

    // Vectors and panels of channels, whole and not, on both sides; and groups.
    [Test]
    public void Every_number_of_channels_around_the_vectors([Values] Isa isa, [Values(3, 4, 5)] int taps)
    {
        int[] counts = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 97];
        for (int i = 0; i < counts.Length; i++)
        {
            int groups = 1 + (i % 3);
            var input = new TensorShape(2, groups * counts[i], 6, 5);
            var problem = new ConvProblem(input, groups * counts[^(i + 1)], taps, taps) { Padding = Padding.All(taps / 2), Groups = groups };
            Check(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa });
        }
    }

    // One block of all tiles, several that hold products or sums, parts, slices of output channels, and each with a chunk that is not whole.
    [Test]
    public void Bits_of_dw_do_not_depend_on_threads(
        [Values("g2mb3ic34ih23oc22oh23kh3ph1", "mb1ic40ih7oc50oh7kh3ph1", "mb2ic70ih13oc90oh13kh3ph1", "mb2ic200ih9oc200oh9kh3ph1", "mb3ic20ih33oc10oh33kh3ph1",
            "mb2ic24ih26oc40oh26kh3ph1", "mb1ic40ih14oc50oh14kh3ph1",
            "g2mb1ic34ih15oc130oh15kh5ph2", "mb1ic20ih9oc50oh9kh5ph2", "mb1ic70ih21oc22oh21kh5ph2", "mb2ic200ih7oc200oh7kh5ph2",
            "mb6ic3ih67oc20oh15kh11sh4ph0", "g2mb4ic20ih28oc24oh14kh6sh2ph2", "mb4ic3ih37oc24oh19kh7sh2ph3",
            "mb3ic40ih14oc50oh14kh3ph2dh1", "g2mb1ic34ih33oc22oh33kh3ph4dh3", "mb2ic30ih60iw70oc20oh60ow70kh3ph3dh2")] string descriptor,
        [Values] Isa isa, [Values(Conv2dOptions.DefaultMaxWorkspaceBytes, 4_000_000, 1_500_000, 700_000)] long workspace)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 2), dw = new(problem.Weights);
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3, 16])
        foreach (bool isFar in threads is 2 or 3 ? (bool[])[false, true] : [false])
        {
            var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = isa, Threads = threads, MaxWorkspaceBytes = workspace };
            using var conv = new Conv2d(problem, options);
            using var distance = new PretendedDistance(isFar, threads);
            dw.Span.Fill(float.NaN);
            conv.BackwardWeights(x, dy, dw, null);
            if (first is null) ErrorBound.AssertWithin(Expected.Of(problem, "dw", () => Oracle.BackwardWeights(problem, x, dy).DW), dw.Span, "dw", Configurations.Amplification(options));
            first ??= dw.Span.ToArray();
            Assert.That(dw.Span.SequenceEqual(first), $"{threads} threads, far apart: {isFar}");
        }
    }

    // Large tiles where their products save more than transforming 64 instead of 36 weights for each kernel costs, and sums are long enough.
    [TestCase(Isa.Avx512, "mb1ic64ih56oc64oh56kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb1ic128ih28oc128oh28kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb1ic256ih14oc256oh14kh3ph1", 6, 4)]   // by rows
    [TestCase(Isa.Avx512, "mb1ic16ih14oc256oh14kh3ph1", 6, 4)]
    [TestCase(Isa.Avx512, "mb1ic15ih14oc256oh14kh3ph1", 4, 4)]
    [TestCase(Isa.Avx512, "mb1ic256ih13oc256oh13kh3ph1", 6, 4)]
    [TestCase(Isa.Avx512, "mb1ic256ih10oc256oh10kh3ph1", 4, 4)]
    [TestCase(Isa.Avx512, "mb1ic256ih16oc256oh16kh3ph1", 4, 4)]
    [TestCase(Isa.Avx512, "mb8ic256ih14oc256oh14kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb8ic512ih7oc512oh7kh3ph1", 4, 4)]
    [TestCase(Isa.Avx512, "mb1ic3ih224oc64oh224kh3ph1", 4, 6)]
    [TestCase(Isa.Avx512, "mb8ic64ih56oc64oh56kh5ph2", 4, 4)]
    [TestCase(Isa.Avx512, "mb1ic64ih6oc64oh6kh3ph1", 4, 4)]
    [TestCase(Isa.Avx512, "mb2ic40ih26oc70oh28kh3ph2", 6, 6)]     // these are among the cases of other tests
    [TestCase(Isa.Avx512, "mb3ic20ih26oc24oh26kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb3ic40ih14oc50oh14kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb3ic130ih14oc40oh14kh3ph1", 6, 6)]
    [TestCase(Isa.Avx512, "mb2ic24ih26oc40oh26kh3ph1", 6, 6)]
    [TestCase(Isa.Avx2, "mb1ic64ih56oc64oh56kh3ph1", 4, 4)]
    [TestCase(Isa.Scalar, "mb1ic64ih56oc64oh56kh3ph1", 4, 4)]
    public void Tiles_are_large_where_that_pays(Isa isa, string descriptor, int tile, int gradientTile)
    {
        ConvSizes s = ProblemSizes.Of(ConvProblem.Parse(descriptor));
        Assert.That((WinogradChoice.Kernels(isa, s).Grid.Tile, WinogradChoice.GradientKernels(isa, s).Grid.Tile), Is.EqualTo((tile, gradientTile)));
    }

    // One block; blocks that add to their products in two parts; blocks that add to sums, for which the slices share x where threads have a cache in common; slices of one
    // block; two blocks to a part.
    [TestCase("mb1ic256ih14oc256oh14kh3ph1", 1, 1, 1, 256)]
    [TestCase("mb1ic256ih14oc256oh14kh3ph1", 2, 1, 1, 128)]
    [TestCase("mb8ic64ih56oc64oh56kh3ph1", 1, 2, 8, 64)]
    [TestCase("mb8ic64ih56oc64oh56kh3ph1", 2, 2, 8, 64)]
    [TestCase("mb8ic64ih56oc64oh56kh3ph1", 4, 2, 8, 32)]
    [TestCase("mb8ic512ih28oc512oh28kh3ph1", 2, 1, 3, 256, 128)]
    [TestCase("mb1ic16ih28oc32oh28kh5ph2", 2, 1, 1, 16)]
    [TestCase("mb8ic16ih28oc32oh28kh5ph2", 2, 2, 4, 32)]
    public void The_gradient_is_cut_to_fit(string descriptor, int threads, int parts, int blocks, int slice, int? apart = null)
    {
        if (!CacheSizes.Machine.HaveL3InCommon(threads)) slice = apart ?? slice;
        PlanContext context = Context(ConvProblem.Parse(descriptor), threads);
        WinogradGradientTiling tiling = WinogradGradientTiling.For(context);
        Assert.That((tiling.Parts, tiling.Blocks, tiling.Slice, tiling.Workers), Is.EqualTo((parts, blocks, slice, threads)));
        Assert.That(tiling.Items, Is.GreaterThanOrEqualTo(threads));
        Assert.That(tiling.Slices * tiling.Slice, Is.GreaterThanOrEqualTo(context.Sizes.OC));
        Assert.That(tiling.WorkspaceBytes, Is.LessThanOrEqualTo(context.MaxWorkspaceBytes));
    }

    // Of one block up to 128 columns, whose rows of dw are written in one go where the workspace has room.
    [TestCase("mb1ic112ih28oc224oh28kh3ph1", 112)]
    [TestCase("mb1ic112ih28oc224oh28kh3ph1", 64, 4_000_000L)]
    [TestCase("mb1ic144ih28oc288oh28kh3ph1", 64)]
    [TestCase("mb8ic112ih28oc224oh28kh3ph1", 64)]
    public void Chunks_of_one_block_have_all_of_few_columns(string descriptor, int columns, long workspace = Conv2dOptions.DefaultMaxWorkspaceBytes)
    {
        if (CacheSizes.Machine.L2 < 512 << 10) columns = 64;   // too few rows
        var tiling = WinogradGradientTiling.For(Context(ConvProblem.Parse(descriptor), 1, workspace));
        Assert.That(tiling.Columns, Is.EqualTo(columns));
    }

    // Up to 32 tiles of 4×4, of 3×3 kernels, in one block.
    [TestCase(Isa.Avx512, "mb1ic100ih14oc80oh14kh3ph1", true)]
    [TestCase(Isa.Avx512, "mb8ic100ih7oc80oh7kh3ph1", true)]
    [TestCase(Isa.Avx512, "mb9ic100ih7oc80oh7kh3ph1", false)]
    [TestCase(Isa.Avx512, "mb1ic100ih14oc80oh14kh5ph2", false)]
    [TestCase(Isa.Avx512, "mb1ic100ih28oc80oh28kh3ph1", false)]
    [TestCase(Isa.Avx2, "mb1ic100ih14oc80oh14kh3ph1", false)]
    [TestCase(Isa.Scalar, "mb1ic100ih14oc80oh14kh3ph1", false)]
    public void Rows_of_products_of_few_tiles_are_transformed_in_registers(Isa isa, string descriptor, bool byRows)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        var tiling = WinogradGradientTiling.For(Context(problem, 1) with { Isa = isa });
        Assert.That(tiling.ByRows, Is.EqualTo(byRows));
        Assert.That(tiling.ByRows && tiling.HasFewTiles, Is.False);
    }

    // Whatever one thread can do within a limit, more can do with the same blocks.
    [TestCase("mb6ic71ih56oc16oh56kh3ph1")]
    [TestCase("mb2ic37ih7iw42oc10oh7ow42kh3ph1pw1")]
    [TestCase("mb7ic116ih63iw12oc39oh63ow12kh5kw5ph2pw2")]
    [TestCase("mb1ic60ih9iw10oc43oh9ow10kh3ph1pw1")]
    public void What_fits_and_how_the_gradients_sums_are_cut_does_not_depend_on_threads(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        for (long workspace = 20_000; workspace < 20_000_000; workspace += 1 + (workspace / 50))
        {
            var one = WinogradGradientTiling.For(Context(problem, 1, workspace));
            foreach (int threads in (int[])[2, 3, 16])
            {
                var many = WinogradGradientTiling.For(Context(problem, threads, workspace));
                Assert.That((many.Workers > 0, many.Parts, many.Blocks), Is.EqualTo((one.Workers > 0, one.Parts, one.Blocks)), $"{threads} threads, {workspace} bytes");
                Assert.That(many.Workers == 0 || many.WorkspaceBytes <= workspace, $"{threads} threads, {workspace} bytes");
                Assert.That(many.Workers, Is.LessThanOrEqualTo(many.Items));
            }
        }
    }

    // One block of few tiles, one of more, two blocks whose sums begin with the first, and two whose products do.
    [TestCase("mb1ic96ih7oc80oh7kh3ph1", 1)]
    [TestCase("mb1ic96ih14oc80oh14kh3ph1", 1)]
    [TestCase("mb6ic128ih28oc144oh28kh3ph1", 2)]
    [TestCase("mb6ic64ih28oc128oh28kh3ph1", 2)]
    [TestCase("mb1ic40ih28oc48oh28kh5ph2", 1)]
    public void What_threads_share_of_a_gradient_has_the_bits_of_what_each_makes(string descriptor, int blocks)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        WinogradGradientTiling two = WinogradGradientTiling.For(Context(problem, 2));
        Assert.That((two.Blocks, two.Parts, two.Slices, two.SharesX), Is.EqualTo((blocks, 1, 2L, CacheSizes.Machine.HaveL3InCommon(2))));
        using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 2), dw = new(problem.Weights), expected = new(problem.Weights);
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var conv = new Conv2d(problem, new() { Algorithm = ConvAlgorithm.Winograd, ForcedIsa = Isa.Avx512, Threads = threads });
            dw.Span.Fill(float.NaN);
            conv.BackwardWeights(x, dy, threads == 1 ? expected : dw, null);
            if (threads > 1) Assert.That(dw.Span.SequenceEqual(expected.Span), $"{threads} threads");
        }
    }

    // Channels too many for a slice of all of them, threads too many for a worker each.
    [TestCase("mb1ic2048ih14oc2048oh14kh3ph1", 1)]
    [TestCase("mb4ic1024ih28oc1024oh28kh3ph1", 16)]
    [TestCase("mb4ic64ih28oc64oh28kh5ph2", 64)]
    public void The_gradient_fits_the_workspace(string descriptor, int threads)
    {
        PlanContext context = Context(ConvProblem.Parse(descriptor), threads);
        WinogradGradientTiling tiling = WinogradGradientTiling.For(context);
        Assert.That(tiling.Workers, Is.InRange(1, threads));
        Assert.That(tiling.WorkspaceBytes, Is.LessThanOrEqualTo(context.MaxWorkspaceBytes));
    }

    [Test]
    public void Too_small_a_workspace_is_refused()
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd, MaxWorkspaceBytes = 1000 };
        Assert.That(() => new Conv2d(ConvProblem.Parse("mb1ic64ih14oc64oh14kh3ph1"), options), Throws.TypeOf<NotSupportedException>().With.Message.Contains("1000"));
    }

    [TestCase("mb1ic64ih14iw3oc64oh14ow3kh3ph1pw1")]
    [TestCase("mb1ic64ih14iw5oc64oh14ow3kh3ph1pw0")]
    [TestCase("mb1ic64ih14iw3oc64oh14ow3kh5ph2pw2")]
    [TestCase("mb1ic64ih28oc64oh28kh3ph12dh11")]
    public void Images_narrower_than_four_columns_are_refused(string descriptor)
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd };
        Assert.That(() => new Conv2d(ConvProblem.Parse(descriptor), options), Throws.TypeOf<NotSupportedException>().With.Message.Contains("narrower"));
    }

    [TestCase("mb1ic4ih27oc4oh14kh11sh2ph5")]
    // Rows, columns or whole phases that no output reads would stand in tiles beside those that are.
    [TestCase("mb1ic3ih224oc16oh54kh11sh4ph0")]
    [TestCase("mb1ic16ih33oc16oh15kh4sh2ph0")]
    [TestCase("mb1ic16ih40oc16kh1kw4sh2sw2ph0pw0")]
    [TestCase("mb2ic4ih1iw79oc20oh3ow40kh6kw4sh3sw2ph12pw2")]
    public void Pixels_that_no_output_reads_are_refused_with_strides(string descriptor)
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd };
        Assert.That(() => new Conv2d(ConvProblem.Parse(descriptor), options), Throws.TypeOf<NotSupportedException>().With.Message.Contains("every pixel is read"));
    }

    // A phase's sums may have a tap or two.
    [TestCase("mb1ic1ih17oc1oh9kh3sh2ph1", Direction.Forward, "9")]
    [TestCase("mb1ic9ih17oc3oh9kh3sh2ph1", Direction.BackwardData, "3")]
    [TestCase("mb1ic5ih1iw32oc20oh3ow16kh4sh2sw2ph3pw1", Direction.Forward, null)]
    public void Short_sums_are_refused_with_strides(string descriptor, Direction direction, string? terms)
    {
        PlanContext context = Context(ConvProblem.Parse(descriptor), 1);
        string? reason = new Winograd().Refuse(context, direction);
        Assert.That(reason, terms is null ? Is.Null : Does.Contain($"these have {terms}"));
    }

    // What fits a limit fits every larger one.
    [Test]
    public void More_workspace_never_refuses_phases([Values("mb32ic16ih8oc16oh4kh4sh2ph1", "mb8ic16ih32oc16oh32kh3ph4dh3")] string descriptor, [Values] Direction direction)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        bool fits = false;
        for (long workspace = 1000; workspace < 4_000_000; workspace += workspace / 40)
        {
            bool now = new Winograd().Refuse(Context(problem, 1, workspace), direction) is null;
            Assert.That(now || !fits, $"{workspace} bytes");
            fits = now;
        }

        Assert.That(fits);
    }

    [TestCase("mb1ic4ih27oc4oh9kh3sh3ph0")]
    [TestCase("mb1ic4ih100oc4oh10kh20sh9ph0")]
    [TestCase("mb1ic4ih27oc4oh14kh5sh2dh1ph4")]
    [TestCase("mb1ic4ih9oc4oh1ow9kh3dh3ph0pw4")]          // phases without outputs
    [TestCase("mb1ic4ih200oc4oh200kh3ph40dh39")]
    [TestCase("mb1ic4ih9oc4oh9kh3kw5dh1ph2pw4")]
    [TestCase("mb1ic4ih9oc4oh9kh5kw3ph2pw1")]
    [TestCase("mb1ic4ih9oc4oh8kh4kw3ph1pw1")]
    [TestCase("mb1ic4ih9oc4oh9kh7ph3")]
    public void Other_kernels_are_refused(string descriptor)
    {
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Winograd };
        Assert.That(() => new Conv2d(ConvProblem.Parse(descriptor), options), Throws.TypeOf<NotSupportedException>().With.Message.Contains("3×3, 4×4 and 5×5"));
    }

    [TestCase("mb2ic64ih56oc64oh56kh3ph1")]
    [TestCase("mb1ic32ih14oc64oh14kh5ph2")]
    public void Auto_leaves_it_where_it_is_forbidden(string descriptor)
    {
        ConvProblem problem = ConvProblem.Parse(descriptor);
        using Conv2d allowed = new(problem), forbidden = new(problem, new() { AllowWinograd = false });
        Assert.That(allowed.Describe(), Does.Contain("Forward: Winograd").And.Contain("BackwardData: Winograd"));
        Assert.That(forbidden.Describe(), Does.Not.Contain(": Winograd ("));
    }

    // Few channels or pixels: the transforms cost more than they save.
    [TestCase("mb1ic16ih28oc32oh28kh5ph2", true)]
    [TestCase("mb1ic48ih7oc128oh7kh5ph2", true)]
    [TestCase("mb1ic3ih32oc32oh32kh5ph2", false)]
    [TestCase("mb1ic64ih4oc64oh4kh5ph2", false)]
    [TestCase("mb1ic512ih7oc512oh7kh3ph1", true)]
    [TestCase("mb2ic512ih7oc512oh7kh3ph1", true)]
    [TestCase("mb1ic64ih4oc64oh4kh3ph1", false)]
    [TestCase("mb1ic3ih227oc96oh55kh11sh4ph0", true)]
    [TestCase("mb1ic64ih56oc128oh28kh5sh2ph2", true)]
    [TestCase("mb8ic64ih32oc128oh16kh4sh2ph1", true)]
    [TestCase("mb1ic3ih224oc64oh112kh7sh2ph3", true)]
    [TestCase("mb8ic64ih56oc128oh28kh3sh2ph1", false)]
    [TestCase("mb1ic128ih16oc256oh8kh4sh2ph1", false)]
    public void Auto_takes_it_where_it_pays(string descriptor, bool pays)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor));
        Assert.That(conv.Describe(), pays ? Does.Contain("Forward: Winograd") : Does.Not.Contain("Forward: Winograd"));
    }

    // Few channels; phases of 3×3 pixels, of which much is padding; phases of 5×5, of which each kind of tile is more than it needs; U and products that are far away.
    [TestCase("mb1ic256ih28oc256kh3ph2dh1", true, true)]
    [TestCase("mb1ic512ih28oc512kh3ph4dh3", true, true)]
    [TestCase("mb1ic512ih14oc512kh3ph2dh1", true, true)]
    [TestCase("mb1ic64ih128oc64kh3ph8dh7", true, true)]
    [TestCase("mb1ic32ih128oc32kh3ph16dh15", true, true)]
    [TestCase("mb1ic256ih14oc256kh3ph3dh2", true, false)]
    [TestCase("mb1ic8ih64oc8kh3ph2dh1", false, false)]
    [TestCase("g32mb1ic128ih56oc128kh3ph2dh1", false, false)]
    [TestCase("mb1ic2048ih28oc256kh3ph12dh11", false, false)]
    public void Auto_takes_it_with_dilation_where_it_pays(string descriptor, bool pays, bool gradientPays)
    {
        PlanContext context = Context(ConvProblem.Parse(descriptor), 1);
        var algorithm = new Winograd();
        bool Takes(Direction direction) => algorithm.Refuse(context, direction) is null && algorithm.Suits(context, direction);
        Assert.That((Takes(Direction.Forward), Takes(Direction.BackwardData), Takes(Direction.BackwardWeights)), Is.EqualTo((pays, pays, gradientPays)));
    }

    // All row phases at once; a quarter of them, since more would leave L2; as many as have twice the bytes of the weights.
    [TestCase("mb1ic256ih28oc256kh3ph2dh1", 2, 1)]
    [TestCase("mb8ic64ih56oc64kh3ph2dh1", 4, 4)]
    [TestCase("mb8ic512ih28oc512kh3ph2dh1", 8, 2)]
    public void Row_phases_stay_near(string descriptor, int rowPhases, int parts)
    {
        if (CacheSizes.Machine.L2 != 1 << 20) Assert.Ignore("other caches");
        WinogradDilation dilation = WinogradDilation.For(Context(ConvProblem.Parse(descriptor), 1), Direction.Forward)!;
        Assert.That((dilation.RowPhases, dilation.Parts), Is.EqualTo((rowPhases, (long)parts)));
    }

    // Few input channels, few tiles: the transforms cost more than they save.
    [TestCase("mb1ic3ih224oc64oh224kh3ph1", false)]
    [TestCase("mb1ic512ih5oc512oh5kh3ph1", false)]
    [TestCase("mb1ic512ih7oc512oh7kh3ph1", true)]
    [TestCase("mb8ic512ih7oc512oh7kh3ph1", true)]
    [TestCase("mb1ic256ih14oc256oh14kh3ph1", true)]
    [TestCase("mb1ic32ih14oc64oh14kh5ph2", true)]
    [TestCase("mb1ic48ih7oc128oh7kh5ph2", false)]
    [TestCase("mb8ic48ih7oc128oh7kh5ph2", true)]
    [TestCase("mb8ic16ih14oc48oh14kh5ph2", true)]
    [TestCase("mb1ic16ih28oc32oh28kh5ph2", true)]
    [TestCase("mb1ic16ih56oc16oh56kh3ph1", true)]
    [TestCase("mb1ic1ih32oc4oh32kh5ph2", false)]
    [TestCase("mb1ic3ih227oc96oh55kh11sh4ph0", true)]
    [TestCase("mb1ic64ih56oc128oh28kh5sh2ph2", true)]
    [TestCase("mb1ic3ih224oc64oh112kh7sh2ph3", true)]
    [TestCase("mb1ic64ih32oc128oh16kh4sh2ph1", false)]
    public void Auto_takes_it_for_the_gradient_where_it_pays(string descriptor, bool pays)
    {
        using var conv = new Conv2d(ConvProblem.Parse(descriptor));
        Assert.That(conv.Describe(), pays ? Does.Contain("BackwardWeights: Winograd") : Does.Not.Contain("BackwardWeights: Winograd"));
    }

    // The last transform of a gradient costs less where the registers hold half of it.
    [Test]
    public void Gradients_of_6x6_images_pay_with_AVX512([Values] Isa isa, [Values(4, 5, 6, 7)] int size)
    {
        var problem = new ConvProblem(new TensorShape(1, 256, size, size), 256, 3, 3) { Padding = Padding.All(1) };
        Assert.That(new Winograd().Suits(Context(problem, 1) with { Isa = isa }, Direction.BackwardWeights), Is.EqualTo(size > (isa == Isa.Avx512 ? 5 : 6)));
    }

    // Of one tile more, all of U is made.
    [TestCase(3, 16, 32, true)]
    [TestCase(3, 12, 44, false)]
    [TestCase(5, 12, 12, true)]
    [TestCase(5, 8, 20, false)]
    public void Only_few_tiles_are_multiplied_by_rows(int taps, int height, int width, bool byRows)
    {
        var problem = new ConvProblem(new TensorShape(1, 256, height, width), 256, taps, taps) { Padding = Padding.All(taps / 2) };
        PlanContext context = Context(problem, 1);
        Assert.That(WinogradTiling.For(context, context.Sizes, WinogradKernels.For(Isa.Avx512, context.Sizes, 4)).ByRows, Is.EqualTo(byRows));
    }

    private static PlanContext Context(ConvProblem problem, int threads, long workspace = Conv2dOptions.DefaultMaxWorkspaceBytes) => new(
        ProblemSizes.Of(problem), Isa.Avx512, threads, workspace, GemmChooser.Choose(GemmEngine.Managed, Isa.Avx512), default, true);

    /// <summary>The directions whose sums have terms enough for the error bound, and how many they are; the others are refused.</summary>
    private static int Check(ConvProblem problem, Conv2dOptions options)
    {
        using var conv = new Conv2d(problem, options);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), dy = Tensors.Random(problem.Output, 3);
        using Tensor y = Tensors.Filled(problem.Output, float.NaN), dx = Tensors.Filled(problem.Input, float.NaN), dw = Tensors.Filled(problem.Weights, float.NaN);
        double amplification = Configurations.Amplification(options);
        bool forward = Computes(problem, Direction.Forward, () => conv.Forward(x, w, null, y));
        bool data = Computes(problem, Direction.BackwardData, () => conv.BackwardData(dy, w, dx));
        bool weights = Computes(problem, Direction.BackwardWeights, () => conv.BackwardWeights(x, dy, dw, null));
        if (forward) ErrorBound.AssertWithin(Expected.Of(problem, "y", () => Oracle.Forward(problem, x, w, null)), y.Span, $"{problem}: y", amplification);
        if (data) ErrorBound.AssertWithin(Expected.Of(problem, "dx", () => Oracle.BackwardData(problem, dy, w)), dx.Span, $"{problem}: dx", amplification);
        if (weights) ErrorBound.AssertWithin(Expected.Of(problem, "dw", () => Oracle.BackwardWeights(problem, x, dy).DW), dw.Span, $"{problem}: dw", amplification);
        return (forward ? 1 : 0) + (data ? 1 : 0) + (weights ? 1 : 0);
    }

    private static bool Computes(ConvProblem problem, Direction direction, Action run)
    {
        (TensorShape x, TensorShape w, TensorShape y) = (problem.Input, problem.Weights, problem.Output);
        int terms = direction switch
        {
            Direction.Forward => w.C * Math.Min(w.H, x.H) * Math.Min(w.W, x.W),
            Direction.BackwardData => w.N / problem.Groups * Math.Min(w.H, y.H) * Math.Min(w.W, y.W),
            _ => y.N * Math.Min(y.H, x.H) * Math.Min(y.W, x.W),
        };
        try
        {
            run();
            return true;
        }
        catch (NotSupportedException e) when (e.Message.Contains("these have", StringComparison.Ordinal))
        {
            bool strides = problem is not { StrideH: 1, StrideW: 1 };   // there a sum has the terms of one phase
            Assert.That(strides || (w.H > 3 && terms < 64), $"{problem}: {e.Message}");
            return false;
        }
    }
}
