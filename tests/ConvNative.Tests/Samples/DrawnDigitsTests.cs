using TrainMnist.Data;

namespace ConvNative.Tests.Samples;

[TestFixture]
internal sealed class DrawnDigitsTests
{
    [Test]
    public void The_seed_decides()
    {
        DigitSet first = DrawnDigits.Draw(50, seed: 3), again = DrawnDigits.Draw(50, seed: 3), other = DrawnDigits.Draw(50, seed: 4);
        Assert.That(again.Pixels, Is.EqualTo(first.Pixels));
        Assert.That(again.Labels, Is.EqualTo(first.Labels));
        Assert.That(other.Pixels, Is.Not.EqualTo(first.Pixels));
    }

    [Test]
    public void Every_digit_occurs_with_ink_well_inside_the_image()
    {
        DigitSet digits = DrawnDigits.Draw(500, seed: 1);
        Assert.That(digits.Labels.Distinct().Order(), Is.EqualTo(Enumerable.Range(0, 10)));
        for (int n = 0; n < digits.Count; n++)
        {
            byte[] image = digits.Pixels[(n * DigitSet.ImageLength)..((n + 1) * DigitSet.ImageLength)];
            int[] ink = [.. Enumerable.Range(0, image.Length).Where(i => image[i] > 128)];
            Assert.That(ink, Has.Length.InRange(20, 300), $"image {n}");
            Assert.That(ink.Average(i => i % DigitSet.Side), Is.InRange(8, 19), $"image {n}, column");
            Assert.That(ink.Average(i => i / DigitSet.Side), Is.InRange(8, 19), $"image {n}, row");
        }
    }
}
