using ConvNative.Kernels;

namespace ConvNative;

/// <summary>An element-wise function that a forward run applies to its result while it is in registers.</summary>
public readonly record struct ConvActivation
{
    private ConvActivation(Activation kind, float low, float high, float slope) => (Kind, Low, High, Slope) = (kind, low, high, slope);

    /// <summary>y = x: the default.</summary>
    public static ConvActivation None => default;

    /// <summary>y = max(x, 0).</summary>
    public static ConvActivation Relu => Clip(0, float.PositiveInfinity);

    internal Activation Kind { get; }

    internal float Low { get; }

    internal float High { get; }

    internal float Slope { get; }

    /// <summary>y = x where x ≥ 0, else slope·x.</summary>
    /// <param name="slope">Finite; below 0 for forward runs alone.</param>
    public static ConvActivation LeakyRelu(float slope) => float.IsFinite(slope)
        ? new(Activation.LeakyRelu, 0, 0, slope)
        : throw new ArgumentOutOfRangeException(nameof(slope), slope, "The slope must be finite.");

    /// <summary>y = min(max(x, low), high).</summary>
    /// <param name="low">Lower bound, may be −∞.</param>
    /// <param name="high">Upper bound, at least <paramref name="low"/>, may be +∞.</param>
    public static ConvActivation Clip(float low, float high) => low <= high
        ? new(Activation.Clip, low, high, 0)
        : throw new ArgumentOutOfRangeException(nameof(high), high, $"The bounds [{low}, {high}] must be numbers with low ≤ high.");

    /// <summary>The function's name with its parameters.</summary>
    public override string ToString() => Kind switch
    {
        Activation.Clip => Low == 0 && float.IsPositiveInfinity(High) ? "ReLU" : $"clip to [{Low}, {High}]",
        Activation.LeakyRelu => $"leaky ReLU, slope {Slope}",
        _ => "none",
    };
}
