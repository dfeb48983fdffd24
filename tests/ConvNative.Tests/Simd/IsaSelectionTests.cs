using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Simd;

internal sealed class IsaSelectionTests
{
    private static readonly ConvProblem Problem = ConvProblem.Parse("mb1ic3ih8oc4oh8kh3ph1");

    [TestCase("scalar", Isa.Scalar)]
    [TestCase("SCALAR", Isa.Scalar)]
    [TestCase("avx2", Isa.Avx2)]
    [TestCase("Avx512", Isa.Avx512)]
    public void A_cap_lowers_and_never_raises(string cap, Isa level) =>
        Assert.That(IsaSelection.Cap(cap), Is.EqualTo((Isa)Math.Min((int)level, (int)IsaSelection.Supported)));

    [Test]
    public void No_cap_leaves_what_the_machine_has([Values(null, "")] string? cap) =>
        Assert.That(IsaSelection.Cap(cap), Is.EqualTo(IsaSelection.Supported));

    [TestCase("sse")]
    [TestCase("avx")]
    [TestCase(" avx2")]
    [TestCase("1")]
    public void Another_word_is_refused(string cap) => Assert.That(
        () => IsaSelection.Cap(cap),
        Throws.ArgumentException.With.Message.Contains($"'{cap}'").And.Message.Contains("CONVNATIVE_MAX_ISA").And.Message.Contains("scalar, avx2 or avx512"));

    [Test]
    public void The_option_caps_a_plan([Values] InstructionSet cap)
    {
        Isa expected = cap switch
        {
            InstructionSet.Auto => IsaSelection.Current,
            InstructionSet.Scalar => Isa.Scalar,
            InstructionSet.Avx2 => (Isa)Math.Min((int)Isa.Avx2, (int)IsaSelection.Current),
            _ => IsaSelection.Current,
        };
        using var conv = new Conv2d(Problem, new Conv2dOptions { MaxInstructionSet = cap });
        Assert.That(conv.Describe(), Does.Contain($", {expected}, "));
    }

    [Test]
    public void The_environment_caps_a_process([Values("scalar", "avx2", "avx512")] string cap)
    {
        ChildProcess.Result child = ChildProcess.Run(["convolve"], (IsaSelection.Variable, cap));
        Assert.That(child.ExitCode, Is.Zero, child.Errors);
        var expected = (Isa)Math.Min((int)Enum.Parse<Isa>(cap, ignoreCase: true), (int)IsaSelection.Supported);
        Assert.That(child.Output, Does.Contain($", {expected}, ").And.Contain($"CONVNATIVE_MAX_ISA={cap}"));
    }

    [Test]
    public void A_wrong_word_in_the_environment_is_an_error()
    {
        ChildProcess.Result child = ChildProcess.Run(["convolve"], (IsaSelection.Variable, "mmx"));
        Assert.That(child.ExitCode, Is.Not.Zero);
        Assert.That(child.Errors, Does.Contain("'mmx'").And.Contain("scalar, avx2 or avx512"));
    }

    // The runtime itself reports what it is told to switch off, as on a machine that lacks it.
    [TestCase("DOTNET_EnableAVX2", Isa.Scalar)]
    [TestCase("DOTNET_EnableHWIntrinsic", Isa.Scalar)]
    [TestCase("DOTNET_EnableAVX512", Isa.Avx2)]
    public void A_machine_without_an_instruction_set_runs_without_it(string variable, Isa most)
    {
        ChildProcess.Result child = ChildProcess.Run(["convolve"], (variable, "0"));
        Assert.That(child.ExitCode, Is.Zero, child.Errors);
        Assert.That(child.Output, Does.Contain($", {(Isa)Math.Min((int)most, (int)IsaSelection.Current)}, "));
    }
}
