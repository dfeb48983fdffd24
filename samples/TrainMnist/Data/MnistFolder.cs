namespace TrainMnist.Data;

/// <summary>
/// MNIST (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0) in a folder, under the names it is published by. With the 60,000 "train" images
/// these are learned and the 10,000 "t10k" images are the test; with the t10k images alone, their first four fifths are learned and the
/// last fifth is the test.
/// </summary>
internal static class MnistFolder
{
    /// <summary>The smaller pair of files, which is enough.</summary>
    public const string TestImages = "t10k-images-idx3-ubyte", TestLabels = "t10k-labels-idx1-ubyte";

    private const string TrainImages = "train-images-idx3-ubyte", TrainLabels = "train-labels-idx1-ubyte";

    /// <summary>True if the folder has all the files that are needed.</summary>
    public static bool IsComplete(string folder) => Find(folder, TestImages) is not null && Find(folder, TestLabels) is not null;

    /// <summary>Reads the files.</summary>
    /// <exception cref="IOException">The folder or a file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">A file is broken; the message tells what.</exception>
    public static DigitData Load(string folder)
    {
        if (File.Exists(folder)) throw new DirectoryNotFoundException($"'{folder}' is a file; it must be a folder.");
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The folder '{folder}' does not exist.");
        DigitSet t10k = LoadPair(folder, TestImages, TestLabels);
        if (Find(folder, TrainImages) is not null)
            return new DigitData(LoadPair(folder, TrainImages, TrainLabels), t10k, $"MNIST from {folder}");

        int train = t10k.Count * 4 / 5;
        if (train == 0) throw new InvalidDataException($"'{Find(folder, TestImages)}' has one image; it must have at least two.");
        return new DigitData(t10k.Slice(0, train), t10k.Slice(train, t10k.Count - train), $"MNIST (its 10k files) from {folder}");
    }

    private static DigitSet LoadPair(string folder, string imagesName, string labelsName)
    {
        string imagesPath = Require(folder, imagesName), labelsPath = Require(folder, labelsName);
        IdxFile images = IdxFile.Read(imagesPath, dimensions: 3), labels = IdxFile.Read(labelsPath, dimensions: 1);
        if (images.Sizes is not [_, DigitSet.Side, DigitSet.Side])
            throw new InvalidDataException($"'{imagesPath}' has images of {images.Sizes[1]}×{images.Sizes[2]}; they must be {DigitSet.Side}×{DigitSet.Side}.");
        if (labels.Sizes[0] != images.Sizes[0])
            throw new InvalidDataException($"'{labelsPath}' has {labels.Sizes[0]} labels; '{imagesPath}' has {images.Sizes[0]} images.");
        int wrong = Array.FindIndex(labels.Elements, label => label >= DigitSet.Classes);
        return wrong < 0
            ? new DigitSet(images.Elements, labels.Elements)
            : throw new InvalidDataException($"'{labelsPath}' says {labels.Elements[wrong]} for image {wrong}; labels must be 0 to 9.");
    }

    private static string Require(string folder, string name) =>
        Find(folder, name) ?? throw new FileNotFoundException($"The folder '{folder}' has neither '{name}' nor '{name}.gz'.");

    private static string? Find(string folder, string name) =>
        new[] { name, name + ".gz" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
}
