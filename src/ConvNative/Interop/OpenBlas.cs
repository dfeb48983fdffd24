using System.Globalization;
using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>OpenBLAS as it was found: what it is, and its sgemm.</summary>
internal sealed unsafe partial class OpenBlas
{
    private static readonly Lock Gate = new();
    private static OpenBlas? s_instance;
    private static bool s_looked;

    private readonly delegate* unmanaged<int> _getThreads;
    private readonly delegate* unmanaged<int, void> _setThreads;
    private readonly Lock _threadsGate = new();
    private readonly CallLimit? _calls;   // null: any number may call at once
    private int _users;
    private int _hostThreads;

    static OpenBlas() => NativeLibraries.Initialize();

    private OpenBlas(NativeLibraryProbe probe)
    {
        Path = probe.Path!;
        if (NativeLibraries.IsLinked)
        {
            // The package's own build, which has no threads; a program does not export what is linked into it.
            Config = TextOf(LinkedConfig());
            Core = TextOf(LinkedCore());
            return;
        }

        Config = ConfigOf(probe.Handle);
        Core = TextOf(probe.Handle, "openblas_get_corename");
        IsThreaded = NativeLibrary.TryGetExport(probe.Handle, "openblas_get_parallel", out nint parallel)
            && ((delegate* unmanaged<int>)parallel)() != 0;
        if (NativeLibrary.TryGetExport(probe.Handle, "openblas_get_num_threads", out nint get)
            && NativeLibrary.TryGetExport(probe.Handle, "openblas_set_num_threads", out nint set))
        {
            _getThreads = (delegate* unmanaged<int>)get;
            _setThreads = (delegate* unmanaged<int, void>)set;
        }

        if (MaxConcurrentCalls < int.MaxValue) _calls = new CallLimit(MaxConcurrentCalls);
    }

    /// <summary>The path or name under which it was loaded.</summary>
    public string Path { get; }

    /// <summary>Its own description of how it was built.</summary>
    public string Config { get; }

    /// <summary>The processor type that it chose its kernels for.</summary>
    public string Core { get; }

    /// <summary>It has threads of its own.</summary>
    public bool IsThreaded { get; }

    /// <summary>
    /// How many calls run at once, whoever makes them; more wait. One for the threaded builds 0.3.28 to 0.3.33, whose concurrent calls can give wrong
    /// numbers (OpenBLAS issue 5836); else what its table of buffers holds (MAX_THREADS).
    /// </summary>
    public int MaxConcurrentCalls => !IsThreaded ? int.MaxValue : IsKnownToRace ? 1 : MaxThreads;

    private bool IsKnownToRace =>
        System.Version.TryParse(Version, out Version? version) && version >= new Version(0, 3, 28) && version <= new Version(0, 3, 33);

    /// <summary>Its version, for instance 0.3.21.</summary>
    public string Version => Config.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).FirstOrDefault()?.Replace(".dev", string.Empty, StringComparison.Ordinal) ?? "unknown";

    private int MaxThreads
    {
        get
        {
            const string Key = "MAX_THREADS=";
            int at = Config.IndexOf(Key, StringComparison.Ordinal);
            return at >= 0 && int.TryParse(Config.AsSpan(at + Key.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
                ? threads
                : 1;
        }
    }

    /// <summary>The process's OpenBLAS, or null when there is none or CONVNATIVE_OPENBLAS is "none".</summary>
    public static OpenBlas? Find()
    {
        lock (Gate)
        {
            if (!s_looked)
            {
                NativeLibraryProbe probe = NativeLibraries.FindOpenBlas();
                s_instance = probe.Found ? new OpenBlas(probe) : null;
                s_looked = true;
            }

            return s_instance;
        }
    }

    /// <summary>Forgets the outcome, so that the next use looks again.</summary>
    internal static void Reset()
    {
        lock (Gate) (s_instance, s_looked) = (null, false);
    }

    /// <summary>
    /// From here to <see cref="EndSingleThreaded"/> each call runs on its caller's thread alone. A build with threads of its own
    /// has one process-wide count for that: it is set to 1 while any run lasts, and the host's value is put back after.
    /// </summary>
    public void BeginSingleThreaded()
    {
        if (!IsThreaded || _setThreads == null) return;
        lock (_threadsGate)
        {
            if (_users++ > 0) return;
            _hostThreads = _getThreads();
            if (_hostThreads != 1) _setThreads(1);
        }
    }

    /// <summary>Ends what <see cref="BeginSingleThreaded"/> began.</summary>
    public void EndSingleThreaded()
    {
        if (!IsThreaded || _setThreads == null) return;
        lock (_threadsGate)
        {
            if (--_users == 0 && _hostThreads != 1) _setThreads(_hostThreads);
        }
    }

    /// <summary>
    /// C = alpha·op(A)·op(B) + beta·C as in the BLAS standard; order 101 = row-major, 111 = as stored, 112 = transposed. Waits while
    /// <see cref="MaxConcurrentCalls"/> others run.
    /// </summary>
    public void Sgemm(
        int order, int transA, int transB, int M, int N, int K, float alpha, float* a, int lda, float* b, int ldb, float beta, float* c, int ldc)
    {
        _calls?.Enter();
        try
        {
            CblasSgemm(order, transA, transB, M, N, K, alpha, a, lda, b, ldb, beta, c, ldc);
        }
        finally
        {
            _calls?.Leave();
        }
    }

    [LibraryImport(NativeLibraries.OpenBlas, EntryPoint = "cblas_sgemm")]
    private static partial void CblasSgemm(
        int order, int transA, int transB, int M, int N, int K, float alpha, float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport(NativeLibraries.OpenBlas, EntryPoint = "openblas_get_config")]
    private static partial nint LinkedConfig();

    [LibraryImport(NativeLibraries.OpenBlas, EntryPoint = "openblas_get_corename")]
    private static partial nint LinkedCore();

    internal static string ConfigOf(nint handle) => TextOf(handle, "openblas_get_config");

    private static string TextOf(nint handle, string export) =>
        NativeLibrary.TryGetExport(handle, export, out nint function) ? TextOf(((delegate* unmanaged<nint>)function)()) : string.Empty;

    private static string TextOf(nint text) => Marshal.PtrToStringUTF8(text) ?? string.Empty;
}
