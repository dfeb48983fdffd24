using ConvNative;

namespace TrainMnist.Layers;

/// <summary>
/// A step of the network. Every tensor that a layer returns stays its own: it holds until the layer's next call of the same method, and
/// is freed by then or by Dispose. A layer keeps a reference to its input from Forward to Backward.
/// </summary>
internal interface ILayer : IDisposable
{
    /// <summary>What the layer learns; empty for most.</summary>
    IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>y from x.</summary>
    Tensor Forward(Tensor x);

    /// <summary>dx from dy, for the x of the last Forward; sets the gradients of the parameters.</summary>
    Tensor Backward(Tensor dy);
}
