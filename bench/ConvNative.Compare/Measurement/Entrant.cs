using ConvNative.Compare.Peers;
using ConvNative.Compare.Report;

namespace ConvNative.Compare.Measurement;

/// <summary>A contestant while it takes part in one case.</summary>
internal sealed class Entrant(Contestant contestant)
{
    private const int MostCalls = 1000;

    public Contestant Contestant { get; } = contestant;

    public ContestantReport Report { get; set; } = new(contestant.Name);

    public List<Turn> Turns { get; } = [];

    public int CallsPerRound { get; private set; } = 1;

    /// <summary>It gave a right answer, or a bound, and has not failed since.</summary>
    public bool IsTimed => Report.Outcome is Outcome.Measured or Outcome.Bound;

    public bool IsOverLimit(MeasureOptions options) => Turns.Count > 0 && Turns.Sum(turn => turn.Seconds.Sum()) >= options.LimitSeconds;

    /// <summary>As many calls per round as fill its share of the time, with a little to spare.</summary>
    public void ChooseCalls(double secondsPerCall, MeasureOptions options) =>
        CallsPerRound = (int)Math.Clamp(Math.Ceiling(1.1 * options.Seconds / options.Rounds / secondsPerCall), 1, MostCalls);

    public void Fail(string message) => Report = Report with { Outcome = Outcome.Failed, Message = message };
}
