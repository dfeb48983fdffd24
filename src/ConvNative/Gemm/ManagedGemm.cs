using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Gemm;

/// <summary>
/// The product by packed panels and a register-blocked kernel, all in C#. Immutable: any number of threads may share one.
/// <code>
/// for each KC of K                                C is read again from the second one on
///   for each NC of N      pack B[KC, NC]
///     for each MC of M    pack A[MC, KC]          with the first NC only; all of A[M, KC] stays packed
///       GemmBlock         C[MC, NC] += A·B
/// </code>
/// The order of summation is that of K cut into KC, in a narrow last tile of columns in two sums: it depends on K, N and the block sizes alone.
/// </summary>
internal sealed unsafe class ManagedGemm(Isa isa, BlockSizes blocks) : IGemm
{
    private readonly GemmKernel kernel = GemmKernel.For(isa);
    private readonly PanelPacker packer = PanelPacker.For(isa);

    public string Name => $"managed {isa} {kernel.Name}";

    public int MaxConcurrentCalls => int.MaxValue;

    // For smaller products as well, whose equal parts of K may be longer.
    public long ScratchLength(GemmKind kind, int M, int N, int K) =>
        Math.Min(blocks.KC, K) * ((long)Cut(M, N, K).NC + BlockSizes.RoundUp(M, kernel.MR));

    public void BeginRun()
    {
    }

    public void EndRun()
    {
    }

    public void Multiply(GemmKind kind, int M, int N, int K, float* a, int lda, float* b, int ldb, bool add, float* c, int ldc, float* scratch)
    {
        if (M == 0 || N == 0) return;
        BlockSizes parts = Cut(M, N, K);
        TileStore overwrite = default, accumulate = new() { Addend = c, AddendStride = ldc };
        for (int k = 0; k < K; k += parts.KC)
        {
            BlockSizes depth = parts with { KC = Math.Min(parts.KC, K - k) };
            float* aPart = a + (kind == GemmKind.TN ? (nint)k * lda : k);
            float* bPart = b + (kind == GemmKind.NT ? k : (nint)k * ldb);
            MultiplyDepth(kind, M, N, depth, aPart, lda, bPart, ldb, k == 0 && !add ? overwrite : accumulate, c, ldc, scratch);
        }
    }

    /// <summary>The two inner cuts, for one part of K.</summary>
    private void MultiplyDepth(
        GemmKind kind, int M, int N, BlockSizes parts, float* a, nint lda, float* b, nint ldb, TileStore store, float* c, nint ldc, float* scratch)
    {
        float* bPanels = scratch;
        float* aPanels = scratch + (nint)parts.KC * parts.NC;
        for (int j = 0; j < N; j += parts.NC)
        {
            int columns = Math.Min(parts.NC, N - j);
            bool inPlace = kind != GemmKind.NT && M <= kernel.MR && columns == kernel.NR;
            if (kind == GemmKind.NT) packer.FromColumns(b + j * ldb, ldb, parts.KC, columns, kernel.NR, bPanels);
            else if (!inPlace) packer.FromRows(b + j, ldb, parts.KC, columns, kernel.NR, bPanels);

            for (int i = 0; i < M; i += parts.MC)
            {
                int rows = Math.Min(parts.MC, M - i);
                float* aBlock = N <= parts.NC ? aPanels : aPanels + (nint)i * parts.KC;
                if (j == 0 && kind == GemmKind.TN) packer.FromRows(a + i, lda, parts.KC, rows, kernel.MR, aBlock);
                else if (j == 0) packer.FromColumns(a + i * lda, lda, parts.KC, rows, kernel.MR, aBlock);

                TileStore at = store;
                if (at.Addend != null) at.Addend += i * ldc + j;
                OperandB operand = inPlace ? new(b + j, ldb, 0, null, null) : OperandB.Packed(bPanels, kernel.NR, parts.KC);
                GemmBlock.Multiply(kernel, rows, columns, parts.KC, OperandA.PackedColumns(aBlock, kernel.MR, parts.KC), operand, c + i * ldc + j, ldc, at);
            }
        }
    }

    /// <summary>Equal parts of M and K.</summary>
    private BlockSizes Cut(int M, int N, int K) => new(
        BlockSizes.Balance(M, blocks.MC, kernel.MR),
        M <= kernel.MR ? kernel.NR : Math.Min(blocks.NC, BlockSizes.RoundUp(N, kernel.NR)),
        BlockSizes.Balance(K, blocks.KC, 8));
}
