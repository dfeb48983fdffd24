using System.Text.RegularExpressions;
using ConvNative.Algorithms;
using ConvNative.Planning;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>What is measured, what a plan makes of it, and the file.</summary>
internal sealed class ConvTuningTests
{
    private static readonly ConvProblem Problem = ConvProblem.Parse("mb1ic16ih12oc16oh12kh3ph1");
    private string _folder = string.Empty;

    private static IEnumerable<TestCaseData> Broken
    {
        get
        {
            yield return Case("", "empty");
            yield return Case("not JSON", "invalid");
            yield return Case("null", "it is null");
            yield return Case("[]", "could not be converted");
            yield return Case("{}", "format");
            yield return Case("{\"weights\": [1, 2]}", "weights");
            yield return Case("{\"format\": \"ConvNative tuning 2\", \"entries\": []}", "its format is 'ConvNative tuning 2'; it must be 'ConvNative tuning 1'");
            yield return Case("{\"format\": \"ConvNative tuning 1\", \"entries\": null}", "entries");
            yield return Case(Valid[..(Valid.Length / 2)], "half a file");
            yield return Case(Valid.Replace("\"Forward\"", "\"Sideways\"", StringComparison.Ordinal), "direction");
            yield return Case(Valid.Replace("\"Forward\"", "7", StringComparison.Ordinal), "entry 0: its direction is 7, which is none");
            yield return Case(Valid.Replace("\"Direct\"", "\"Magic\"", StringComparison.Ordinal), "algorithm");
            yield return Case(Valid.Replace("\"Direct\"", "\"Auto\"", StringComparison.Ordinal), "entry 0: its algorithm is Auto, which is none");
            yield return Case(Valid.Replace("0.25", "-1", StringComparison.Ordinal), "entry 0: its time of Direct is -1; it must be above 0");
            yield return Case(Valid.Replace("0.25", "1e999", StringComparison.Ordinal), "entry 0: its time of Direct is");
            yield return Case(Valid.Replace("0.25", "3", StringComparison.Ordinal), "entry 0: its times are not in order");
            yield return Case(Regex.Replace(Valid, "\"times\": .*\\]", "\"times\": [] } ]", RegexOptions.Singleline), "entry 0: it has no times");
            yield return Case("{\"format\": \"ConvNative tuning 1\", \"entries\": [null]}", "entry 0: it is null");
            yield return Case(Regex.Replace(Valid, "\"times\": .*\\]", "\"times\": [null] } ]", RegexOptions.Singleline), "entry 0: one of its times is null");
            yield return Case(Valid.Replace("\"machine\": \"m\",", "", StringComparison.Ordinal), "machine");
            yield return Case(Valid.Replace("] } ]", "] }," + Valid[(Valid.IndexOf('[', StringComparison.Ordinal) + 1)..Valid.LastIndexOf(']')] + "]", StringComparison.Ordinal), "entry 1 stands twice");

            static TestCaseData Case(string content, string told) => new TestCaseData(content, told).SetArgDisplayNames(told);
        }
    }

    private static string Valid => """
        { "format": "ConvNative tuning 1", "entries": [
          { "key": { "machine": "m", "settings": "s", "problem": "p", "direction": "Forward" },
            "times": [ { "algorithm": "Direct", "milliseconds": 0.25 }, { "algorithm": "ImplicitGemm", "milliseconds": 2 } ] } ] }
        """;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("convnative-tuning-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Tuning_times_every_algorithm_that_can_and_a_plan_takes_the_fastest()
    {
        var options = new Conv2dOptions { Threads = 1, Tuning = new ConvTuning() };
        Tuner.Tune(Problem with { Name = "another name" }, options, options.Tuning, TimeSpan.Zero, CancellationToken.None);
        Assert.That(options.Tuning.Count, Is.EqualTo(3));
        using var plan = new ConvPlan(Problem, options);
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            TunedTime[] times = options.Tuning.Find(plan.TuningKey(direction))!;
            Assert.That(times.Select(time => time.Milliseconds), Is.Ordered.And.All.Positive);
            Assert.That(times.Select(time => time.Algorithm), Is.EquivalentTo(Able(direction)));
            Assert.That(plan.AlgorithmOf(direction), Is.EqualTo(times[0].Algorithm));
            Assert.That(plan.Describe(), Does.Contain($"{direction}: {times[0].Algorithm} (tuned: ").And.Contain($" ms of {times[1].Algorithm})"));
        }

        static IEnumerable<ConvAlgorithm> Able(Direction direction)
        {
            foreach (ConvAlgorithm id in AlgorithmList.All.Select(algorithm => algorithm.Id).Where(id => id != ConvAlgorithm.Reference))
            {
                using Conv2d? conv = TestRun.Plan(Problem, new Conv2dOptions { Algorithm = id, Threads = 1 });
                if (conv is not null && !conv.Describe().Contains($"{direction}: none", StringComparison.Ordinal)) yield return id;
            }
        }
    }

    [Test]
    public void The_public_call_remembers_in_the_tuning_of_the_options_or_makes_one()
    {
        ConvProblem small = ConvProblem.Parse("mb1ic1ih3oc1oh3kh3ph1");
        ConvTuning made = Conv2d.Tune(small, new Conv2dOptions { Threads = 1 });
        Assert.That(made.Count, Is.EqualTo(3));
        using var conv = new Conv2d(small, new Conv2dOptions { Threads = 1, Tuning = made });
        Assert.That(Regex.Count(conv.Describe(), @"\(tuned: "), Is.EqualTo(3));
        var mine = new ConvTuning();
        Assert.That(() => Conv2d.Tune(small, new Conv2dOptions { Tuning = mine }, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(mine.Count, Is.Zero, "no direction was done");
        Assert.That(() => Conv2d.Tune(null!), Throws.ArgumentNullException);
        Assert.That(
            () => Conv2d.Tune(small, new Conv2dOptions { Algorithm = ConvAlgorithm.Direct }),
            Throws.ArgumentException.With.Message.Contains("Algorithm is Direct; it must be Auto"));
    }

    [Test]
    public void A_plan_says_what_was_measured_and_gives_right_results()
    {
        var options = new Conv2dOptions { Threads = 1, Tuning = Remembering(new Conv2dOptions { Threads = 1 }, (ConvAlgorithm.Reference, 1.25), (ConvAlgorithm.Winograd, 20)) };
        using var conv = new Conv2d(Problem, options);
        Assert.That(conv.Describe(), Does.Contain("Forward: Reference (tuned: 1.25 ms against 20 ms of Winograd)"));
        using Tensor x = Tensors.Random(Problem.Input, 1), w = Tensors.Random(Problem.Weights, 2), y = new(Problem.Output);
        conv.Forward(x, w, null, y);
        ErrorBound.AssertWithin(Oracle.Forward(Problem, x, w, null), y.Span, "y");
        using var alone = new Conv2d(Problem, options with { Tuning = Remembering(options, (ConvAlgorithm.Direct, 0.0012345)) });
        Assert.That(alone.Describe(), Does.Contain("Forward: Direct (tuned: 0.00123 ms)"));
    }

    [Test]
    public void Times_are_used_only_for_what_they_were_taken_of()
    {
        var options = new Conv2dOptions { Threads = 2, MaxInstructionSet = InstructionSet.Scalar };
        ConvTuning tuning = Remembering(options, (ConvAlgorithm.Reference, 1));
        Assert.That(Describe(Problem, options), Does.Contain("tuned"));
        Assert.That(Describe(Problem with { Name = "n" }, options), Does.Contain("tuned"), "a name changes nothing");
        Assert.That(Describe(ConvProblem.Parse("mb2ic16ih12oc16oh12kh3ph1"), options), Does.Not.Contain("tuned"));
        Assert.That(Describe(Problem, options with { Threads = 1 }), Does.Not.Contain("tuned"));
        Assert.That(Describe(Problem, options with { MaxWorkspaceBytes = 1 << 20 }), Does.Not.Contain("tuned"));
        Assert.That(Describe(Problem, options with { AllowWinograd = false }), Does.Not.Contain("tuned"));
        Assert.That(Describe(Problem, options with { ForcedIsa = Isa.Avx2 }), Does.Not.Contain("tuned"));
        Assert.That(Describe(Problem, options with { Algorithm = ConvAlgorithm.Im2ColGemm }), Does.Not.Contain("tuned").And.Contain("asked for"));

        string Describe(ConvProblem problem, Conv2dOptions how)
        {
            using var conv = new Conv2d(problem, how with { Tuning = tuning });
            return conv.Describe();
        }
    }

    [Test]
    public void A_measured_algorithm_that_refuses_is_passed_over()
    {
        var options = new Conv2dOptions { Threads = 1 };
        using var conv = new Conv2d(Problem, options with { Tuning = Remembering(options, (ConvAlgorithm.Depthwise, 1)) });
        using var untuned = new Conv2d(Problem, options);
        Assert.That(conv.Describe(), Is.EqualTo(untuned.Describe()));
    }

    [Test]
    public void A_file_keeps_what_was_measured_here_and_elsewhere()
    {
        var options = new Conv2dOptions { Threads = 1 };
        ConvTuning tuning = Remembering(options, (ConvAlgorithm.Direct, 0.1), (ConvAlgorithm.ImplicitGemm, 1.0 / 3));
        TuningKey foreign = KeyOf(options) with { Machine = "another" };
        tuning.Remember(foreign, [new TunedTime(ConvAlgorithm.Reference, 1)]);
        string path = Path.Combine(_folder, "tuning-ü.json");
        File.WriteAllText(path, "replaced");
        tuning.Save(path);
        ConvTuning loaded = ConvTuning.Load(path);
        Assert.That(loaded.Count, Is.EqualTo(2));
        Assert.That(loaded.Find(KeyOf(options)), Is.EqualTo(tuning.Find(KeyOf(options))), "to the last bit");
        Assert.That(loaded.Find(foreign), Is.EqualTo(tuning.Find(foreign)));
        using var conv = new Conv2d(Problem, options with { Tuning = loaded });
        Assert.That(conv.Describe(), Does.Contain("Forward: Direct (tuned: 0.1 ms against 0.333 ms of ImplicitGemm)"));
        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1), "nothing is left beside");
    }

    [TestCaseSource(nameof(Broken))]
    public void A_broken_file_is_named_with_what_is_wrong(string content, string told)
    {
        string path = Path.Combine(_folder, "broken.json");
        File.WriteAllText(path, content);
        string message = Assert.Throws<InvalidDataException>(() => ConvTuning.Load(path))!.Message;
        Assert.That(message, Does.StartWith($"{path} is not a file of ConvTuning.Save: "));
        if (content.Length is not 0 && told is not ("invalid" or "half a file")) Assert.That(message, Does.Contain(told));
    }

    [Test]
    public void The_file_that_the_broken_ones_are_made_of_is_whole()
    {
        string path = Path.Combine(_folder, "whole.json");
        File.WriteAllText(path, Valid);
        Assert.That(ConvTuning.Load(path).Find(new TuningKey("m", "s", "p", Direction.Forward)), Has.Length.EqualTo(2));
    }

    [Test]
    public void A_path_that_is_not_there_is_told_and_nothing_is_left()
    {
        Assert.That(() => ConvTuning.Load(Path.Combine(_folder, "none.json")), Throws.TypeOf<FileNotFoundException>().With.Message.Contains("none.json"));
        Assert.That(() => new ConvTuning().Save(Path.Combine(_folder, "none", "x.json")), Throws.TypeOf<DirectoryNotFoundException>());
        Assert.That(() => ConvTuning.Load(""), Throws.ArgumentException);
        Assert.That(() => new ConvTuning().Save(null!), Throws.ArgumentNullException);
        Assert.That(Directory.GetFileSystemEntries(_folder), Is.Empty);
    }

    [Test]
    public void The_processor_is_named_by_its_brand_string()
    {
        byte[] brand = System.Text.Encoding.ASCII.GetBytes("  A Processor @ 1 GHz  ".PadRight(48, '\0'));
        (int, int, int, int) Cpuid(int leaf, int _) => leaf == unchecked((int)0x80000000)
            ? (unchecked((int)0x80000008), 0, 0, 0)
            : (Word(leaf, 0), Word(leaf, 4), Word(leaf, 8), Word(leaf, 12));
        int Word(int leaf, int at) => BitConverter.ToInt32(brand, ((leaf - unchecked((int)0x80000002)) * 16) + at);
        Assert.That(ProcessorName.FromCpuid(Cpuid), Is.EqualTo("A Processor @ 1 GHz"));
        Assert.That(ProcessorName.FromCpuid((_, _) => (unchecked((int)0x80000001), 0, 0, 0)), Is.Null);
        Assert.That(ProcessorName.Machine, Is.Not.Empty);
    }

    private static TuningKey KeyOf(Conv2dOptions options)
    {
        using var plan = new ConvPlan(Problem, options);
        return plan.TuningKey(Direction.Forward);
    }

    /// <summary>Made-up times of the forward direction under some options.</summary>
    private static ConvTuning Remembering(Conv2dOptions options, params (ConvAlgorithm Algorithm, double Milliseconds)[] times)
    {
        var tuning = new ConvTuning();
        tuning.Remember(KeyOf(options), [.. times.Select(time => new TunedTime(time.Algorithm, time.Milliseconds))]);
        return tuning;
    }
}
