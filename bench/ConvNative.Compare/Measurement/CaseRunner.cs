using ConvNative.Compare.Cases;
using ConvNative.Compare.Peers;
using ConvNative.Compare.Report;
using ConvNative.Compare.Verification;

namespace ConvNative.Compare.Measurement;

/// <summary>
/// Measures one case: every contestant prepares, runs once and is checked; then all that were right run in interleaved rounds,
/// in random order within a round, with the FMA peak taken between any two turns.
/// </summary>
/// <param name="options">How long.</param>
/// <param name="subject">The contestant that ratios are formed with.</param>
/// <param name="folder">A folder that holds the inputs in "data" and has room for outputs.</param>
/// <param name="peak">Takes the FMA peak of so many threads, in GFLOP/s.</param>
/// <param name="status">Is told what happens now.</param>
internal sealed class CaseRunner(MeasureOptions options, string subject, string folder, Func<int, double> peak, Action<string> status)
{
    private const double FirstWarmUpSeconds = 0.5;   // runtimes that compile while they run need so long
    private const double MostCallsInWarmUp = 200;

    private readonly Random _random = new(1);

    public string DataFolder => Path.Combine(folder, "data");

    private TimeSpan Patience => TimeSpan.FromSeconds(options.PatienceSeconds);

    public async Task<CaseReport> RunAsync(CompareCase one, CaseData data, IReadOnlyList<Contestant> contestants, CancellationToken stop)
    {
        int threads = contestants[0].Threads;
        Entrant[] entrants = [.. contestants.Select(contestant => new Entrant(contestant))];
        var verifier = new Verifier(one, data);
        foreach (Entrant entrant in entrants) await TryAsync(entrant, () => EnterAsync(entrant, one, verifier, stop));
        foreach (Entrant entrant in entrants.Where(entrant => entrant.IsTimed)) await TryAsync(entrant, () => WarmUpAsync(entrant, one, stop));
        int rounds = await PlayAsync(one, entrants, threads, stop);
        foreach (Entrant entrant in entrants.Where(entrant => !entrant.Contestant.GaveUp && entrant.Report.Outcome != Outcome.Unsupported))
            entrant.Contestant.CaseEnded();
        return Summarize(one, threads, entrants, rounds);
    }

    /// <summary>A failure of a contestant is its own: it is noted, and the case goes on.</summary>
    private static async Task TryAsync(Entrant entrant, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (PeerException e)
        {
            entrant.Fail(e.Message);
        }
    }

    private async Task EnterAsync(Entrant entrant, CompareCase one, Verifier verifier, CancellationToken stop)
    {
        Contestant contestant = entrant.Contestant;
        string direction = one.Direction.ToString();
        if (contestant.GaveUp || !contestant.Supports(direction))
        {
            string reason = contestant.GaveUp ? "left out after repeated failures" : $"does not do {direction}";
            entrant.Report = entrant.Report with { Outcome = contestant.GaveUp ? Outcome.Failed : Outcome.Unsupported, Message = reason };
            return;
        }

        status($"{contestant.Name}: preparing");
        bool fresh = contestant.ResetPeakMemory();
        PeerReply prepared = await contestant.AskAsync(
            new PeerRequest("prepare", contestant.Mode, direction, PeerProblem.From(one.Problem), true, DataFolder), Patience, stop);
        if (prepared.Supported != true)
        {
            entrant.Report = entrant.Report with { Outcome = Outcome.Unsupported, Message = prepared.Reason };
            return;
        }

        entrant.Report = entrant.Report with
        {
            Algorithm = prepared.Algorithm,
            PrepareSeconds = prepared.PrepareSeconds,
            WorkspaceBytes = prepared.WorkspaceBytes,
        };
        await RunAsync(entrant, 1, stop);
        if (fresh) entrant.Report = entrant.Report with { PeakBytes = (await contestant.AskAsync(new PeerRequest("memory"), Patience, stop)).PeakBytes };
        await CheckAsync(entrant, verifier, stop);
    }

    private async Task CheckAsync(Entrant entrant, Verifier verifier, CancellationToken stop)
    {
        status($"{entrant.Contestant.Name}: checking");
        string output = Path.Combine(folder, "output");
        Directory.CreateDirectory(output);
        try
        {
            PeerReply reply = await entrant.Contestant.AskAsync(new PeerRequest("output", Dir: output), Patience, stop);
            if (reply.Unchecked is { } why)
            {
                entrant.Report = entrant.Report with { Outcome = Outcome.Bound, Message = why };
                return;
            }

            Verdict verdict = verifier.Check(output, entrant.Report.Algorithm);
            entrant.Report = entrant.Report with
            {
                Outcome = verdict.Problem is null ? Outcome.Measured : Outcome.Wrong,
                Message = verdict.Problem,
                ErrorShare = double.IsFinite(verdict.Share) ? verdict.Share : null,
            };
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    private async Task WarmUpAsync(Entrant entrant, CompareCase one, CancellationToken stop)
    {
        status($"{entrant.Contestant.Name}: warming up");
        bool first = entrant.Contestant.Warm.Add($"{one.Direction} {entrant.Report.Algorithm}");
        double fastest = double.PositiveInfinity;
        double spent = 0;
        int times = 1;
        do
        {
            IReadOnlyList<double> seconds = await RunAsync(entrant, times, stop);
            fastest = Math.Min(fastest, seconds.Min());
            spent += seconds.Sum();
            times = (int)Math.Clamp(FirstWarmUpSeconds / 2 / fastest, 1, MostCallsInWarmUp);
        }
        while (first && spent < FirstWarmUpSeconds);
        entrant.ChooseCalls(fastest, options);
    }

    /// <summary>Rounds until every contestant has enough undisturbed ones, or the attempts are used up. Returns their number.</summary>
    private async Task<int> PlayAsync(CompareCase one, Entrant[] entrants, int threads, CancellationToken stop)
    {
        int most = MeasureOptions.MostAttempts * options.Rounds;
        int round = 0;
        for (; round < most; round++)
        {
            Entrant[] playing = [.. entrants.Where(entrant => entrant.IsTimed && !SitsOut(entrant, BestPeak(entrants)))];
            if (playing.Length == 0 || playing.All(entrant => HasEnough(entrant, entrants))) break;
            status($"round {round + 1}");
            _random.Shuffle(playing);
            double before = peak(threads);
            foreach (Entrant entrant in playing)
            {
                await TryAsync(entrant, async () =>
                {
                    IReadOnlyList<double> seconds = await RunAsync(entrant, entrant.CallsPerRound, stop);
                    double after = peak(threads);
                    entrant.Turns.Add(new Turn(round, seconds, before, after));
                    before = after;
                });
            }
        }

        return round;
    }

    /// <summary>
    /// It is over the limit, and an undisturbed turn is there or as good as hopeless. The subject never sits out: without it a round
    /// has no ratio.
    /// </summary>
    private bool SitsOut(Entrant entrant, double bestPeak) => entrant.Contestant.Name != subject && entrant.IsOverLimit(options)
        && (Quiet.Of(entrant.Turns, bestPeak).Count > 0 || entrant.Turns.Count >= MeasureOptions.MostAttempts);

    private bool HasEnough(Entrant entrant, Entrant[] all) => IsRanked(entrant, all)
        && Quiet.Of(entrant.Turns, BestPeak(all)).Sum(turn => turn.Seconds.Sum()) >= options.Seconds;

    /// <summary>It has enough rounds in which neither its turn nor the subject's was disturbed.</summary>
    private bool IsRanked(Entrant entrant, Entrant[] all)
    {
        double best = BestPeak(all);
        Entrant rival = Array.Find(all, other => other.IsTimed && other.Contestant.Name == subject) ?? entrant;
        return Ratios.WithinRounds(Quiet.Of(entrant.Turns, best), Quiet.Of(rival.Turns, best)).Count >= options.Rounds;
    }

    private async Task<IReadOnlyList<double>> RunAsync(Entrant entrant, int times, CancellationToken stop)
    {
        PeerReply reply = await entrant.Contestant.AskAsync(new PeerRequest("run", Times: times), Patience, stop);
        return reply.Seconds is { } seconds && seconds.Length == times && seconds.All(s => s > 0 && double.IsFinite(s))
            ? seconds
            : throw new PeerException($"gave no {times} positive times");
    }

    private CaseReport Summarize(CompareCase one, int threads, Entrant[] entrants, int rounds)
    {
        double best = BestPeak(entrants);
        double lowest = entrants.SelectMany(entrant => entrant.Turns).Select(turn => Math.Min(turn.PeakBefore, turn.PeakAfter)).DefaultIfEmpty(best).Min();
        Entrant[] timed = [.. entrants.Where(entrant => entrant.IsTimed)];
        IReadOnlyList<Turn> subjectTurns = Quiet.Of(timed.FirstOrDefault(entrant => entrant.Contestant.Name == subject)?.Turns ?? [], best);
        return new CaseReport
        {
            Network = one.Layer.Network,
            Layer = one.Layer.Name,
            Count = one.Layer.Count,
            Descriptor = one.Descriptor,
            Batch = one.Problem.Input.N,
            Direction = one.Direction,
            Threads = threads,
            Flops = one.Problem.Flops,
            CompulsoryBytes = one.CompulsoryBytes,
            Rounds = rounds,
            Noisy = timed.Any(entrant => !entrant.IsOverLimit(options) && !IsRanked(entrant, entrants)),
            BestPeak = best,
            LowestPeakShare = best > 0 ? lowest / best : 1,
            Results = [.. entrants.Select(entrant => entrant.IsTimed ? Figures(entrant, best, subjectTurns) : entrant.Report)],
        };
    }

    private static ContestantReport Figures(Entrant entrant, double bestPeak, IReadOnlyList<Turn> subjectTurns)
    {
        IReadOnlyList<Turn> quiet = Quiet.Of(entrant.Turns, bestPeak);
        double[] seconds = [.. (quiet.Count > 0 ? quiet : entrant.Turns).SelectMany(turn => turn.Seconds)];
        IReadOnlyList<double> ratios = Ratios.WithinRounds(quiet, subjectTurns);
        return entrant.Report with
        {
            Calls = seconds.Length,
            QuietRounds = quiet.Count,
            MinSeconds = seconds.Min(),
            LowerQuartileSeconds = Statistics.Quantile(seconds, 0.25),
            MedianSeconds = Statistics.Quantile(seconds, 0.5),
            Ratio = ratios.Count > 0 ? Spread.Of(ratios) : null,
        };
    }

    private static double BestPeak(IEnumerable<Entrant> entrants) =>
        entrants.SelectMany(entrant => entrant.Turns).Select(turn => Math.Max(turn.PeakBefore, turn.PeakAfter)).DefaultIfEmpty(0).Max();
}
