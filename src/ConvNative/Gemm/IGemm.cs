namespace ConvNative.Gemm;

/// <summary>Which operand stands transposed in memory.</summary>
internal enum GemmKind
{
    /// <summary>C = A·B: A is M×K, B is K×N.</summary>
    NN,

    /// <summary>C = A·Bᵀ: A is M×K, B is stored N×K.</summary>
    NT,

    /// <summary>C = Aᵀ·B: A is stored K×M, B is K×N.</summary>
    TN,
}

/// <summary>
/// Single-precision matrix product on row-major matrices, one thread per call: parallelism belongs to the caller, who hands
/// out tiles. Any number of threads may call at once, each with its own scratch; of more than <see cref="MaxConcurrentCalls"/> some wait.
/// </summary>
internal unsafe interface IGemm
{
    /// <summary>Short name with the version where there is one: for descriptions.</summary>
    string Name { get; }

    /// <summary>How many calls may run at once.</summary>
    int MaxConcurrentCalls { get; }

    /// <summary>Scratch that <see cref="Multiply"/> needs for this product and for smaller ones, in floats; 64-byte alignment is expected.</summary>
    long ScratchLength(GemmKind kind, int M, int N, int K);

    /// <summary>Called once before the calls of a run, on the run's thread.</summary>
    void BeginRun();

    /// <summary>Called once after the calls of a run, whatever happened.</summary>
    void EndRun();

    /// <summary>
    /// C = op(A)·op(B), which does not read C, or that added to C; K ≥ 1.
    /// lda, ldb, ldc: distance between rows as stored, in floats.
    /// </summary>
    void Multiply(GemmKind kind, int M, int N, int K, float* a, int lda, float* b, int ldb, bool add, float* c, int ldc, float* scratch);
}
