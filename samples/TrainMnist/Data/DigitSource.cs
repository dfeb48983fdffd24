namespace TrainMnist.Data;

/// <summary>Finds digits: in a folder that the user names, else in the cache folder, else on the network, else drawn.</summary>
internal static class DigitSource
{
    /// <summary>Names the folder of the data where the command line does not.</summary>
    public const string Variable = "CONVNATIVE_DATA";

    private const int DrawnTrain = 8_000, DrawnTest = 2_000;

    /// <summary>The folder that downloads are kept in.</summary>
    public static string CacheFolder
    {
        get
        {
            string root = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            return Path.Combine(root.Length > 0 ? root : Path.GetTempPath(), "ConvNative", "mnist");
        }
    }

    /// <summary>Loads the data.</summary>
    /// <param name="folder">The user's folder, or null for none.</param>
    /// <param name="cache">Where downloads are kept.</param>
    /// <param name="mirrors">Where to download from.</param>
    /// <param name="seed">For digits that are drawn.</param>
    /// <param name="say">Told what is going on, one line per call.</param>
    /// <exception cref="IOException">A folder that the user names lacks a file, or a file cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public static DigitData Load(string? folder, string cache, IReadOnlyList<Uri> mirrors, int seed, Action<string> say)
    {
        if (folder is not null) return MnistFolder.Load(folder);
        if (!MnistFolder.IsComplete(cache))
        {
            say($"Downloading MNIST (1.6 MB) to {cache}");
            foreach (string failure in MnistDownload.Fetch(cache, mirrors)) say($"  {failure}");
        }

        if (MnistFolder.IsComplete(cache)) return MnistFolder.Load(cache);
        say("MNIST could not be had, so these are not real handwritten digits: the program draws its own.");
        say($"For real ones put {MnistFolder.TestImages}.gz and {MnistFolder.TestLabels}.gz into a folder and name it: --data FOLDER");
        DigitSet drawn = DrawnDigits.Draw(DrawnTrain + DrawnTest, seed);
        return new DigitData(drawn.Slice(0, DrawnTrain), drawn.Slice(DrawnTrain, DrawnTest), "digits drawn by this program");
    }
}
