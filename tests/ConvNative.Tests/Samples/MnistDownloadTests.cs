using ConvNative.Tests.Support;
using TrainMnist.Data;

namespace ConvNative.Tests.Samples;

[TestFixture]
internal sealed class MnistDownloadTests
{
    private const string Images = MnistFolder.TestImages + ".gz", Labels = MnistFolder.TestLabels + ".gz";

    private static readonly byte[] Other = TemporaryFolder.Gzip(TemporaryFolder.Idx([1], [3]));

    [Test]
    public void The_first_mirror_with_the_right_files_serves()
    {
        string real = RealFolder();
        using var folder = new TemporaryFolder();
        using var wrong = new FileServer(new() { [Images] = Other, [Labels] = Other });
        using var right = new FileServer(new() { [Images] = Read(real, Images), [Labels] = Read(real, Labels) });
        string target = Path.Combine(folder.Path, "made", "on", "demand");
        List<string> failures = MnistDownload.Fetch(target, [FileServer.Nobody(), wrong.Address, right.Address]);

        Assert.That(failures, Has.Count.EqualTo(4), "two files, two bad mirrors");
        Assert.That(failures[1], Does.StartWith(new Uri(wrong.Address, Images).ToString()).And.Contain("SHA-256"));
        Assert.That(Directory.GetFiles(target).Select(Path.GetFileName), Is.EquivalentTo(new[] { Images, Labels }));
        Assert.That(MnistFolder.Load(target).Train.Count, Is.EqualTo(8_000));
        Assert.That(MnistDownload.Fetch(target, [right.Address]), Is.Empty);
        Assert.That(right.Requests, Is.EqualTo(2), "what is there is not fetched again");
    }

    [Test]
    public void Files_with_a_wrong_checksum_are_not_kept()
    {
        using var folder = new TemporaryFolder();
        using var server = new FileServer(new() { [Images] = Other, [Labels] = Other });
        Assert.That(MnistDownload.Fetch(folder.Path, [server.Address]), Has.Count.EqualTo(1).And.One.Contains("SHA-256"));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void An_answer_that_is_not_gzip_counts_as_a_failure()
    {
        using var folder = new TemporaryFolder();
        using var server = new FileServer(new() { [Images] = "<html>Please log in.</html>"u8.ToArray() });
        Assert.That(MnistDownload.Fetch(folder.Path, [server.Address]), Has.Count.EqualTo(1));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void Without_a_mirror_the_program_draws_digits_and_says_so()
    {
        using var folder = new TemporaryFolder();
        var said = new List<string>();
        DigitData data = DigitSource.Load(folder: null, folder.Path, [FileServer.Nobody()], seed: 1, said.Add);
        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((8_000, 2_000)));
        Assert.That(said, Has.Some.Contains("draws its own"));
        Assert.That(data.Source, Does.Contain("drawn"));
    }

    [Test]
    public void A_broken_file_in_the_cache_is_an_error()
    {
        using var folder = new TemporaryFolder();
        folder.Write(Images, Other);
        folder.Write(Labels, Other);
        Assert.That(() => DigitSource.Load(folder: null, folder.Path, [FileServer.Nobody()], seed: 1, _ => { }), Throws.TypeOf<InvalidDataException>().With.Message.Contain(Images));
    }

    private static byte[] Read(string folder, string name) => File.ReadAllBytes(Path.Combine(folder, name));

    private static string RealFolder()
    {
        string? folder = Conformance.Root is null ? null : Path.GetFullPath(Path.Combine(Conformance.Root, "..", "data", "mnist10k"));
        if (!Directory.Exists(folder)) Assert.Ignore("MNIST's 10k files are not beside the repository: the download of the real files was not run.");
        return folder!;
    }
}
