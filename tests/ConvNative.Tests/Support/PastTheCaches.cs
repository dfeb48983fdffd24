using ConvNative.Kernels;

namespace ConvNative.Tests.Support;

/// <summary>Forward runs whose results do not stay in the caches, and go past them where memory is aligned.</summary>
internal static unsafe class PastTheCaches
{
    /// <summary>So many images that y is larger than what stays near.</summary>
    /// <param name="image">Descriptor of one image, without mb.</param>
    public static ConvProblem Problem(string image)
    {
        long bytes = sizeof(float) * ConvProblem.Parse("mb1" + image).Output.Length;
        return ConvProblem.Parse($"mb{(StreamingStores.NearBytes / bytes) + 1}{image}");
    }

    /// <summary>Results have the same bits where they begin with a cache line and where they do not, which none go past the caches for.</summary>
    /// <param name="problem">Of <see cref="Problem"/>.</param>
    /// <param name="options">Of the run.</param>
    /// <param name="streams">Whether the description must say that the forward run's results go past the caches.</param>
    /// <param name="hasResidual">Whether a residual is added.</param>
    public static void Check(ConvProblem problem, Conv2dOptions options, bool streams, bool hasResidual)
    {
        using Conv2d conv = new(problem, options);
        string forward = conv.Describe().Split('\n').Single(line => line.Contains(" Forward:", StringComparison.Ordinal));
        Assert.That(forward.Contains("past the caches", StringComparison.Ordinal), Is.EqualTo(streams), forward);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), b = Tensors.Random(new TensorShape(1, problem.Output.C, 1, 1), 3);
        using Tensor residual = Tensors.Random(problem.Output, 4), aligned = new(problem.Output), memory = new(1, 1, 1, (int)problem.Output.Length + 1);
        fixed (float* start = memory.Span)
        {
            using Tensor shifted = Tensor.Wrap(start + 1, problem.Output);
            conv.Forward(x, w, b, aligned, hasResidual ? residual : null);
            conv.Forward(x, w, b, shifted, hasResidual ? residual : null);
            Assert.That(aligned.Span.SequenceEqual(shifted.Span));
        }
    }
}
