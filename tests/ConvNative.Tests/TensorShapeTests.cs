namespace ConvNative.Tests;

internal sealed class TensorShapeTests
{
    [Test]
    public void Length_is_the_product() => Assert.That(new TensorShape(2, 3, 5, 7).Length, Is.EqualTo(210));

    [Test]
    public void Length_reaches_beyond_32_bits() =>
        Assert.That(new TensorShape(1 << 20, 1 << 20, 1 << 10, 2).Length, Is.EqualTo(1L << 51));

    [Test]
    public void Lengths_beyond_63_bits_are_refused()
    {
        var shape = new TensorShape(int.MaxValue, int.MaxValue, int.MaxValue, 1);
        Assert.That(() => shape.Length, Throws.TypeOf<ConvShapeException>().With.Message.Contains(shape.ToString()));
    }

    [TestCase(-1, 1, 1, 1)]
    [TestCase(1, -1, 1, 1)]
    [TestCase(1, 1, -1, 1)]
    [TestCase(1, 1, 1, -1)]
    [TestCase(-1, -1, -1, -1)]
    public void Negative_sizes_are_refused(int n, int c, int h, int w) =>
        Assert.That(() => new TensorShape(n, c, h, w).Length, Throws.TypeOf<ConvShapeException>());

    [Test]
    public void Prints_its_sizes() => Assert.That(new TensorShape(1, 2, 3, 4).ToString(), Is.EqualTo("1×2×3×4"));
}
