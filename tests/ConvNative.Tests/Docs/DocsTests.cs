using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Docs;

/// <summary>
/// Each block of C# in README.md and docs/ stands, between two marks, in a method of a file of this folder: so that the compiler sees it, and
/// runs it. A block may begin with using lines; they are the file's.
/// </summary>
internal sealed partial class DocsTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "ConvNative.Tests", "Docs");

    private static IEnumerable<string> Pages => ["README.md", .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(page => $"docs/{Path.GetFileName(page)}")];

    private static IEnumerable<TestCaseData> Examples =>
        from type in typeof(DocsTests).Assembly.GetTypes()
        where type.Namespace == typeof(DocsTests).Namespace && type.Name.EndsWith("Example", StringComparison.Ordinal)
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly)
        select new TestCaseData(method).SetArgDisplayNames($"{type.Name}.{method.Name}");

    [TestCaseSource(nameof(Pages))]
    public void Every_block_of_code_is_one_that_is_compiled(string page)
    {
        string[] sources = [.. Directory.GetFiles(Folder, "*Example.cs").Select(Read)];
        foreach (Match block in CodeBlock().Matches(Read(Path.Combine(Repository.Root, page))))
        {
            string code = block.Groups["code"].Value;
            string[] usings = block.Groups["usings"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            bool isCompiled = sources.Any(source => usings.All(source.Contains) && Example().Matches(source).Any(example => Dedented(example) == code));
            Assert.That(isCompiled, $"No file of tests/ConvNative.Tests/Docs has this block of {page} between // <example> and // </example>:\n{code}");
        }
    }

    [TestCaseSource(nameof(Pages))]
    public void Every_link_within_the_repository_leads_somewhere(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        foreach (Match link in Link().Matches(Read(Path.Combine(Repository.Root, page))))
        {
            string target = Path.Combine(folder, link.Groups[1].Value);
            Assert.That(File.Exists(target) || Directory.Exists(target), link.Value);
        }
    }

    [TestCaseSource(nameof(Examples))]
    public void Every_example_runs(MethodInfo example) => Printed(() => example.Invoke(null, null));

    // One weight of ½ on ones gives ½ everywhere; db is the sum over 8 images of 56 × 56 of them.
    [Test]
    public void The_readme_s_example_prints_what_it_should()
    {
        string printed = Printed(ReadmeExample.Run);
        string[] numbers = printed.Split('\n')[0].Split(' ');
        Assert.That(numbers[0], Is.EqualTo("0.5"));
        Assert.That(float.Parse(numbers[1], CultureInfo.InvariantCulture), Is.EqualTo(12544f).Within(1).Ulps, "db, whose last bit depends on how y is computed");
        Assert.That(printed, Does.Contain("BackwardWeights: "));
    }

    private static string Printed(Action example)
    {
        TextWriter console = Console.Out;
        using var output = new StringWriter();
        try
        {
            Console.SetOut(output);
            example();
        }
        finally
        {
            Console.SetOut(console);
        }

        return output.ToString();
    }

    private static string Read(string path) => File.ReadAllText(path).ReplaceLineEndings("\n");

    private static string Dedented(Match example)
    {
        string[] lines = example.Groups[1].Value.TrimEnd().Split('\n');
        int indent = lines[0].Length - lines[0].TrimStart().Length;
        return string.Concat(lines.Select(line => (line.Length > indent ? line[indent..] : string.Empty) + "\n"));
    }

    [GeneratedRegex("```csharp\n(?<usings>(?:using [^;(]*;\n)*)\n?(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("// <example>\n(.*?)// </example>", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)")]
    private static partial Regex Link();
}
