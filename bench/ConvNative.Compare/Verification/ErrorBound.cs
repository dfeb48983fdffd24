namespace ConvNative.Compare.Verification;

/// <summary>
/// How far a float32 sum may be from the exact one, in units of 2⁻²⁴·Σ|terms|. In any order of K+2 roundings the error stays
/// below K+2 units (N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). For long sums that bound exceeds
/// the sum itself and would pass any answer, so the probabilistic one, λ·√(K+2) with λ = 16, is used where it is smaller
/// (N. Higham, T. Mary, SIAM J. Sci. Comput. 41, 2019: it fails with a probability below 2·exp(−λ²/2)).
/// </summary>
internal static class ErrorBound
{
    public const double Lambda = 16;

    /// <summary>
    /// Winograd's transforms add and subtract values larger than the result: F(4×4, 3×3) in float32 was seen to be some ten times
    /// less accurate than a direct sum (A. Lavin, S. Gray, 2015, table 6). Allowed: 32 times the bound of the direct sum.
    /// </summary>
    public const double WinogradAmplification = 32;

    /// <summary>The error as a share of what is allowed: up to 1 is right; not-a-number counts as infinitely wrong.</summary>
    public static double Share(float actual, in ExactElement exact, double amplification)
    {
        double roundings = exact.Terms + 2;
        double units = Math.Min(roundings, Lambda * Math.Sqrt(roundings)) * amplification;
        double allowed = units * Math.ScaleB(1, -24) * exact.Magnitude;
        double error = Math.Abs(actual - exact.Value);
        return error <= 0 ? 0 : error / allowed is var share && double.IsNaN(share) ? double.PositiveInfinity : share;
    }

    /// <summary>By the name that a contestant gives to its algorithm.</summary>
    public static double Amplification(string? algorithm) =>
        algorithm?.Contains("wino", StringComparison.OrdinalIgnoreCase) == true ? WinogradAmplification : 1;
}
