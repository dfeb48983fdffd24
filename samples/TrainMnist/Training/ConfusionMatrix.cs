using ConvNative;
using TrainMnist.Data;
using TrainMnist.Layers;

namespace TrainMnist.Training;

/// <summary>How often a network saw which digit where which one was.</summary>
internal sealed class ConfusionMatrix
{
    private const int BatchSize = 64;

    private readonly int[,] _counts = new int[DigitSet.Classes, DigitSet.Classes];

    /// <summary>Number of images.</summary>
    public int Total => _counts.Cast<int>().Sum();

    /// <summary>Images that were recognised.</summary>
    public int Correct => Enumerable.Range(0, DigitSet.Classes).Sum(digit => _counts[digit, digit]);

    /// <summary>Share of the images that were recognised.</summary>
    public double Accuracy => (double)Correct / Total;

    /// <summary>Images of <paramref name="digit"/> that were taken for <paramref name="predicted"/>.</summary>
    public int this[int digit, int predicted] => _counts[digit, predicted];

    /// <summary>Shows the network every image.</summary>
    public static ConfusionMatrix Measure(Network network, DigitSet digits)
    {
        var matrix = new ConfusionMatrix();
        using var images = new Scratch();
        byte[] labels = new byte[BatchSize];
        foreach (int[] indices in Enumerable.Range(0, digits.Count).Chunk(BatchSize))
        {
            Tensor x = images.Of(new TensorShape(indices.Length, 1, DigitSet.Side, DigitSet.Side));
            digits.CopyBatch(indices, x, labels);
            Tensor y = network.Forward(x);
            for (int n = 0; n < indices.Length; n++) matrix._counts[labels[n], SoftmaxLoss.Predict(y.Image(n))]++;
        }

        return matrix;
    }
}
