using ConvNative;
using TrainMnist.Data;
using TrainMnist.Layers;

namespace TrainMnist.Training;

/// <summary>conv → ReLU → max-pool → conv → ReLU → max-pool → linear; softmax belongs to the loss.</summary>
internal sealed class Network : IDisposable
{
    private readonly Convolution[] _convolutions;
    private readonly ILayer[] _layers;

    /// <summary>A network that knows nothing: weights drawn from the seed.</summary>
    public Network(int seed)
    {
        var random = new Random(seed);
        var conv1 = new Convolution("conv1", IC: 1, OC: 16, K: 5, random);
        var conv2 = new Convolution("conv2", IC: 16, OC: 32, K: 5, random);
        var linear = new Linear("linear", C: 32, H: DigitSet.Side / 4, W: DigitSet.Side / 4, DigitSet.Classes, random);
        _convolutions = [conv1, conv2];
        _layers = [conv1, new Relu(), new MaxPool(), conv2, new Relu(), new MaxPool(), linear];
    }

    /// <summary>Everything that is learned, first layer first.</summary>
    public IEnumerable<Parameter> Parameters => _layers.SelectMany(layer => layer.Parameters);

    /// <summary>Filters of the first layer: OC×1×K×K.</summary>
    public Tensor Filters => _convolutions[0].Filters;

    /// <summary>Time spent in convolution, in all.</summary>
    public TimeSpan ConvolutionTime => _convolutions.Aggregate(TimeSpan.Zero, (sum, layer) => sum + layer.Elapsed);

    /// <summary>Ten values per image, the largest at the digit that the network sees; the network's own until the next call.</summary>
    public Tensor Forward(Tensor images) => _layers.Aggregate(images, (x, layer) => layer.Forward(x));

    /// <summary>Sets all gradients from that of the loss by the last Forward's values.</summary>
    public void Backward(Tensor dy)
    {
        foreach (ILayer layer in _layers.Reverse()) dy = layer.Backward(dy);
    }

    /// <summary>Writes every parameter as a .npy file into the folder.</summary>
    public void Save(string folder)
    {
        foreach (Parameter parameter in Parameters) parameter.Value.SaveNpy(Path.Combine(folder, $"{parameter.Name}.npy"));
    }

    public void Dispose()
    {
        foreach (ILayer layer in _layers) layer.Dispose();
    }
}
