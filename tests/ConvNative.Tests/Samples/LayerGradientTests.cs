using TrainMnist.Data;
using TrainMnist.Layers;
using TrainMnist.Training;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Samples;

/// <summary>Gradients of the sample's layers against (f(v + h) − f(v − h)) / 2h, element by element, with f = Σ y·dy.</summary>
[TestFixture]
internal sealed class LayerGradientTests
{
    private const float Step = 1 / 64f;
    private const double Tolerance = 2e-3;

    private static IEnumerable<TestCaseData> Layers()
    {
        TestCaseData Case(Func<ILayer> make, TensorShape x) => new TestCaseData(make, x).SetArgDisplayNames(make().GetType().Name);
        yield return Case(() => new Relu(), new TensorShape(3, 2, 3, 7));
        yield return Case(() => new MaxPool(), new TensorShape(2, 3, 4, 6));
        yield return Case(() => new Linear("linear", 3, 5, 3, 4, new Random(1)), new TensorShape(3, 3, 5, 3));
        yield return Case(() => new Convolution("conv", 2, 3, 3, new Random(1)), new TensorShape(2, 2, 5, 4));
    }

    [TestCaseSource(nameof(Layers))]
    public void Backward_is_the_gradient_of_forward(Func<ILayer> make, TensorShape shape)
    {
        using ILayer layer = make();
        using Tensor x = DistinctValues(shape);
        using Tensor dy = Tensors.Random(layer.Forward(x).Shape, seed: 2);
        double Value() => Dot(layer.Forward(x), dy);

        layer.Forward(x);
        float[] dx = layer.Backward(dy).Span.ToArray();
        float[][] dw = [.. layer.Parameters.Select(parameter => parameter.Gradient.Span.ToArray())];
        AssertGradient(x, dx, Value, "x");
        for (int i = 0; i < dw.Length; i++) AssertGradient(layer.Parameters[i].Value, dw[i], Value, layer.Parameters[i].Name);
    }

    [Test]
    public void The_gradient_of_the_loss_is_right()
    {
        using var loss = new SoftmaxLoss();
        using Tensor x = Tensors.Random(new TensorShape(4, DigitSet.Classes, 1, 1), seed: 5);
        byte[] labels = [3, 0, 9, 3];
        float[] dx = loss.Compute(x, labels).DX.Span.ToArray();
        AssertGradient(x, dx, () => loss.Compute(x, labels).Loss, "x");
    }

    // Steps of 1/16 in a random order: no ReLU or maximum changes sides within ± Step.
    private static Tensor DistinctValues(TensorShape shape)
    {
        float[] values = [.. Enumerable.Range(0, (int)shape.Length).Select(i => (i - (shape.Length / 2) + 0.5f) / 16)];
        new Random(7).Shuffle(values);
        return Tensor.From(values, shape);
    }

    private static double Dot(Tensor a, Tensor b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a.Span[i] * b.Span[i];
        return sum;
    }

    private static void AssertGradient(Tensor variable, float[] gradient, Func<double> value, string name)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            float before = variable.Span[i];
            variable.Span[i] = before + Step;
            double above = value();
            variable.Span[i] = before - Step;
            double below = value();
            variable.Span[i] = before;
            Assert.That(gradient[i], Is.EqualTo((above - below) / (2 * Step)).Within(Tolerance), $"d/d{name}[{i}]");
        }
    }
}
