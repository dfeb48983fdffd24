using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Peers;
using ConvNative.Compare.Report;
using ConvNative.Compare.Verification;

namespace ConvNative.Compare.Tests;

/// <summary>A fake peer beside a good one: whatever it does, it is named and dropped, and the good one is measured.</summary>
internal sealed class PeerTests
{
    private static readonly CompareCase Case = new(new Layer("net", "layer", 1, ConvProblem.Parse("mb2ic3ih8oc4oh8kh3ph1")), Direction.FWD);

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("compare-tests-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("crash", Outcome.Failed, "died at 'run' with exit code 7: out of luck")]
    [TestCase("silent", Outcome.Failed, "gave no answer to 'run' within 15 s")]
    [TestCase("garbage", Outcome.Failed, "answered 'run' with what is no reply: 'Segmentation fault (core dumped)'")]
    [TestCase("wrong", Outcome.Wrong, "times the error that float32 allows")]
    [TestCase("refuse", Outcome.Failed, "refused 'prepare': not today")]
    [TestCase("unsupported", Outcome.Unsupported, "too odd")]
    public async Task A_peer_that_misbehaves_is_not_timed_and_the_others_are(string behaviour, Outcome outcome, string message)
    {
        CaseReport report = await MeasureAsync(behaviour, Direction.FWD);
        ContestantReport bad = report.Of($"{behaviour}/bad")!;
        ContestantReport good = report.Of($"{behaviour}/good")!;
        Assert.That((bad.Outcome, bad.IsTimed, bad.Ratio), Is.EqualTo((outcome, false, (Spread?)null)));
        Assert.That(bad.Message, Does.Contain(message));
        Assert.That((good.Outcome, good.MinSeconds, good.Ratio!.Median), Is.EqualTo((Outcome.Measured, (double?)0.001, 1.0)));
    }

    [TestCase(Direction.FWD)]
    [TestCase(Direction.BWD_D)]
    [TestCase(Direction.BWD_W)]
    public async Task One_wrong_element_is_found_in_every_direction(Direction direction)
    {
        CaseReport report = await MeasureAsync("wrong", direction);
        Assert.That(report.Of("wrong/bad")!.Outcome, Is.EqualTo(Outcome.Wrong));
        Assert.That(report.Of("wrong/good")!.Outcome, Is.EqualTo(Outcome.Measured));
    }

    [Test]
    public async Task A_slow_peer_plays_fewer_rounds_but_is_measured()
    {
        CaseReport report = await MeasureAsync("slow", Direction.FWD);
        ContestantReport slow = report.Of("slow/bad")!;
        Assert.That((slow.Outcome, slow.MinSeconds, slow.Calls), Is.EqualTo((Outcome.Measured, (double?)0.2, 1)));
        Assert.That(slow.Ratio!.Median, Is.EqualTo(200).Within(1e-9));
        Assert.That(report.Of("slow/good")!.Calls, Is.GreaterThan(1));
    }

    [Test]
    public async Task A_machine_that_is_never_quiet_ranks_nobody()
    {
        int probes = 0;
        Contestant[] contestants = [.. ((string[])["good", "bad"]).Select(mode => new Contestant(FakePeer.Define("good"), mode, ["FWD"], 1))];
        CaseReport report = await MeasureAsync(Case, contestants, "good/good", _ => probes++ % 2 == 0 ? 100 : 50);
        Assert.That((report.Noisy, report.Rounds, report.LowestPeakShare), Is.EqualTo((true, 6, 0.5)));
        Assert.That(report.Results, Has.All.Matches<ContestantReport>(result => result is { IsTimed: true, QuietRounds: 0, Ratio: null }));
    }

    [Test]
    public async Task Rounds_are_repeated_until_enough_were_quiet()
    {
        int probes = 0;
        Contestant[] contestants = [new Contestant(FakePeer.Define("good"), "good", ["FWD"], 1)];
        CaseReport report = await MeasureAsync(Case, contestants, "good/good", _ => ++probes is 3 or 4 ? 50 : 100);
        Assert.That((report.Noisy, report.Rounds, report.Results[0].QuietRounds), Is.EqualTo((false, 3, 2)));
    }

    [Test]
    public async Task A_result_that_is_no_convolution_is_a_bound()
    {
        CaseReport report = await MeasureAsync("unchecked", Direction.FWD);
        Assert.That(report.Results, Has.All.Matches<ContestantReport>(result => result is { Outcome: Outcome.Bound, IsTimed: true }));
        Assert.That(Summary.FastestRival(report, "convnative/auto"), Is.Null);
    }

    [Test]
    public async Task A_peer_that_dies_again_and_again_is_given_up()
    {
        using var contestant = new Contestant(FakePeer.Define("crash"), "bad", ["FWD"], 1);
        CaseRunner runner = Runner();
        for (int i = 0; i < 3; i++)
        {
            Assert.That(contestant.GaveUp, Is.False);
            await runner.RunAsync(Case, WriteData(runner), [contestant], CancellationToken.None);
        }

        CaseReport last = await runner.RunAsync(Case, WriteData(runner), [contestant], CancellationToken.None);
        Assert.That(last.Results[0].Message, Is.EqualTo("left out after repeated failures"));
    }

    [Test]
    public async Task A_missing_program_is_left_out_with_its_remedy()
    {
        PeerDefinition absent = new(new PeerManifest("absent", ["no-such-program"], ["no-such-program"], "install it", null), _folder);
        PeerDefinition unbuilt = absent with { Manifest = absent.Manifest with { Name = "unbuilt", Probe = null, Build = [["no-such-program"]] } };
        ContestantList list = await ContestantList.FindAsync([FakePeer.Define("good"), absent, unbuilt], [], _ => { }, CancellationToken.None);
        Assert.That(list.Modes.Select(one => $"{one.Peer.Definition.Name}/{one.Mode}"), Is.EqualTo(new[] { "good/good", "good/bad" }));
        Assert.That(list.Peers.Select(peer => peer.Remedy), Is.EqualTo(new[] { null, "install it", "install it" }));
        Assert.That(list.Peers[1].Problem, Does.StartWith("not installed"));
        Assert.That(list.Peers[2].Problem, Does.StartWith("does not build"));
    }

    [TestCase("nobody", "is no peer")]
    [TestCase("good/third", "the modes of good are good, bad")]
    public void An_unknown_peer_or_mode_is_refused(string pattern, string message) =>
        Assert.That(
            async () => await ContestantList.FindAsync([FakePeer.Define("good")], [pattern], _ => { }, CancellationToken.None),
            Throws.InstanceOf<UsageException>().With.Message.Contains(message));

    [Test]
    public async Task Stopping_a_run_ends_it_at_once()
    {
        using var stop = new CancellationTokenSource();
        using var contestant = new Contestant(FakePeer.Define("silent"), "bad", ["FWD"], 1);
        CaseRunner runner = new(Options, "silent/good", _folder, Steady, _ => { });
        Task<CaseReport> run = runner.RunAsync(Case, WriteData(runner), [contestant], stop.Token);
        await stop.CancelAsync();
        Assert.That(async () => await run, Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase(Direction.FWD)]
    [TestCase(Direction.BWD_D)]
    [TestCase(Direction.BWD_W)]
    public async Task ConvNative_as_a_peer_gives_right_answers_and_says_which_algorithm_ran(Direction direction)
    {
        CompareCase one = Case with { Direction = direction };
        Contestant[] contestants = [.. ConvNativePeer.Modes.Select(mode => new Contestant(PeerDefinition.ConvNative, mode, Enum.GetNames<Direction>(), 2))];
        CaseReport report = await MeasureAsync(one, contestants, "convnative/auto");
        ContestantReport auto = report.Of("convnative/auto")!;
        Assert.That(auto.Outcome, Is.EqualTo(Outcome.Measured), auto.Message);
        Assert.That(auto.Algorithm, Is.AnyOf(Enum.GetNames<ConvAlgorithm>()).And.Not.EqualTo("Auto"));
        Assert.That(report.Of("convnative/reference")!.Algorithm, Is.EqualTo("Reference"));
        Assert.That(report.Results, Has.All.Matches<ContestantReport>(result => result is { Outcome: Outcome.Measured or Outcome.Unsupported }));
    }

    // Patience that no load of the machine uses up; the peer that never answers has to use it up.
    private static MeasureOptions Options => new(Rounds: 2, Seconds: 0.01, LimitSeconds: 0.15, PatienceSeconds: 600);

    private Task<CaseReport> MeasureAsync(string behaviour, Direction direction)
    {
        PeerDefinition definition = FakePeer.Define(behaviour);
        Contestant[] contestants = [.. ((string[])["good", "bad"]).Select(mode => new Contestant(definition, mode, ["FWD", "BWD_D", "BWD_W"], 1))];
        return MeasureAsync(Case with { Direction = direction }, contestants, $"{behaviour}/good");
    }

    private static double Steady(int threads) => 100;

    private async Task<CaseReport> MeasureAsync(CompareCase one, Contestant[] contestants, string subject, Func<int, double>? peak = null)
    {
        MeasureOptions options = subject.StartsWith("silent", StringComparison.Ordinal) ? Options with { PatienceSeconds = 15 } : Options;
        CaseRunner runner = new(options, subject, _folder, peak ?? Steady, _ => { });
        try
        {
            return await runner.RunAsync(one, WriteData(runner), contestants, CancellationToken.None);
        }
        finally
        {
            foreach (Contestant contestant in contestants) contestant.Dispose();
        }
    }

    private CaseRunner Runner() => new(Options, "crash/good", _folder, Steady, _ => { });

    private static CaseData WriteData(CaseRunner runner)
    {
        CaseData data = CaseData.Random(Case.Problem);
        Directory.CreateDirectory(runner.DataFolder);
        data.Write(runner.DataFolder);
        return data;
    }
}
