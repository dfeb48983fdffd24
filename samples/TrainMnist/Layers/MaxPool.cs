using ConvNative;

namespace TrainMnist.Layers;

/// <summary>The largest of every 2×2 pixels; H and W must be even.</summary>
internal sealed class MaxPool : ILayer
{
    private readonly Scratch _y = new();
    private readonly Scratch _dx = new();
    private int[] _winners = [];
    private TensorShape _inputShape;

    public IReadOnlyList<Parameter> Parameters => [];

    public Tensor Forward(Tensor x)
    {
        TensorShape shape = _inputShape = x.Shape;
        Tensor y = _y.Of(new TensorShape(shape.N, shape.C, shape.H / 2, shape.W / 2));
        if (_winners.Length != y.Length) _winners = new int[y.Length];
        Parallel.For(0, shape.N, n => Pool(x.Image(n), y.Image(n), WinnersOf(n, y), shape.W));
        return y;
    }

    public Tensor Backward(Tensor dy)
    {
        Tensor dx = _dx.Of(_inputShape);
        Parallel.For(0, dy.Shape.N, n =>
        {
            ReadOnlySpan<int> winners = WinnersOf(n, dy);
            ReadOnlySpan<float> gradient = dy.Image(n);
            Span<float> result = dx.Image(n);
            result.Clear();
            for (int i = 0; i < gradient.Length; i++) result[winners[i]] = gradient[i];
        });
        return dx;
    }

    public void Dispose()
    {
        _y.Dispose();
        _dx.Dispose();
    }

    // Channels lie one below the other, so an image with C channels of H rows is one with C·H rows.
    private static void Pool(ReadOnlySpan<float> x, Span<float> y, Span<int> winners, int W)
    {
        int OW = W / 2;
        for (int i = 0; i < y.Length; i++)
        {
            int corner = (i / OW * 2 * W) + (i % OW * 2);
            int upper = x[corner + 1] > x[corner] ? corner + 1 : corner;
            int lower = x[corner + W + 1] > x[corner + W] ? corner + W + 1 : corner + W;
            winners[i] = x[lower] > x[upper] ? lower : upper;
            y[i] = x[winners[i]];
        }
    }

    private Span<int> WinnersOf(int n, Tensor y)
    {
        int length = _winners.Length / y.Shape.N;
        return _winners.AsSpan(n * length, length);
    }
}
