namespace ConvNative.Compare.Measurement;

/// <summary>How long a case is measured.</summary>
/// <param name="Rounds">Undisturbed rounds at least.</param>
/// <param name="Seconds">Seconds per contestant at least.</param>
/// <param name="LimitSeconds">A contestant that has used so many seconds in a case plays no further round (but always one).</param>
/// <param name="PatienceSeconds">How long a contestant may take to answer before it is dropped.</param>
internal sealed record MeasureOptions(int Rounds, double Seconds, double LimitSeconds, double PatienceSeconds)
{
    /// <summary>Rounds that may be run in search of undisturbed ones, as a multiple of <see cref="Rounds"/>.</summary>
    public const int MostAttempts = 3;
}
