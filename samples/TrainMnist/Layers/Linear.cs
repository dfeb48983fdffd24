using ConvNative;

namespace TrainMnist.Layers;

/// <summary>Fully connected: y[n, o] = b[o] + Σ over i of w[o, i] · x[n, i], where i counts the C·H·W values of an image.</summary>
internal sealed class Linear : ILayer
{
    private readonly Parameter _weights;
    private readonly Parameter _bias;
    private readonly Scratch _y = new();
    private readonly Scratch _dx = new();
    private Tensor? _x;

    /// <summary>A layer from images of C×H×W values to <paramref name="outputs"/> values.</summary>
    public Linear(string name, int C, int H, int W, int outputs, Random random)
    {
        _weights = new Parameter($"{name}.weights", new TensorShape(outputs, C, H, W));
        _bias = new Parameter($"{name}.bias", new TensorShape(1, outputs, 1, 1));
        _weights.Randomize(random, C * H * W);
    }

    public IReadOnlyList<Parameter> Parameters => [_weights, _bias];

    private int Outputs => _weights.Value.Shape.N;

    public Tensor Forward(Tensor x)
    {
        _x = x;
        Tensor y = _y.Of(new TensorShape(x.Shape.N, Outputs, 1, 1));
        Parallel.For(0, x.Shape.N, n =>
        {
            Span<float> output = y.Image(n);
            for (int o = 0; o < output.Length; o++) output[o] = _bias.Value.Span[o] + Vectors.Dot(_weights.Value.Image(o), x.Image(n));
        });
        return y;
    }

    public Tensor Backward(Tensor dy)
    {
        SetGradients(dy, _x!);
        Tensor dx = _dx.Of(_x!.Shape);
        Parallel.For(0, dy.Shape.N, n =>
        {
            Span<float> result = dx.Image(n);
            result.Clear();
            ReadOnlySpan<float> gradient = dy.Image(n);
            for (int o = 0; o < gradient.Length; o++) Vectors.AddScaled(result, gradient[o], _weights.Value.Image(o));
        });
        return dx;
    }

    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
        _y.Dispose();
        _dx.Dispose();
    }

    // One thread sums one output's gradient, image after image: the order of the sum does not depend on the number of threads.
    private void SetGradients(Tensor dy, Tensor x) => Parallel.For(0, Outputs, o =>
    {
        Span<float> dw = _weights.Gradient.Image(o);
        dw.Clear();
        float db = 0;
        for (int n = 0; n < x.Shape.N; n++)
        {
            float gradient = dy.Image(n)[o];
            Vectors.AddScaled(dw, gradient, x.Image(n));
            db += gradient;
        }

        _bias.Gradient.Span[o] = db;
    });
}
