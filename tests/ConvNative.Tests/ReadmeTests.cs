using System.Text.RegularExpressions;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

internal sealed partial class ReadmeTests
{
    [Test]
    public void The_example_of_the_readme_is_the_one_that_is_compiled()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n");
        string source = File.ReadAllText(Path.Combine(Repository.Root, "tests", "ConvNative.Tests", "ReadmeExample.cs")).ReplaceLineEndings("\n");
        IEnumerable<string> lines = Example().Match(source).Groups[1].Value.TrimEnd().Split('\n').Select(line => line.Length > 8 ? line[8..] : string.Empty);
        string expected = "using ConvNative;\n\n" + string.Join("\n", lines) + "\n";
        Assert.That(CodeBlock().Match(readme).Groups[1].Value, Is.EqualTo(expected));
    }

    [Test]
    public void The_example_runs()
    {
        TextWriter console = Console.Out;
        using var output = new StringWriter();
        try
        {
            Console.SetOut(output);
            ReadmeExample.Run();
        }
        finally
        {
            Console.SetOut(console);
        }

        // One weight of ½ on ones gives ½ everywhere; db is the sum over 8 images of 56 × 56 of them.
        Assert.That(output.ToString(), Does.StartWith("0.5 12544").And.Contain("BackwardWeights: "));
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("// <example>\n(.*?)// </example>", RegexOptions.Singleline)]
    private static partial Regex Example();
}
