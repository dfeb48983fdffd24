using System.Text.RegularExpressions;
using ConvNative.Algorithms;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>
/// The dependency arrow, read from the source: public types → Planning → Diagnostics → Algorithms → Gemm → Kernels → Simd, Memory → Interop.
/// A folder is a namespace and may name only folders after it. Folders within it, one for each family of kernels or algorithms, are no namespaces.
/// </summary>
internal sealed partial class ArchitectureTests
{
    private const string Public = "";

    private static readonly Dictionary<string, string[]> May = new()
    {
        [Public] = ["Planning", "Diagnostics", "Algorithms", "Gemm", "Kernels", "Simd", "Memory", "Interop"],
        ["Planning"] = ["Diagnostics", "Algorithms", "Gemm", "Kernels", "Simd", "Memory", "Interop"],
        ["Diagnostics"] = ["Algorithms", "Memory"],
        ["Algorithms"] = ["Gemm", "Kernels", "Simd", "Memory", "Interop"],
        ["Gemm"] = ["Kernels", "Simd", "Memory", "Interop"],
        ["Kernels"] = ["Simd", "Memory", "Interop"],
        ["Simd"] = ["Interop"],
        ["Memory"] = ["Interop"],
        ["Interop"] = [],
    };

    private static readonly string Source = Path.Combine(Repository.Root, "src", "ConvNative");

    private static IEnumerable<string> Files =>
        from file in Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        let relative = Path.GetRelativePath(Source, file)
        where !relative.StartsWith("obj", StringComparison.Ordinal) && !relative.StartsWith("bin", StringComparison.Ordinal)
        select relative;

    [TestCaseSource(nameof(Files))]
    public void A_file_names_only_folders_behind_its_own(string file)
    {
        string folder = Folder(file);
        Assert.That(May, Does.ContainKey(folder), "a folder with a place in the arrow");
        string code = Code(file);
        string ns = folder.Length == 0 ? "ConvNative" : $"ConvNative.{folder}";
        Assert.That(code, Does.Contain($"namespace {ns};"), "the folder is the namespace");
        foreach (Match match in FolderNames().Matches(code))
        {
            string named = match.Groups[1].Value;
            if (named == folder || (match.Value.StartsWith("namespace", StringComparison.Ordinal))) continue;
            Assert.That(May[folder], Does.Contain(named), match.Value);
        }
    }

    [Test]
    public void The_arrow_has_no_circle()
    {
        foreach ((string folder, string[] others) in May)
            foreach (string other in others) Assert.That(May[other], Does.Not.Contain(folder));
    }

    [Test]
    public void Algorithms_do_not_know_each_other()
    {
        string[] names = [.. AlgorithmList.All.Select(algorithm => algorithm.GetType().Name)];
        foreach (string file in Files.Where(file => Folder(file) == "Algorithms" && Path.GetFileName(file) != "AlgorithmList.cs"))
        {
            string code = Code(file);
            foreach (string name in names.Where(name => !code.Contains($"class {name}", StringComparison.Ordinal)))
                Assert.That(Regex.IsMatch(code, $@"(?<!ConvAlgorithm\.)\b{name}\b"), Is.False, $"{file} names {name}");
        }
    }

    [Test]
    public void Nothing_below_Planning_sees_a_tensor()
    {
        foreach (string file in Files.Where(file => Folder(file) is "Algorithms" or "Gemm" or "Kernels" or "Simd" or "Interop"))
            Assert.That(Regex.IsMatch(Code(file), @"\b(Tensor|ConvProblem|Conv2d|ConvLayer|ConvCache|Conv2dOptions)\b"), Is.False, file);
    }

    [Test]
    public void Only_Interop_knows_native_names()
    {
        foreach (string file in Files.Where(file => Folder(file) != "Interop"))
            Assert.That(Regex.IsMatch(Code(file), @"\b(LibraryImport|DllImport|NativeLibrary\.)"), Is.False, file);
    }

    [Test]
    public void The_library_writes_nothing_to_the_console_but_the_lines_that_were_asked_for()
    {
        string log = Path.Combine("Diagnostics", "VerboseLog.cs");
        Assert.That(Files, Does.Contain(log));
        foreach (string file in Files.Where(file => file != log)) Assert.That(Regex.IsMatch(Code(file), @"\b(Console|Trace|Debug)\."), Is.False, file);
    }

    [Test]
    public void The_list_ends_with_the_reference_and_names_everyone_once()
    {
        Assert.That(AlgorithmList.All[^1].Id, Is.EqualTo(ConvAlgorithm.Reference));
        Assert.That(AlgorithmList.All.Select(algorithm => algorithm.Id), Is.Unique);
    }

    /// <summary>The folder that is a file's namespace; none for the public types.</summary>
    private static string Folder(string file) => file.Contains(Path.DirectorySeparatorChar) ? file.Split(Path.DirectorySeparatorChar)[0] : Public;

    /// <summary>A file without its comments and texts.</summary>
    private static string Code(string file) => Noise().Replace(File.ReadAllText(Path.Combine(Source, file)), string.Empty);

    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|\$?"(?:\\.|[^"\\\n])*";?""", RegexOptions.Singleline)]
    private static partial Regex Noise();

    // `using ConvNative.Kernels`, or half a name such as `Kernels.Im2Col`, which the shared root namespace allows.
    [GeneratedRegex(@"(?:namespace\s+)?(?<![\w.])(?:using\s+(?:static\s+)?)?(?:ConvNative\.)?\b(Planning|Diagnostics|Algorithms|Gemm|Kernels|Simd|Memory|Interop)(?:\.[A-Z]|;)")]
    private static partial Regex FolderNames();
}
