using ConvNative;
using TrainMnist.Data;
using TrainMnist.Layers;

namespace TrainMnist.Training;

/// <summary>Teaches a network, batch by batch, in an order drawn from the seed. The learning rate falls linearly to zero over all epochs.</summary>
internal sealed class Trainer(Network network, DigitSet digits, int epochs, int seed) : IDisposable
{
    private const int BatchSize = 64;
    private const double LearningRate = 2e-3;

    private readonly Random _random = new(seed);
    private readonly Adam _optimizer = new(network.Parameters);
    private readonly SoftmaxLoss _loss = new();
    private readonly Scratch _images = new();
    private readonly byte[] _labels = new byte[BatchSize];
    private int _steps;

    /// <summary>Loss of every batch so far.</summary>
    public List<double> Losses { get; } = [];

    private int StepsPerEpoch => (digits.Count + BatchSize - 1) / BatchSize;

    /// <summary>Learns every image once.</summary>
    /// <param name="step">Called after every batch.</param>
    public EpochStatistics RunEpoch(Action<EpochStatistics> step)
    {
        int[] order = [.. Enumerable.Range(0, digits.Count)];
        _random.Shuffle(order);
        var statistics = new EpochStatistics(() => network.ConvolutionTime);
        foreach (int[] indices in order.Chunk(BatchSize))
        {
            (double loss, int correct) = Learn(indices);
            Losses.Add(loss);
            statistics.Add(indices.Length, loss, correct);
            step(statistics);
        }

        statistics.Stop();
        return statistics;
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _loss.Dispose();
        _images.Dispose();
    }

    private (double Loss, int Correct) Learn(int[] indices)
    {
        Tensor x = _images.Of(new TensorShape(indices.Length, 1, DigitSet.Side, DigitSet.Side));
        Span<byte> labels = _labels.AsSpan(0, indices.Length);
        digits.CopyBatch(indices, x, labels);
        (double loss, Tensor gradient, int correct) = _loss.Compute(network.Forward(x), labels);
        network.Backward(gradient);
        _optimizer.Step(LearningRate * (1 - ((double)_steps++ / (epochs * StepsPerEpoch))));
        return (loss, correct);
    }
}
