using TrainMnist.Data;

namespace ConvNative.Tests.Samples;

[TestFixture]
internal sealed class IdxFileTests
{
    private static readonly byte[] Good = TemporaryFolder.Idx([2, 3], [1, 2, 3, 4, 5, 6]);

    [TestCase(false)]
    [TestCase(true)]
    public void Reads_sizes_and_elements(bool gzipped)
    {
        using var folder = new TemporaryFolder();
        IdxFile file = IdxFile.Read(folder.Write("data", gzipped ? TemporaryFolder.Gzip(Good) : Good), dimensions: 2);
        Assert.That(file.Sizes, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(file.Elements, Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6 }));
    }

    private static IEnumerable<TestCaseData> Broken()
    {
        TestCaseData Case(string name, byte[] bytes, string reason) => new TestCaseData(bytes, reason).SetArgDisplayNames(name);
        byte[] Changed(int index, byte value)
        {
            byte[] bytes = [.. Good];
            bytes[index] = value;
            return bytes;
        }

        yield return Case("empty", [], "0 bytes; the header alone needs 12");
        yield return Case("short header", Good[..11], "11 bytes; the header alone needs 12");
        yield return Case("first bytes", Changed(1, 9), "begins with the bytes 0, 9");
        yield return Case("element type", Changed(2, 13), "element type is 13; it must be 8");
        yield return Case("dimensions", Changed(3, 1), "has 1 dimensions; it must have 2");
        yield return Case("size of zero", Changed(7, 0), "size 1 is 0");
        yield return Case("negative size", Changed(4, 0x80), "size 1 is -2147483646");
        yield return Case("huge sizes", TemporaryFolder.Idx([int.MaxValue, int.MaxValue], [1]), "1 bytes of data; 2147483647×2147483647 needs 4611686014132420609");
        yield return Case("element missing", Good[..^1], "5 bytes of data; 2×3 needs 6");
        yield return Case("element too many", [.. Good, 7], "7 bytes of data; 2×3 needs 6");
        yield return Case("damaged gzip", [0x1f, 0x8b, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], "compression is damaged");
        yield return Case("gzip cut off", TemporaryFolder.Gzip(Good)[..14], "cannot be read as an IDX file");
    }

    [TestCaseSource(nameof(Broken))]
    public void A_broken_file_is_named_with_the_reason(byte[] bytes, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("data", bytes);
        Assert.That(() => IdxFile.Read(path, dimensions: 2), Throws.TypeOf<InvalidDataException>().With.Message.Contain(reason).And.Message.Contain(path));
    }
}
