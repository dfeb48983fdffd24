using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>The native helper's functions (native/include/convnative.h says what each one does).</summary>
internal static unsafe partial class NativeHelper
{
    public const uint AllocZero = 1;
    public const uint AllocHuge = 2;
    public const uint RunFlushDenormals = 1;

    static NativeHelper() => NativeLibraries.Initialize();

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_aligned_alloc")]
    public static partial void* AlignedAlloc(ulong bytes, ulong alignment, uint flags);

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_aligned_free")]
    public static partial void AlignedFree(void* p, ulong bytes);

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_cpu_budget")]
    public static partial int CpuBudget();

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_fp_flush_denormals")]
    [SuppressGCTransition]
    public static partial uint FlushDenormals();

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_fp_restore")]
    [SuppressGCTransition]
    public static partial void RestoreFloatingPoint(uint state);

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_pool_create")]
    public static partial nint PoolCreate(int threads);

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_pool_destroy")]
    public static partial void PoolDestroy(nint pool);

    [LibraryImport(NativeLibraries.Helper, EntryPoint = "cn_pool_run")]
    public static partial int PoolRun(
        nint pool, int maxWorkers, long count, delegate* unmanaged<void*, long, int, int> task, void* context, uint flags);
}
