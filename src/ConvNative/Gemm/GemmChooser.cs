using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Gemm;

/// <summary>Which engine computes matrix products.</summary>
internal static class GemmChooser
{
    /// <summary>
    /// The engine asked for; for Auto OpenBLAS where it is found, else this library's own. A transposed B is this library's own work from
    /// AVX2 on, where it measured faster over the layers of ResNet-50.
    /// </summary>
    /// <exception cref="NativeLibraryException">OpenBLAS is asked for, and not found.</exception>
    public static IGemm Choose(GemmEngine wanted, Isa isa, GemmKind kind = GemmKind.NN)
    {
        bool ownIsFaster = wanted == GemmEngine.Auto && kind == GemmKind.NT && isa >= Isa.Avx2;
        if (wanted != GemmEngine.Managed && !ownIsFaster && OpenBlas.Find() is { } library) return new OpenBlasGemm(library);
        if (wanted == GemmEngine.OpenBlas)
        {
            throw new NativeLibraryException(NativeLibraries.FindOpenBlas().Explain(
                $"Install it (Debian and Ubuntu: libopenblas0-pthread), or name its path in {NativeLibraries.OpenBlasVariable}."));
        }

        return new ManagedGemm(isa, BlockSizes.For(GemmKernel.For(isa), CacheSizes.Machine));
    }
}
