using System.Runtime.InteropServices;
using ConvNative.Gemm;
using ConvNative.Interop;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Interop;

/// <summary>A native library that is missing, broken or another one: every path that was tried is told with its reason.</summary>
internal sealed class NativeLibrariesTests
{
    private string _folder = string.Empty;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("convnative-native-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Every_path_is_told_with_its_reason()
    {
        string absent = Path.Combine(_folder, "absent.so"), text = Path.Combine(_folder, "text.so");
        File.WriteAllText(text, "not a library");
        string helper = NativeLibraries.FindHelper().Path!;
        NativeLibraryProbe probe = NativeLibraryProbe.Run("Thing", [absent, text, "convnative-no-such-name", helper], _ => "it is another thing");
        Assert.That(probe.Found, Is.False);
        Assert.That(probe.Path, Is.Null);
        Assert.That(probe.Probes.Select(p => p.Path), Is.EqualTo(new[] { absent, text, "convnative-no-such-name", helper }));
        Assert.That(probe.Probes[0].Failure, Is.EqualTo("no such file"));
        Assert.That(probe.Probes[1].Failure, Does.Match(OperatingSystem.IsWindows() ? "0x800700(C1|0B)" : "text.so") // bad image; wine: bad format
            .And.Not.Contain("\n"));
        Assert.That(probe.Probes[2].Failure, Is.Not.Empty);
        Assert.That(probe.Probes[3].Failure, Is.EqualTo("it is another thing"));
        string told = probe.Explain("Do this.");
        Assert.That(told, Does.StartWith("Thing could not be loaded. Do this. Tried:"));
        foreach (NativeProbe tried in probe.Probes) Assert.That(told, Does.Contain($"{tried.Path}: {tried.Failure}"));
    }

    [Test]
    public void The_first_that_is_accepted_is_taken()
    {
        string helper = NativeLibraries.FindHelper().Path!;
        NativeLibraryProbe probe = NativeLibraryProbe.Run("Thing", [Path.Combine(_folder, "absent.so"), helper, "never tried"], _ => null);
        Assert.That(probe.Found);
        Assert.That(probe.Path, Is.EqualTo(helper));
        Assert.That(probe.Probes, Has.Count.EqualTo(2));
        NativeLibrary.Free(probe.Handle);
    }

    [Test]
    public void A_file_of_another_architecture_is_told_by_the_system()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("The header is an ELF file's: Linux only.");
        // The helper's own bytes with another machine number in the ELF header: AArch64 on x64, x64 elsewhere.
        byte[] bytes = File.ReadAllBytes(NativeLibraries.FindHelper().Path!);
        (bytes[18], bytes[19]) = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? ((byte)0xB7, (byte)0) : ((byte)0x3E, (byte)0);
        string foreign = Path.Combine(_folder, "foreign.so");
        File.WriteAllBytes(foreign, bytes);
        NativeLibraryProbe probe = NativeLibraryProbe.Run("Thing", [foreign], _ => null);
        Assert.That(probe.Found, Is.False);
        Assert.That(probe.Probes[0].Failure, Does.Contain("foreign.so"));
    }

    [Test]
    public void The_helper_is_found_once_and_again_after_a_reset()
    {
        NativeLibraryProbe first = NativeLibraries.FindHelper();
        Assert.That(first.Found, first.Explain(string.Empty));
        Assert.That(NativeLibraries.FindHelper(), Is.SameAs(first));
        NativeLibraries.Reset();
        Assert.That(NativeLibraries.FindHelper().Path, Is.EqualTo(first.Path));
    }

    // NativeAOT frees it, where two threads call a library's first function at once: the library must stay loaded all the same.
    [Test]
    public void Each_that_asks_for_a_library_may_free_what_it_got()
    {
        List<string> names = [NativeLibraries.Helper];
        if (NativeLibraries.FindOpenBlas().Found) names.Add(NativeLibraries.OpenBlas);
        foreach (string name in names)
        {
            bool isHelper = name == NativeLibraries.Helper;
            NativeLibraryProbe probe = isHelper ? NativeLibraries.FindHelper() : NativeLibraries.FindOpenBlas();
            nint[] references = [.. Enumerable.Range(0, 8).Select(_ => NativeLibraries.Resolve(name, typeof(NativeLibraries).Assembly, null))];
            foreach (nint reference in references) NativeLibrary.Free(reference);
            Assert.That(NativeLibrary.TryGetExport(probe.Handle, isHelper ? "cn_abi_version" : "cblas_sgemm", out _), name);
        }

        using var tensor = new Tensor(1, 1, 1, 1);
        Assert.That(tensor.Span[0], Is.Zero);
    }

    // Packaged, then beside the program, then the system's: in every folder our own OpenBLAS comes before a program's other one.
    [Test]
    public void The_packaged_OpenBLAS_comes_before_any_other()
    {
        string[] candidates = [.. NativeLibraries.OpenBlasCandidates];
        bool[] packaged = [.. candidates.Select(path => Path.GetFileName(path).Contains("convnative_openblas", StringComparison.Ordinal))];
        bool[] rooted = [.. candidates.Select(Path.IsPathRooted)];
        Assert.That(packaged, Is.EqualTo(packaged.OrderDescending()).And.Contains(true));
        Assert.That(rooted, Is.EqualTo(rooted.OrderDescending()).And.Contains(false));
        Assert.That(candidates, Is.Unique.And.Contains(Path.Combine(AppContext.BaseDirectory, Path.GetFileName(candidates[0]))));
    }

    [Test]
    public void OpenBLAS_can_be_hidden()
    {
        ChildProcess.Result child = ChildProcess.Run(["convolve"], (NativeLibraries.OpenBlasVariable, "none"));
        Assert.That(child.ExitCode, Is.Zero, child.Errors);
        Assert.That(child.Output, Does.Contain("not looked for (CONVNATIVE_OPENBLAS=none)").And.Contain("managed").IgnoreCase);
        Assert.That(child.Output, Does.Not.Contain("OpenBLAS 0."));
    }

    [Test]
    public void A_path_that_is_no_OpenBLAS_is_an_error_with_the_reason()
    {
        string helper = NativeLibraries.FindHelper().Path!;
        ChildProcess.Result wrong = ChildProcess.Run(["convolve"], (NativeLibraries.OpenBlasVariable, helper));
        Assert.That(wrong.ExitCode, Is.Not.Zero);
        Assert.That(wrong.Errors, Does.Contain(nameof(NativeLibraryException)).And.Contain($"{helper}: it has no cblas_sgemm"));
        string absent = Path.Combine(_folder, "libopenblas.so");
        ChildProcess.Result missing = ChildProcess.Run(["convolve"], (NativeLibraries.OpenBlasVariable, absent));
        Assert.That(missing.Errors, Does.Contain(nameof(NativeLibraryException)).And.Contain($"{absent}: no such file"));
    }

    // A copy of the program whose helper is another library, and one that has none.
    [TestCase(false, "no such file")]
    [TestCase(true, "it has no cn_abi_version")]
    public void A_missing_or_foreign_helper_is_one_error_with_every_path(bool foreign, string reason)
    {
        string here = AppContext.BaseDirectory;
        foreach (string file in Directory.EnumerateFiles(here)) File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        if (foreign)
        {
            if (OpenBlas.Find() is not { } other || !Path.IsPathRooted(FullPathOf(other.Path))) Assert.Ignore("There is no other native library at hand.");
            File.Copy(FullPathOf(OpenBlas.Find()!.Path), Path.Combine(_folder, Path.GetFileName(NativeLibraries.FindHelper().Path!)));
        }

        ChildProcess.Result child = ChildProcess.RunFrom(_folder, ["convolve"]);
        Assert.That(child.ExitCode, Is.Not.Zero);
        Assert.That(child.Errors, Does.Contain(nameof(NativeLibraryException)).And.Contain(reason).And.Contain("must stand beside the assembly"));
        Assert.That(child.Errors, Does.Contain(Path.Combine(_folder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")));
    }

    [Test]
    public void An_engine_that_is_not_there_is_an_error_only_where_it_is_asked_for()
    {
        if (OpenBlas.Find() is not null)
        {
            Assert.That(GemmChooser.Choose(GemmEngine.OpenBlas, default).Name, Does.StartWith("OpenBLAS"));
            Assert.That(GemmChooser.Choose(GemmEngine.Auto, default).Name, Does.StartWith("OpenBLAS"));
        }
        else
        {
            Assert.That(() => GemmChooser.Choose(GemmEngine.OpenBlas, default), Throws.TypeOf<NativeLibraryException>().With.Message.Contains("Install it"));
            Assert.That(GemmChooser.Choose(GemmEngine.Auto, default).Name, Is.EqualTo(GemmChooser.Choose(GemmEngine.Managed, default).Name));
        }

        Assert.That(GemmChooser.Choose(GemmEngine.Managed, default).Name, Does.Not.Contain("OpenBLAS"));
    }

    [Test]
    public void The_description_names_what_was_found()
    {
        string told = ConvNativeInfo.Describe();
        foreach (string line in new[] { "ConvNative", "runtime", "instruction set", "native helper", "threads", "OpenBLAS", "live memory" })
            Assert.That(told, Does.Contain(line));
        Assert.That(told, Does.Contain(NativeLibraries.FindHelper().Path!).And.Contain("ABI 1"));
    }

    /// <summary>The file behind a library that was found under the system's name for it.</summary>
    private static string FullPathOf(string name)
    {
        using System.Diagnostics.Process self = System.Diagnostics.Process.GetCurrentProcess();
        return self.Modules.Cast<System.Diagnostics.ProcessModule>().Select(module => module.FileName)
            .FirstOrDefault(file => file.Contains(Path.GetFileNameWithoutExtension(name).Split('.')[0], StringComparison.OrdinalIgnoreCase)) ?? name;
    }
}
