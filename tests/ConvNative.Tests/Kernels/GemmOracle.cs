namespace ConvNative.Tests.Kernels;

/// <summary>What a float32 sum may be off by.</summary>
internal static class GemmOracle
{
    private const double UnitRoundoff = 1.0 / (1 << 24);

    /// <summary>
    /// γ(K + 2)·Σ|a·b| for a sum of K products in any order, γ(n) = n·u/(1 − n·u): Higham, "Accuracy and Stability of Numerical
    /// Algorithms", 2nd ed., section 3.1.
    /// </summary>
    public static double Bound(int K, double sumOfMagnitudes)
    {
        double nu = (K + 2) * UnitRoundoff;
        return nu / (1 - nu) * sumOfMagnitudes;
    }
}
