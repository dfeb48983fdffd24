using System.Reflection;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Api;

/// <summary>The public names and signatures are those on record, so that no change of them goes unseen.</summary>
internal sealed class PublicApiTests
{
    [TestCase(typeof(Conv2d), "PublicApi.txt")]
    [TestCase(typeof(TensorSpanExtensions), "PublicApi.Tensors.txt")]
    public void The_public_surface_is_the_one_on_record(Type member, string file)
    {
        string[] lines = [.. PublicSurface.Of(member.Assembly)];
        string record = Path.Combine(Repository.Root, "tests", "ConvNative.Tests", file);
        string[] expected = File.Exists(record) ? File.ReadAllLines(record) : [];
        if (lines.SequenceEqual(expected)) return;
        string actual = Path.Combine(TestContext.CurrentContext.WorkDirectory, file);
        File.WriteAllText(actual, string.Concat(lines.Select(line => $"{line}\n")));
        Assert.Fail($"""
            The public surface of {member.Assembly.GetName().Name} is not the one on record.
            {Changes(expected, lines)}
            If that is meant, tell it in CHANGELOG.md (a line that goes or changes breaks programs: a new major version, from 1.0 on) and:
              cp '{actual}' '{record}'
            """);
    }

    [Test]
    public void A_member_that_goes_and_one_that_comes_are_shown_under_their_type()
    {
        string[] before = ["class A", "    int X()", "class B", "    int X()"], after = ["class A", "    int X()", "class B", "    long X()"];
        Assert.That(Changes(before, after), Is.EqualTo("  - class B:     int X()\n  + class B:     long X()"));
    }

    [Test]
    public void Signatures_are_written_as_in_the_source()
    {
        string[] lines = [.. PublicSurface.Of(typeof(Conv2d).Assembly)];
        Assert.That(lines, Does.Contain("    static Tensor Wrap(float* data, TensorShape shape)"));
        Assert.That(lines, Does.Contain("    static (Tensor DX, Tensor DW, Tensor DB) Backward(Tensor dy, ConvCache cache)"));
        Assert.That(lines, Does.Contain("    void Forward(Tensor x, Tensor w, Tensor? b, Tensor y)"));
        Assert.That(lines, Does.Contain("    ConvAlgorithm Algorithm { get; init; }"));
        Assert.That(lines, Does.Contain("    const long DefaultMaxWorkspaceBytes = 33554432"));
    }

    private static string Changes(string[] before, string[] after)
    {
        string[] old = [.. WithTypes(before)], now = [.. WithTypes(after)];
        return string.Join("\n", [.. old.Except(now).Select(line => $"  - {line}"), .. now.Except(old).Select(line => $"  + {line}")]);
    }

    private static IEnumerable<string> WithTypes(string[] lines)
    {
        string type = "";
        foreach (string line in lines)
        {
            bool isMember = line.StartsWith(' ');
            if (!isMember) type = line;
            yield return isMember ? $"{type}: {line}" : line;
        }
    }
}
