using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>
/// The one place that decides which native files are loaded: the helper (required) and OpenBLAS (optional). Looked for on
/// first use: an explicit path, beside the assembly, in runtimes/&lt;rid&gt;/native, then under the system's names.
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

    /// <summary>Makes sure that the resolver is in place; called before the first P/Invoke of a class.</summary>
    public static void Initialize()
    {
        // Running the static constructor is all that is needed.
    }

    /// <summary>The search for the helper, made once.</summary>
    public static NativeLibraryProbe FindHelper()
    {
        lock (Gate)
            return s_helper ??= NativeLibraryProbe.Run("The native helper", Candidates(HelperFiles, []), RejectHelper);
    }

    /// <summary>The search for OpenBLAS, made once. CONVNATIVE_OPENBLAS=none: nothing is looked for.</summary>
    /// <exception cref="NativeLibraryException">CONVNATIVE_OPENBLAS names a file that cannot be used.</exception>
    public static NativeLibraryProbe FindOpenBlas()
    {
        lock (Gate)
        {
            return s_openBlas ??= Environment.GetEnvironmentVariable(OpenBlasVariable) switch
            {
                null or "" => NativeLibraryProbe.Run("OpenBLAS", Candidates(OpenBlasFiles, OpenBlasSystemNames), RejectOpenBlas),
                "none" => new NativeLibraryProbe("OpenBLAS", 0, []),
                string path => Explicit(path),
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
        NativeLibraryProbe probe = NativeLibraryProbe.Run("OpenBLAS", [path], RejectOpenBlas);
        return probe.Found
            ? probe
            : throw new NativeLibraryException(probe.Explain($"{OpenBlasVariable} must be the path of an OpenBLAS library, 'none', or unset."));
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Helper => FindHelper() is { Found: true } probe ? probe.Handle : throw new NativeLibraryException(
            FindHelper().Explain("It is built by CMake together with ConvNative and must stand beside the assembly or in runtimes/<rid>/native.")),
        OpenBlas => FindOpenBlas().Handle,
        _ => 0,
    };

    private static string[] HelperFiles => OperatingSystem.IsWindows()
        ? ["convnative_native.dll"]
        : OperatingSystem.IsMacOS() ? ["libconvnative_native.dylib"] : ["libconvnative_native.so"];

    private static string[] OpenBlasFiles => OperatingSystem.IsWindows()
        ? ["convnative_openblas.dll", "libopenblas.dll", "openblas.dll"]
        : OperatingSystem.IsMacOS()
            ? ["libconvnative_openblas.dylib", "libopenblas.dylib"]
            : ["libconvnative_openblas.so", "libopenblas.so.0", "libopenblas.so"];

    private static string[] OpenBlasSystemNames => OperatingSystem.IsWindows()
        ? ["libopenblas.dll", "openblas.dll"]
        : OperatingSystem.IsMacOS()
            ? ["libopenblas.dylib"]
            : ["libopenblas.so.0", "libopenblas.so", "libopenblasp.so.0"];

    private static IEnumerable<string> Candidates(string[] files, string[] systemNames)
    {
        string runtimes = Path.Combine("runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        string portable = Path.Combine("runtimes", PortableRid, "native");
        IEnumerable<string> folders =
            from root in new[] { AssemblyFolder(), AppContext.BaseDirectory }.Where(root => root.Length > 0)
            from sub in new[] { string.Empty, runtimes, portable }
            select Path.Combine(root, sub);
        return (from folder in folders.Distinct() from file in files select Path.Combine(folder, file)).Distinct().Concat(systemNames);
    }

    private static string PortableRid =>
        (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-") +
        RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

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
