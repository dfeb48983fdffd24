namespace ConvNative;

/// <summary>
/// What <see cref="ConvLayer.Backward"/> needs of the forward call: references to x and w (not copies: keep them unchanged and
/// undisposed until then) and the problem.
/// </summary>
public sealed class ConvCache
{
    internal ConvCache(ConvProblem problem, Tensor x, Tensor w) => (Problem, X, W) = (problem, x, w);

    /// <summary>The convolution that was computed.</summary>
    public ConvProblem Problem { get; }

    internal Tensor X { get; }

    internal Tensor W { get; }
}
