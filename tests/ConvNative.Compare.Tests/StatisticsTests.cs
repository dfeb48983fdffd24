using ConvNative.Compare.Measurement;

namespace ConvNative.Compare.Tests;

internal sealed class StatisticsTests
{
    // R: quantile(c(3, 1, 4, 1, 5, 9, 2, 6), c(0, .25, .5, .75, 1)), type 7.
    [TestCase(0, 1)]
    [TestCase(0.25, 1.75)]
    [TestCase(0.5, 3.5)]
    [TestCase(0.75, 5.25)]
    [TestCase(1, 9)]
    public void Quantile_interpolates_between_order_statistics(double q, double expected) =>
        Assert.That(Statistics.Quantile([3, 1, 4, 1, 5, 9, 2, 6], q), Is.EqualTo(expected).Within(1e-12));

    [Test]
    public void Quantile_of_one_value_is_that_value() => Assert.That(Statistics.Quantile([7], 0.25), Is.EqualTo(7));

    [Test]
    public void Empty_samples_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Statistics.Quantile([], 0.5));
        Assert.Throws<ArgumentException>(() => Statistics.GeometricMean([]));
    }

    [Test]
    public void Geometric_mean_of_a_ratio_and_its_inverse_is_one() =>
        Assert.That(Statistics.GeometricMean([4, 0.25, 2, 0.5]), Is.EqualTo(1).Within(1e-12));

    [Test]
    public void Ratios_are_formed_only_within_rounds_that_both_played()
    {
        Turn[] other = [new(0, [4, 2], 1, 1), new(1, [9], 1, 1), new(3, [8], 1, 1)];
        Turn[] subject = [new(0, [1, 3], 1, 1), new(2, [1], 1, 1), new(3, [2], 1, 1)];
        Assert.That(Ratios.WithinRounds(other, subject), Is.EqualTo(new[] { 2.0, 4.0 }));
    }

    [Test]
    public void Turns_beside_a_low_peak_do_not_count()
    {
        Turn[] turns = [new(0, [1], 100, 95), new(1, [1], 100, 80), new(2, [1], 60, 100), new(3, [1], 90, 90)];
        Assert.That(Quiet.Of(turns, 100).Select(turn => turn.Round), Is.EqualTo(new[] { 0, 3 }));
    }
}
