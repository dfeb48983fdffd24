using TrainMnist.Data;

namespace ConvNative.Tests.Samples;

[TestFixture]
internal sealed class MnistFolderTests
{
    [Test]
    public void The_10k_files_alone_are_split_four_to_one_in_order()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 28));
        DigitData data = MnistFolder.Load(folder.Path);
        Assert.That(data.Train.Labels, Is.EqualTo(new byte[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
        Assert.That(data.Test.Labels, Is.EqualTo(new byte[] { 8, 9 }));
        Assert.That(data.Test.Pixels, Has.Length.EqualTo(2 * DigitSet.ImageLength));
        Assert.That(data.Test.Pixels[0], Is.EqualTo(8), "the first pixel of image 8");
    }

    [Test]
    public void The_train_files_are_learned_and_the_10k_files_tested()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 28), ("train", 30, 28));
        DigitData data = MnistFolder.Load(folder.Path);
        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((30, 10)));
    }

    [Test]
    public void A_missing_file_is_named()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 28));
        File.Delete(Path.Combine(folder.Path, MnistFolder.TestLabels));
        Assert.That(() => MnistFolder.Load(folder.Path), Throws.TypeOf<FileNotFoundException>().With.Message.Contain(MnistFolder.TestLabels));
        Assert.That(MnistFolder.IsComplete(folder.Path), Is.False);
    }

    [Test]
    public void Images_of_another_size_are_refused()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 27));
        Assert.That(() => MnistFolder.Load(folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.Contain("27×27"));
    }

    [Test]
    public void As_many_labels_as_images_are_needed()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 28));
        folder.Write(MnistFolder.TestLabels, TemporaryFolder.Idx([9], new byte[9]));
        Assert.That(() => MnistFolder.Load(folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.Contain("9 labels"));
    }

    [Test]
    public void A_label_above_nine_is_refused()
    {
        using TemporaryFolder folder = Folder(("t10k", 10, 28));
        folder.Write(MnistFolder.TestLabels, TemporaryFolder.Idx([10], [0, 1, 2, 10, 4, 5, 6, 7, 8, 9]));
        Assert.That(() => MnistFolder.Load(folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.Contain("says 10 for image 3"));
    }

    // Image n has the label n mod 10 and n in its first pixel.
    private static TemporaryFolder Folder(params (string Name, int Count, int Side)[] pairs)
    {
        var folder = new TemporaryFolder();
        foreach ((string name, int count, int side) in pairs)
        {
            byte[] pixels = new byte[count * side * side];
            for (int n = 0; n < count; n++) pixels[n * side * side] = (byte)n;
            folder.Write($"{name}-images-idx3-ubyte", TemporaryFolder.Idx([count, side, side], pixels));
            folder.Write($"{name}-labels-idx1-ubyte", TemporaryFolder.Idx([count], [.. Enumerable.Range(0, count).Select(n => (byte)(n % 10))]));
        }

        return folder;
    }
}
