namespace ConvNative.Kernels;

/// <summary>
/// Planes that are computed one after the other, each with nine weights of its own and a bias (or null). Where a vector holds two planes,
/// <see cref="Count"/> is of pairs and the others say how far on the second one is: 0 where there is none, so that the first
/// is computed twice.
/// </summary>
internal readonly unsafe struct DepthwiseRun(float* source, float* weights, float* bias, float* result, int count)
{
    public readonly float* Source = source;
    public readonly float* Weights = weights;
    public readonly float* Bias = bias;
    public readonly float* Result = result;
    public readonly int Count = count;

    public nint SecondSource { get; init; }

    public nint SecondResult { get; init; }

    public nint SecondChannel { get; init; }

    /// <summary>Whether rows are whole cache lines, the result's first one too, that are stored past the caches.</summary>
    public bool Streams { get; init; }

    /// <summary>Whether results are kept near for a while, on their way to memory.</summary>
    public bool IsKept { get; init; }

    /// <summary>The same planes with their results elsewhere, for a while.</summary>
    public DepthwiseRun Into(float* result) => new(Source, Weights, Bias, result, Count)
    {
        SecondSource = SecondSource, SecondResult = SecondResult, SecondChannel = SecondChannel, IsKept = IsKept,
    };

    /// <summary>Where whole vectors of the first plane may begin at the latest: nowhere where they are stored past the caches.</summary>
    public float* Limit(nint last) => Streams ? null : Result + last;
}

/// <summary>A strip within a band of rows.</summary>
internal readonly unsafe struct DepthwiseStrip(Stencil3x3 t, int index, int first, float* masks)
{
    public readonly int Index = index;

    /// <summary>How many strips from this one on are worked on alike, one after the other, in one image.</summary>
    public int Alike { get; init; } = 1;

    /// <summary>First column of the output.</summary>
    public readonly int Start = t.Starts[index];

    /// <summary>First row of the output.</summary>
    public readonly int First = first;

    /// <summary>Beyond its last row.</summary>
    public readonly int End = Math.Min(first + t.BandRows, t.OutputH);

    /// <summary>The strip's part of <see cref="Stencil3x3.MaskTable"/>.</summary>
    public readonly float* Masks = masks + (index * Stencil3x3.Masks * t.Width);
}
