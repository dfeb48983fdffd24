using ConvNative.Tests.Support;
using TrainMnist.Layers;

namespace ConvNative.Tests.Samples;

/// <summary>The sample's layers against their definitions.</summary>
[TestFixture]
internal sealed class LayerForwardTests
{
    private static readonly TensorShape Shape = new(3, 2, 4, 6);

    [Test]
    public void Relu_is_the_positive_part()
    {
        using var layer = new Relu();
        using Tensor x = Tensors.Random(Shape, seed: 1);
        Assert.That(layer.Forward(x).Span.ToArray(), Is.EqualTo(x.Span.ToArray().Select(value => Math.Max(value, 0))));
    }

    [Test]
    public void Max_pool_takes_the_largest_of_four()
    {
        using var layer = new MaxPool();
        using Tensor x = Tensors.Random(Shape, seed: 2);
        Tensor y = layer.Forward(x);
        Assert.That(y.Shape, Is.EqualTo(new TensorShape(3, 2, 2, 3)));
        foreach ((int n, int c, int h, int w) in Indices(y.Shape))
        {
            float[] window = [x[n, c, 2 * h, 2 * w], x[n, c, 2 * h, (2 * w) + 1], x[n, c, (2 * h) + 1, 2 * w], x[n, c, (2 * h) + 1, (2 * w) + 1]];
            Assert.That(y[n, c, h, w], Is.EqualTo(window.Max()), $"{n}, {c}, {h}, {w}");
        }
    }

    [Test]
    public void Linear_is_a_weighted_sum_and_a_bias()
    {
        using var layer = new Linear("linear", Shape.C, Shape.H, Shape.W, outputs: 5, new Random(3));
        using Tensor x = Tensors.Random(Shape, seed: 3);
        Tensor w = layer.Parameters[0].Value, b = layer.Parameters[1].Value;
        for (int o = 0; o < 5; o++) b.Span[o] = o - 2.5f;
        Tensor y = layer.Forward(x);
        Assert.That(y.Shape, Is.EqualTo(new TensorShape(Shape.N, 5, 1, 1)));
        foreach ((int n, int o, _, _) in Indices(y.Shape))
        {
            double sum = b.Span[o];
            foreach ((_, int c, int h, int i) in Indices(Shape with { N = 1 })) sum += (double)w[o, c, h, i] * x[n, c, h, i];
            Assert.That(y[n, o, 0, 0], Is.EqualTo(sum).Within(1e-5), $"{n}, {o}");
        }
    }

    private static IEnumerable<(int N, int C, int H, int W)> Indices(TensorShape shape) =>
        from n in Enumerable.Range(0, shape.N)
        from c in Enumerable.Range(0, shape.C)
        from h in Enumerable.Range(0, shape.H)
        from w in Enumerable.Range(0, shape.W)
        select (n, c, h, w);
}
