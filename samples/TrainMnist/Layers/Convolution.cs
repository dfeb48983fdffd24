using System.Diagnostics;
using ConvNative;

namespace TrainMnist.Layers;

/// <summary>Convolution with stride 1 that keeps the image's size: the library's two functions, and the time that they take.</summary>
internal sealed class Convolution : ILayer
{
    private readonly Stopwatch _watch = new();
    private readonly Parameter _weights;
    private readonly Parameter _bias;
    private readonly int _padding;
    private ConvCache? _cache;
    private Tensor? _y;
    private Tensor? _dx;

    /// <summary>A layer of OC filters IC×K×K, K odd.</summary>
    public Convolution(string name, int IC, int OC, int K, Random random)
    {
        _weights = new Parameter($"{name}.weights", new TensorShape(OC, IC, K, K));
        _bias = new Parameter($"{name}.bias", new TensorShape(1, OC, 1, 1));
        _padding = K / 2;
        _weights.Randomize(random, IC * K * K);
    }

    public IReadOnlyList<Parameter> Parameters => [_weights, _bias];

    /// <summary>OC×IC×K×K.</summary>
    public Tensor Filters => _weights.Value;

    /// <summary>Time spent in the library, in all.</summary>
    public TimeSpan Elapsed => _watch.Elapsed;

    public Tensor Forward(Tensor x)
    {
        _y?.Dispose();
        _watch.Start();
        (_y, _cache) = ConvLayer.Forward(x, _weights.Value, _bias.Value, stride: 1, _padding);
        _watch.Stop();
        return _y;
    }

    public Tensor Backward(Tensor dy)
    {
        _dx?.Dispose();
        _watch.Start();
        (_dx, Tensor dw, Tensor db) = ConvLayer.Backward(dy, _cache!);
        _watch.Stop();
        _weights.ReplaceGradient(dw);
        _bias.ReplaceGradient(db);
        return _dx;
    }

    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
        _y?.Dispose();
        _dx?.Dispose();
    }
}
