using TrainMnist.Data;
using TrainMnist.Training;

namespace ConvNative.Tests.Samples;

[TestFixture]
internal sealed class TrainingTests
{
    [Test]
    public void The_same_seed_gives_the_same_weights_to_the_bit()
    {
        DigitSet digits = DrawnDigits.Draw(200, seed: 1);
        float[][] first = TrainedWeights(digits, seed: 1), again = TrainedWeights(digits, seed: 1), other = TrainedWeights(digits, seed: 2);
        Assert.That(again, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first));
    }

    [Test]
    public void A_network_learns_to_read()
    {
        DigitSet digits = DrawnDigits.Draw(2_500, seed: 1), train = digits.Slice(0, 2_000), test = digits.Slice(2_000, 500);
        using var network = new Network(seed: 1);
        using var trainer = new Trainer(network, train, epochs: 2, seed: 1);
        Assert.That(ConfusionMatrix.Measure(network, test).Accuracy, Is.LessThan(0.4), "before");
        for (int epoch = 0; epoch < 2; epoch++) trainer.RunEpoch(_ => { });
        Assert.That(ConfusionMatrix.Measure(network, test).Accuracy, Is.GreaterThan(0.9), "after");
    }

    [Test]
    public void Steps_free_what_they_allocate()
    {
        DigitSet digits = DrawnDigits.Draw(640, seed: 1);
        long before = WithoutPlans();
        using (var network = new Network(seed: 1))
        using (var trainer = new Trainer(network, digits, epochs: 3, seed: 1))
        {
            trainer.RunEpoch(_ => { });
            long after = ConvNativeInfo.LiveBytes;
            trainer.RunEpoch(_ => Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(after)));
        }

        Assert.That(WithoutPlans(), Is.LessThanOrEqualTo(before), "everything is given back");
    }

    // Live bytes once the plans of ConvLayer are gone: a plan that is dropped frees its workspace when it is collected.
    private static long WithoutPlans()
    {
        ConvNativeInfo.ReleaseResources();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return ConvNativeInfo.LiveBytes;
    }

    private static float[][] TrainedWeights(DigitSet digits, int seed)
    {
        using var network = new Network(seed);
        using var trainer = new Trainer(network, digits, epochs: 1, seed);
        trainer.RunEpoch(_ => { });
        return [.. network.Parameters.Select(parameter => parameter.Value.Span.ToArray())];
    }
}
