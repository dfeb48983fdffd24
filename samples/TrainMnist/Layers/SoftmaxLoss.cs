using ConvNative;

namespace TrainMnist.Layers;

/// <summary>Softmax, p[o] = exp(x[o]) / Σ exp(x), and the mean over the batch of −log p[label].</summary>
internal sealed class SoftmaxLoss : IDisposable
{
    private readonly Scratch _gradient = new();

    /// <summary>The loss, its gradient by x (the loss's own, until the next call), and how many labels were given the largest p.</summary>
    public (double Loss, Tensor DX, int Correct) Compute(Tensor x, ReadOnlySpan<byte> labels)
    {
        Tensor dx = _gradient.Of(x.Shape);
        double loss = 0;
        int correct = 0;
        for (int n = 0; n < labels.Length; n++)
        {
            Span<float> p = dx.Image(n);
            Softmax(x.Image(n), p);
            loss -= Math.Log(Math.Max(p[labels[n]], float.Epsilon));
            if (Predict(p) == labels[n]) correct++;

            // d loss / d x[o] = (p[o] − [o = label]) / N
            p[labels[n]] -= 1;
            foreach (ref float value in p) value /= labels.Length;
        }

        return (loss / labels.Length, dx, correct);
    }

    /// <summary>The index of the largest value.</summary>
    public static int Predict(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int o = 1; o < values.Length; o++)
        {
            if (values[o] > values[best]) best = o;
        }

        return best;
    }

    public void Dispose() => _gradient.Dispose();

    // The largest x is taken off first, which changes nothing but keeps exp from overflowing.
    private static void Softmax(ReadOnlySpan<float> x, Span<float> p)
    {
        float largest = x[Predict(x)], sum = 0;
        for (int o = 0; o < x.Length; o++) sum += p[o] = MathF.Exp(x[o] - largest);
        foreach (ref float value in p) value /= sum;
    }
}
