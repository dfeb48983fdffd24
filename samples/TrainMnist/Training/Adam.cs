using ConvNative;
using TrainMnist.Layers;

namespace TrainMnist.Training;

/// <summary>The Adam optimizer (Kingma and Ba, 2015) with the paper's constants.</summary>
internal sealed class Adam(IEnumerable<Parameter> parameters) : IDisposable
{
    private const float Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8f;

    // Per parameter the running means of the gradient (m) and of its square (v).
    private readonly (Parameter Parameter, Tensor M, Tensor V)[] _states =
        [.. parameters.Select(parameter => (parameter, new Tensor(parameter.Value.Shape), new Tensor(parameter.Value.Shape)))];

    private int _step;

    /// <summary>Moves every parameter against its gradient, by about <paramref name="rate"/>.</summary>
    public void Step(double rate)
    {
        _step++;

        // Both means start at zero; the corrections undo that.
        float scale = (float)(rate / (1 - Math.Pow(Beta1, _step)));
        float correction = (float)(1 / (1 - Math.Pow(Beta2, _step)));
        foreach ((Parameter parameter, Tensor M, Tensor V) in _states)
        {
            Span<float> value = parameter.Value.Span, g = parameter.Gradient.Span, m = M.Span, v = V.Span;
            for (int i = 0; i < value.Length; i++)
            {
                m[i] = (Beta1 * m[i]) + ((1 - Beta1) * g[i]);
                v[i] = (Beta2 * v[i]) + ((1 - Beta2) * g[i] * g[i]);
                value[i] -= scale * m[i] / (MathF.Sqrt(v[i] * correction) + Epsilon);
            }
        }
    }

    public void Dispose()
    {
        foreach ((_, Tensor M, Tensor V) in _states)
        {
            M.Dispose();
            V.Dispose();
        }
    }
}
