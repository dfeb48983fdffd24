using ConvNative.Interop;

namespace ConvNative.Gemm;

/// <summary>OpenBLAS's cblas_sgemm, each call on its caller's thread alone.</summary>
internal sealed unsafe class OpenBlasGemm(OpenBlas library) : IGemm
{
    private const int RowMajor = 101;
    private const int AsStored = 111;
    private const int Transposed = 112;

    public string Name => $"OpenBLAS {library.Version}";

    public int MaxConcurrentCalls => library.MaxConcurrentCalls;

    public long ScratchLength(GemmKind kind, int M, int N, int K) => 0;

    public void BeginRun() => library.BeginSingleThreaded();

    public void EndRun() => library.EndSingleThreaded();

    public void Multiply(GemmKind kind, int M, int N, int K, float* a, int lda, float* b, int ldb, bool add, float* c, int ldc, float* scratch) =>
        library.Sgemm(
            RowMajor,
            kind == GemmKind.TN ? Transposed : AsStored,
            kind == GemmKind.NT ? Transposed : AsStored,
            M, N, K, 1, a, lda, b, ldb, add ? 1 : 0, c, ldc);
}
