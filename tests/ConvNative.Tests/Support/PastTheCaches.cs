using ConvNative.Kernels;

namespace ConvNative.Tests.Support;

/// <summary>Runs whose results do not stay in the caches, and go past them.</summary>
internal static unsafe class PastTheCaches
{
    /// <summary>So many images that y is larger than what stays near.</summary>
    /// <param name="image">Descriptor of one image, without mb.</param>
    public static ConvProblem Problem(string image) =>
        ConvProblem.Parse($"mb{(StreamingStores.NearBytes / sizeof(float) / ConvProblem.Parse("mb1" + image).Output.Length) + 1}{image}");

    /// <summary>y has the same numbers wherever in a cache line it begins, and as with a residual of zeros, with which it goes through the caches.</summary>
    /// <param name="problem">Of <see cref="Problem"/>.</param>
    /// <param name="options">Of the runs.</param>
    /// <param name="streams">Whether the description must say so.</param>
    public static void CheckForward(ConvProblem problem, Conv2dOptions options, bool streams)
    {
        using Conv2d conv = new(problem, options);
        AssertDescribed(conv, " Forward:", streams);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        using Tensor zeros = new(problem.Output), y = new(problem.Output), memory = new(1, 1, 1, (int)problem.Output.Length + Prefetch.Line);
        conv.Forward(x, w, b, y, zeros);
        fixed (float* start = memory.Span)
        foreach (int offset in (int[])[0, 1, 7])
        {
            using Tensor shifted = Tensor.Wrap(start + offset, problem.Output);
            conv.Forward(x, w, b, shifted);
            Assert.That(shifted.Span.SequenceEqual(y.Span), $"{offset} floats after a line's beginning");
        }
    }

    /// <summary>dx has the same numbers wherever in a cache line it begins.</summary>
    /// <inheritdoc cref="CheckForward" path="/param"/>
    public static void CheckBackwardData(ConvProblem problem, Conv2dOptions options, bool streams)
    {
        using Conv2d conv = new(problem, options);
        AssertDescribed(conv, " BackwardData:", streams);
        using Tensor dy = Tensors.Random(problem.Output, 1), w = Tensors.Random(problem.Weights, 2);
        using Tensor dx = new(problem.Input), memory = new(1, 1, 1, (int)problem.Input.Length + Prefetch.Line);
        conv.BackwardData(dy, w, dx);
        fixed (float* start = memory.Span)
        foreach (int offset in (int[])[1, 7])
        {
            using Tensor shifted = Tensor.Wrap(start + offset, problem.Input);
            conv.BackwardData(dy, w, shifted);
            Assert.That(shifted.Span.SequenceEqual(dx.Span), $"{offset} floats after a line's beginning");
        }
    }

    /// <summary>dw has the same numbers wherever in a cache line it begins.</summary>
    /// <inheritdoc cref="CheckForward" path="/param"/>
    public static void CheckBackwardWeights(ConvProblem problem, Conv2dOptions options, bool streams)
    {
        using Conv2d conv = new(problem, options);
        AssertDescribed(conv, " BackwardWeights:", streams);
        using Tensor x = Tensors.Random(problem.Input, 1), dy = Tensors.Random(problem.Output, 2);
        using Tensor dw = new(problem.Weights), memory = new(1, 1, 1, (int)problem.Weights.Length + Prefetch.Line);
        conv.BackwardWeights(x, dy, dw, null);
        fixed (float* start = memory.Span)
        foreach (int offset in (int[])[1, 7])
        {
            using Tensor shifted = Tensor.Wrap(start + offset, problem.Weights);
            conv.BackwardWeights(x, dy, shifted, null);
            Assert.That(shifted.Span.SequenceEqual(dw.Span), $"{offset} floats after a line's beginning");
        }
    }

    private static void AssertDescribed(Conv2d conv, string direction, bool streams)
    {
        string line = conv.Describe().Split('\n').Single(line => line.Contains(direction, StringComparison.Ordinal));
        Assert.That(line.Contains("past the caches", StringComparison.Ordinal), Is.EqualTo(streams), line);
    }
}
