using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using ConvNative.Diagnostics;
using ConvNative.Interop;
using ConvNative.Memory;
using ConvNative.Planning;
using ConvNative.Simd;

namespace ConvNative;

/// <summary>What the library found on this machine, and what it holds. Thread-safe.</summary>
public static class ConvNativeInfo
{
    /// <summary>Bytes of unmanaged memory that tensors and workspaces hold now, in this process.</summary>
    public static long LiveBytes => AlignedBuffer.LiveBytes;

    /// <summary>Versions, instruction set, OpenBLAS build and path, threads; never throws for a missing library, but says so.</summary>
    public static string Describe()
    {
        var text = new StringBuilder();
        void Line(string name, string value) => text.AppendLine(CultureInfo.InvariantCulture, $"{name,-16}{value}");
        Line("ConvNative", typeof(ConvNativeInfo).Assembly.GetName().Version?.ToString(3) ?? "unknown");
        Line("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Line("instruction set", Instructions());
        NativeLibraryProbe helper = NativeLibraries.FindHelper();
        Line("native helper", helper.Found ? $"ABI {NativeLibraries.AbiVersion}, {helper.Path}" : helper.Explain("Nothing can run without it."));
        if (helper.Found) Line("threads", NativeHelper.CpuBudget().ToString(CultureInfo.InvariantCulture));
        Line("OpenBLAS", OpenBlasText());
        Line("live memory", $"{LiveBytes:N0} bytes");
        return text.ToString();
    }

    /// <summary>
    /// Gives back what the library keeps between calls: the plans of <see cref="ConvLayer"/>, the event source and the meter and, once no
    /// plan uses them, the worker threads. What is needed again is made again.
    /// </summary>
    public static void ReleaseResources()
    {
        PlanCache.Clear();
        WorkerPool.ReleaseShared();
        Telemetry.Release();
    }

    private static string Instructions()
    {
        string? cap = Environment.GetEnvironmentVariable(IsaSelection.Variable);
        try
        {
            if (!string.IsNullOrEmpty(cap)) return $"{IsaSelection.Current} (the machine has {IsaSelection.Supported}; {IsaSelection.Variable}={cap})";
            // Only NativeAOT decides before the machine is known.
            bool isFixed = IsaSelection.Current == Isa.Scalar && !RuntimeFeature.IsDynamicCodeSupported;
            return IsaSelection.Current + (isFixed ? " (compiled so: publish with IlcInstructionSet=x86-64-v3 for AVX2, x86-64-v4 for AVX-512)" : string.Empty);
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    private static string OpenBlasText()
    {
        try
        {
            if (OpenBlas.Find() is { } library)
                return $"{library.Config.Trim()}, core {library.Core}, {library.Path}" + (library.IsThreaded ? "; set to one thread while a run uses it" : string.Empty);
            return Environment.GetEnvironmentVariable(NativeLibraries.OpenBlasVariable) == "none"
                ? $"not looked for ({NativeLibraries.OpenBlasVariable}=none)"
                : NativeLibraries.FindOpenBlas().Explain("Matrix products use this library's own kernels.");
        }
        catch (NativeLibraryException e)
        {
            return e.Message;
        }
    }
}
