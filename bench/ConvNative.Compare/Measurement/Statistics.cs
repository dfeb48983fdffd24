namespace ConvNative.Compare.Measurement;

/// <summary>Median with the quartiles around it: the middle and the spread of a sample.</summary>
internal sealed record Spread(double LowerQuartile, double Median, double UpperQuartile)
{
    public static Spread Of(IReadOnlyCollection<double> sample) =>
        new(Statistics.Quantile(sample, 0.25), Statistics.Quantile(sample, 0.5), Statistics.Quantile(sample, 0.75));
}

internal static class Statistics
{
    /// <summary>The value below which the share q of the sample lies, interpolated between order statistics (Hyndman and Fan's type 7).</summary>
    /// <exception cref="ArgumentException">The sample is empty.</exception>
    public static double Quantile(IEnumerable<double> sample, double q)
    {
        double[] sorted = [.. sample.Order()];
        if (sorted.Length == 0) throw new ArgumentException("The sample is empty; it must hold a value.", nameof(sample));
        double position = q * (sorted.Length - 1);
        int below = (int)position;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }

    /// <summary>exp of the mean logarithm: the mean of ratios.</summary>
    /// <exception cref="ArgumentException">The sample is empty.</exception>
    public static double GeometricMean(IReadOnlyCollection<double> sample) => sample.Count == 0
        ? throw new ArgumentException("The sample is empty; it must hold a value.", nameof(sample))
        : Math.Exp(sample.Average(Math.Log));
}
