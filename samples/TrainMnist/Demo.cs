using System.Diagnostics;
using ConvNative;
using Spectre.Console;
using TrainMnist.Data;
using TrainMnist.Output;
using TrainMnist.Training;

namespace TrainMnist;

/// <summary>The whole program: data, training, report.</summary>
internal static class Demo
{
    /// <summary>Trains and reports; 0, or 1 where something is wrong with files or libraries.</summary>
    public static int Run(string? dataFolder, string outputFolder, int epochs, int seed)
    {
        try
        {
            Directory.CreateDirectory(outputFolder);
            DigitData data = DigitSource.Load(dataFolder, DigitSource.CacheFolder, MnistDownload.Mirrors, seed, Console.WriteLine);
            Console.WriteLine($"{data.Source}: {data.Train.Count:N0} images to train, {data.Test.Count:N0} to test");
            TrainAndReport(data, outputFolder, epochs, seed);
            return 0;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or NativeLibraryException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static void TrainAndReport(DigitData data, string outputFolder, int epochs, int seed)
    {
        var watch = Stopwatch.StartNew();
        using var network = new Network(seed);
        using var trainer = new Trainer(network, data.Train, epochs, seed);
        ProgressDisplay.Run(epochs, data.Train.Count, display =>
        {
            for (int epoch = 0; epoch < epochs; epoch++)
                display.EpochDone(trainer.RunEpoch(display.Step), ConfusionMatrix.Measure(network, data.Test).Accuracy);
        });
        TimeSpan time = watch.Elapsed;
        ConfusionMatrix result = ConfusionMatrix.Measure(network, data.Test);
        string accuracy = $"{result.Accuracy:0.00%} of {result.Total:N0} test images right";
        string picture = Path.Combine(outputFolder, "training.svg");
        network.Save(outputFolder);
        TrainingPicture.Write(picture, $"{accuracy} after {epochs} epochs", network.Filters, trainer.Losses, epochs);

        ConfusionTable.Write(result);
        AnsiConsole.MarkupLine($"[bold green]{accuracy}[/] after {time.TotalSeconds:0.0} s, {network.ConvolutionTime / time:0%} of them in convolution");
        Console.WriteLine($"model: {Path.Combine(outputFolder, "*.npy")}  picture: {picture}");
    }
}
