namespace ConvNative.Tests.Support;

/// <summary>What float32 sums can give, and the comparison with the oracle by the maximum error.</summary>
internal static class ErrorBound
{
    private const double UnitRoundoff = 1.0 / (1 << 24);

    /// <summary>
    /// |computed − exact| ≤ (terms + 2)·u·Σ|terms| for a float32 sum of products in any order (N. Higham, "Accuracy and Stability of
    /// Numerical Algorithms", §3.1: γₙ = n·u/(1 − n·u)); <paramref name="amplification"/> is what an algorithm's transforms add.
    /// Denormal results and terms count as zero in a run: one smallest normal number is allowed for each.
    /// </summary>
    public static double Of(Oracle.Sum exact, double amplification = 1)
    {
        double n = exact.Terms + 2;
        double gamma = n * UnitRoundoff / (1 - (n * UnitRoundoff));
        return (amplification * gamma * exact.Magnitude) + ((exact.Terms + 1) * 1.1754943508222875e-38);
    }

    /// <summary>
    /// What <see cref="Of"/> is to be taken of: the sums themselves, or where an algorithm's transforms mix neighbours the largest sum for
    /// every element.
    /// </summary>
    public static Oracle.Sum[] Mixed(ReadOnlySpan<Oracle.Sum> exact, double amplification)
    {
        Oracle.Sum[] mixed = exact.ToArray();
        if (amplification == 1 || mixed.Length == 0) return mixed;
        double magnitude = mixed.Max(sum => sum.Magnitude);
        int terms = mixed.Max(sum => sum.Terms);
        return Array.ConvertAll(mixed, sum => new Oracle.Sum(sum.Value, magnitude, terms));
    }

    /// <summary>Asserts that no element is further from the oracle than its bound.</summary>
    public static void AssertWithin(ReadOnlySpan<Oracle.Sum> exact, ReadOnlySpan<float> actual, string what, double amplification = 1)
    {
        Assert.That(actual.Length, Is.EqualTo(exact.Length), what);
        Oracle.Sum[] mixed = Mixed(exact, amplification);
        double worst = 0;
        int at = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double ratio = Math.Abs(actual[i] - exact[i].Value) / Of(mixed[i], amplification);
            if (!double.IsNaN(ratio) && ratio <= worst) continue;
            (worst, at) = (double.IsNaN(ratio) ? double.PositiveInfinity : ratio, i);
        }

        if (worst > 1)
            Assert.Fail($"{what}: element {at} is {actual[at]:R}, exactly {exact[at].Value:R}; {worst:0.##} times the bound");
    }
}
