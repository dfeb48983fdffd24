using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed class BlockSizesTests
{
    // L1 and L2 in KiB of processors that exist: Haswell, Skylake-X, Zen 3, Ice Lake, Golden Cove, Apple M1.
    [Test]
    public void BlocksAreWholeTilesThatFitTheirCaches(
        [Values] Isa isa, [Values("32/256", "32/1024", "32/512", "48/512", "48/2048", "128/12288")] string caches, [Values] bool isDeep)
    {
        int[] kib = [.. caches.Split('/').Select(int.Parse)];
        (int L1, int L2) = (kib[0], kib[1]);
        GemmKernel kernel = GemmKernel.For(isa);
        BlockSizes blocks = BlockSizes.For(kernel, new CacheSizes(L1 << 10, L2 << 10, 8 << 20), isDeep: isDeep);
        Assert.Multiple(() =>
        {
            Assert.That(blocks.MC % kernel.MR, Is.Zero);
            Assert.That(blocks.NC % kernel.NR, Is.Zero);
            Assert.That(blocks.KC * kernel.NR * sizeof(float), Is.LessThanOrEqualTo((L2 << 10) / (isDeep ? 4 : 8)));
            if (kernel.MR == 4) Assert.That(blocks.KC * OperandB.LinesOf(kernel.NR) * 64, Is.LessThan(L1 << 10));
            Assert.That(blocks.KC * (blocks.MC + blocks.NC) * sizeof(float), Is.LessThan(L2 << 10));
        });
    }

    // A way of L1 is 4 KB: lines as far apart as planes of 32², 64², 16², 56² and 28² have 1, 1, 4, 16 and 64 places in it.
    [TestCase(32, 8, false)]
    [TestCase(32, 9, true)]
    [TestCase(64, 9, true)]
    [TestCase(16, 32, false)]
    [TestCase(16, 33, true)]
    [TestCase(56, 128, false)]
    [TestCase(56, 129, true)]
    [TestCase(28, 512, false)]
    public void Lines_collide_where_they_are_more_than_their_places_hold(int side, int lines, bool collide)
    {
        CacheSizes caches = new(32 << 10, 256 << 10, 8 << 20);
        Assert.That(caches.Collide(lines, sizeof(float) * (long)side * side), Is.EqualTo(collide));
    }

    [Test]
    public void BalancedPartsCoverTheLengthInAsFewCuts()
    {
        for (int length = 0; length <= 300; length++)
        for (int limit = 8; limit <= 64; limit += 8)
        {
            int part = BlockSizes.Balance(length, limit, 8);
            Assert.That(part, Is.LessThanOrEqualTo(limit));
            if (length > 0) Assert.That(BlockSizes.CeilDiv(length, part), Is.EqualTo(BlockSizes.CeilDiv(length, limit)), $"{length} by {limit}");
        }
    }

    [Test]
    public void ChunksAreWholeUnitsAsEqualAsThatAllows()
    {
        for (int length = 1; length <= 100; length++)
        for (int unit = 1; unit <= 16; unit++)
        for (int count = 1; count <= BlockSizes.CeilDiv(length, unit); count++)
        {
            var chunks = new Chunks(length, unit, count);
            Assert.That((chunks.Begin(0), chunks.Begin(count)), Is.EqualTo((0, length)));
            for (int i = 0; i < count; i++)
            {
                int part = chunks.Begin(i + 1) - chunks.Begin(i);
                Assert.That(part, Is.Positive.And.LessThanOrEqualTo(chunks.Longest));
                if (i < count - 1) Assert.That(part % unit == 0 && part >= chunks.Longest - unit, $"{chunks}, chunk {i}");
            }

            Assert.That(chunks.NoLongerThan(20).Longest, Is.LessThanOrEqualTo(Math.Max(20, unit)));
            Assert.That(chunks.Longest == 1 || chunks.Halved().Longest < chunks.Longest || chunks.Halved().Unit < unit, $"{chunks}");
        }
    }

    [TestCase("32K", 32768)]
    [TestCase("1M", 1048576)]
    [TestCase("100", 100)]
    [TestCase("", null)]
    [TestCase("K", null)]
    [TestCase("-1K", null)]
    [TestCase("0K", null)]
    [TestCase("9999999M", null)]
    public void CacheSizeTexts(string text, int? bytes) => Assert.That(CacheSizes.ParseSize(text), Is.EqualTo(bytes));

    [TestCase("0-1", 2)]
    [TestCase("0-3,8-11", 8)]
    [TestCase("0,4,6", 3)]
    [TestCase("5", 1)]
    [TestCase("", 1)]
    [TestCase("x", 1)]
    [TestCase("3-1", 1)]
    public void ProcessorsOfAList(string list, int count) => Assert.That(CacheSizes.CountOf(list), Is.EqualTo(count));

    [Test]
    public void CachesAreReadFromTheSystemsFolder()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Write(folder, 0, "1", "Data", "48K");
            Write(folder, 1, "1", "Instruction", "64K");
            Write(folder, 2, "2", "Unified", "2M");
            Assert.That(CacheSizes.Read(folder), Is.EqualTo(new CacheSizes(48 << 10, 2 << 20, CacheSizes.Default.L3)));
            Write(folder, 3, "3", "Unified", "32M");
            File.WriteAllText($"{folder}/index3/shared_cpu_list", "0-7,16-23\n");
            Assert.That(CacheSizes.Read(folder), Is.EqualTo(new CacheSizes(48 << 10, 2 << 20, 32 << 20, 16)));
            Assert.That(CacheSizes.Read(folder + "/absent"), Is.EqualTo(CacheSizes.Default));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Leaf 4 of an Ice Lake client: 48 KiB data, 32 KiB instructions, 512 KiB, 8 MiB for up to 16 threads.
    [Test]
    public void CachesAreReadFromIntelsList() => AssertCpuid(
        new CacheSizes(48 << 10, 512 << 10, 8 << 20, 16),
        new()
        {
            [(0, 0)] = (27, 0, 0, 0),
            [(unchecked((int)0x80000000), 0)] = (unchecked((int)0x80000008), 0, 0, 0),
            [(4, 0)] = (0x21, 0x02C0003F, 63, 0),
            [(4, 1)] = (0x22, 0x01C0003F, 63, 0),
            [(4, 2)] = (0x43, 0x01C0003F, 1023, 0),
            [(4, 3)] = (0x3C063, 0x03C0003F, 8191, 0),
        });

    // A Zen 5 in a virtual machine that hides the list of caches.
    [Test]
    public void CachesAreReadFromAmdsOlderLeaves() => AssertCpuid(
        new CacheSizes(48 << 10, 1 << 20, 508 << 20),
        new()
        {
            [(0, 0)] = (16, 0, 0, 0),
            [(unchecked((int)0x80000000), 0)] = (unchecked((int)0x80000021), 0, 0, 0),
            [(unchecked((int)0x80000005), 0)] = (0, 0, 0x300C0140, 0),
            [(unchecked((int)0x80000006), 0)] = (0, 0, 0x04006140, 0x0FE09140),
        });

    [Test]
    public void AProcessorThatTellsNothingHasTheDefaults() => AssertCpuid(CacheSizes.Default, []);

    private static void AssertCpuid(CacheSizes expected, Dictionary<(int Leaf, int Part), (int, int, int, int)> leaves) =>
        Assert.That(CacheSizes.FromCpuid((leaf, part) => leaves.GetValueOrDefault((leaf, part))), Is.EqualTo(expected));

    private static void Write(string folder, int index, string level, string type, string size)
    {
        string entry = Directory.CreateDirectory($"{folder}/index{index}").FullName;
        File.WriteAllText($"{entry}/level", level + "\n");
        File.WriteAllText($"{entry}/type", type + "\n");
        File.WriteAllText($"{entry}/size", size + "\n");
    }
}
