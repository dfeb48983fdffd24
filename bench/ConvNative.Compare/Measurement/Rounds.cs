namespace ConvNative.Compare.Measurement;

/// <summary>One contestant's calls in one round.</summary>
/// <param name="Round">Number of the round.</param>
/// <param name="Seconds">A time per call.</param>
/// <param name="PeakBefore">The FMA peak just before, in GFLOP/s.</param>
/// <param name="PeakAfter">The FMA peak just after.</param>
internal sealed record Turn(int Round, IReadOnlyList<double> Seconds, double PeakBefore, double PeakAfter)
{
    public double Best => Seconds.Min();
}

/// <summary>
/// Tells undisturbed turns from disturbed ones: a machine that others use as well slows down for seconds at a time, and then
/// the FMA peak, which nothing else can lower, falls too.
/// </summary>
internal static class Quiet
{
    /// <summary>A turn counts if the peak around it was at least this share of the best peak of the case.</summary>
    public const double LeastShare = 0.9;

    public static IReadOnlyList<Turn> Of(IReadOnlyList<Turn> turns, double bestPeak) =>
        [.. turns.Where(turn => Math.Min(turn.PeakBefore, turn.PeakAfter) >= LeastShare * bestPeak)];
}

internal static class Ratios
{
    /// <summary>time(other)/time(subject), one value for each round that both took part in.</summary>
    public static IReadOnlyList<double> WithinRounds(IReadOnlyList<Turn> other, IReadOnlyList<Turn> subject) =>
        [.. other.Join(subject, turn => turn.Round, turn => turn.Round, (o, s) => o.Best / s.Best)];
}
