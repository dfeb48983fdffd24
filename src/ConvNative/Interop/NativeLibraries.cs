using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>
/// The one place that decides which native files are loaded: the helper (required) and OpenBLAS (optional). Looked for on
/// first use: an explicit path, the packaged file (beside the assembly, in runtimes/&lt;rid&gt;/native, or where the host put the
/// program's native files), then an OpenBLAS that stands beside the program, then the system's.
/// </summary>
internal static unsafe class NativeLibraries
{
    public const string Helper = "convnative_native";
    public const string OpenBlas = "convnative_openblas";
    public const string OpenBlasVariable = "CONVNATIVE_OPENBLAS";
    public const uint AbiVersion = 1;

    private static readonly Lock Gate = new();
    private static NativeLibraryProbe? s_helper;
    private static NativeLibraryProbe? s_openBlas;

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Both were linked into the program by NativeAOT (ConvNative.targets): there is no file to look for.</summary>
    [FeatureSwitchDefinition("ConvNative.StaticLink")]
    internal static bool IsLinked => AppContext.TryGetSwitch("ConvNative.StaticLink", out bool linked) && linked;

    /// <summary>Makes sure that the resolver is in place; called before the first P/Invoke of a class.</summary>
    public static void Initialize()
    {
        // Running the static constructor is all that is needed.
    }

    /// <summary>The search for the helper, made once.</summary>
    public static NativeLibraryProbe FindHelper()
    {
        lock (Gate)
        {
            return s_helper ??= IsLinked
                ? NativeLibraryProbe.Linked("The native helper")
                : NativeLibraryProbe.Run("The native helper", Candidates(HelperFiles, []), RejectHelper);
        }
    }

    /// <summary>The search for OpenBLAS, made once. CONVNATIVE_OPENBLAS=none: nothing is looked for.</summary>
    /// <exception cref="NativeLibraryException">CONVNATIVE_OPENBLAS names a file that cannot be used.</exception>
    public static NativeLibraryProbe FindOpenBlas()
    {
        lock (Gate)
        {
            return s_openBlas ??= Environment.GetEnvironmentVariable(OpenBlasVariable) switch
            {
                null or "" when IsLinked => NativeLibraryProbe.Linked("OpenBLAS"),
                null or "" => NativeLibraryProbe.Run("OpenBLAS", OpenBlasCandidates, RejectOpenBlas),
                "none" => new NativeLibraryProbe("OpenBLAS", 0, []),
                string path => Explicit(Path.GetDirectoryName(path) is "" ? path : Path.GetFullPath(path)),   // the host may change its folder
            };
        }
    }

    /// <summary>Forgets the searches, so that the next use looks again. Functions already called stay bound.</summary>
    internal static void Reset()
    {
        lock (Gate) (s_helper, s_openBlas) = (null, null);
    }

    private static NativeLibraryProbe Explicit(string path)
    {
        if (IsLinked) throw new NativeLibraryException($"{OpenBlasVariable} is '{path}'; in a program that OpenBLAS is linked into it must be 'none' or unset.");
        NativeLibraryProbe probe = NativeLibraryProbe.Run("OpenBLAS", [path], RejectOpenBlas);
        return probe.Found
            ? probe
            : throw new NativeLibraryException(probe.Explain($"{OpenBlasVariable} must be the path of an OpenBLAS library, 'none', or unset."));
    }

    /// <summary>The library of a P/Invoke.</summary>
    internal static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Helper => Reference(FindHelper() is { Found: true } probe ? probe : throw new NativeLibraryException(
            FindHelper().Explain("It is built by CMake together with ConvNative and must stand beside the assembly or in runtimes/<rid>/native."))),
        OpenBlas => Reference(FindOpenBlas()),
        _ => 0,
    };

    /// <summary>
    /// A handle that counts by itself. Of two threads that resolve a library's first function at once NativeAOT frees the handle of the second: if it were
    /// the one that the search holds, the library would be unloaded while the first thread runs in it.
    /// </summary>
    private static nint Reference(NativeLibraryProbe probe) => IsLinked || !probe.Found ? probe.Handle : NativeLibrary.Load(probe.Path!);

    private static string[] HelperFiles => OperatingSystem.IsWindows() ? ["convnative_native.dll"] : ["libconvnative_native.so"];

    private static string[] OpenBlasFiles => OperatingSystem.IsWindows()
        ? ["convnative_openblas.dll", "libopenblas.dll", "openblas.dll"]
        : ["libconvnative_openblas.so", "libopenblas.so.0", "libopenblas.so"];

    private static string[] OpenBlasSystemNames => OperatingSystem.IsWindows()
        ? ["libopenblas.dll", "openblas.dll"]
        : ["libopenblas.so.0", "libopenblas.so", "libopenblasp.so.0"];

    internal static IEnumerable<string> OpenBlasCandidates => Candidates(OpenBlasFiles, OpenBlasSystemNames);

    // File by file, not folder by folder: our own OpenBLAS comes before one that a program ships for itself.
    private static IEnumerable<string> Candidates(string[] files, string[] systemNames)
    {
        string[] folders = [.. Folders().Distinct()];
        return (from file in files from folder in folders select Path.Combine(folder, file)).Distinct().Concat(systemNames);
    }

    private static IEnumerable<string> Folders()
    {
        string runtimes = Path.Combine("runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        string portable = Path.Combine("runtimes", PortableRid, "native");
        foreach (string root in new[] { AssemblyFolder(), AppContext.BaseDirectory }.Where(root => root.Length > 0))
        {
            yield return root;
            yield return Path.Combine(root, runtimes);
            yield return Path.Combine(root, portable);
        }

        // What the host knows besides, for instance the folder into which a single-file program unpacks its native files.
        string known = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? string.Empty;
        foreach (string folder in known.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)) yield return folder;
    }

    private static string PortableRid =>
        (OperatingSystem.IsWindows() ? "win-" : "linux-") + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Empty in a single-file program; AppContext.BaseDirectory is searched too.")]
    private static string AssemblyFolder() => Path.GetDirectoryName(typeof(NativeLibraries).Assembly.Location) ?? string.Empty;

    private static string? RejectHelper(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "cn_abi_version", out nint export)) return "it has no cn_abi_version: not this library's helper";
        uint version = ((delegate* unmanaged<uint>)export)();
        return version == AbiVersion ? null : $"its ABI version is {version}; it must be {AbiVersion}";
    }

    private static string? RejectOpenBlas(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "cblas_sgemm", out _)) return "it has no cblas_sgemm";
        string config = Interop.OpenBlas.ConfigOf(handle);
        return config.Contains("USE64BITINT", StringComparison.Ordinal) ? "it is built with 64-bit integers (USE64BITINT)" : null;
    }
}
