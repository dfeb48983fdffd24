using ConvNative.Gemm;
using ConvNative.Kernels;
using ConvNative.Simd;
using ConvNative.Tests.Kernels;

namespace ConvNative.Tests.Gemm;

internal sealed unsafe class ManagedGemmTests
{
    private static readonly int[] Depths = [1, 2, 3, 7, 8, 9, 255, 256, 257];

    [Test]
    public void EverySmallShape([Values] Isa isa, [Values] GemmKind kind)
    {
        GemmKernel kernel = GemmKernel.For(isa);
        var random = new Random(1);
        for (int M = 0; M <= (2 * kernel.MR) + 1; M++)
        for (int N = 0; N <= (2 * kernel.NR) + 1; N++)
        foreach (int K in Depths)
            Check(Gemm(isa), kind, M, N, K, random.Next(2) == 1, random);
    }

    [Test]
    public void SetAndAdded([Values] Isa isa, [Values] GemmKind kind, [Values] bool add)
    {
        var random = new Random(2);
        foreach (int K in Depths)
        for (int size = 1; size < 70; size += 17)
            Check(Gemm(isa), kind, size, 2 * size, K, add, random);
    }

    [Test]
    public void ManySmallBlocks([Values] Isa isa, [Values] GemmKind kind)
    {
        GemmKernel kernel = GemmKernel.For(isa);
        var random = new Random(3);
        for (int i = 0; i < 300; i++)
        {
            var blocks = new BlockSizes(kernel.MR * random.Next(1, 4), kernel.NR * random.Next(1, 3), random.Next(1, 40));
            Check(new ManagedGemm(isa, blocks), kind, random.Next(1, 120), random.Next(1, 200), random.Next(1, 150), i % 2 == 1, random);
        }
    }

    [TestCase(450, 300, 700)]
    [TestCase(1, 1000, 1000)]
    [TestCase(1000, 1, 1000)]
    [TestCase(64, 784, 1152)]
    [TestCase(512, 49, 2048)]
    public void LargerThanTheBlocks(int M, int N, int K)
    {
        var random = new Random(4);
        foreach (Isa isa in Enum.GetValues<Isa>())
        foreach (GemmKind kind in Enum.GetValues<GemmKind>())
            Check(Gemm(isa), kind, M, N, K, random.Next(2) == 1, random);
    }

    [Test]
    public void ManyThreadsShareOneEngine([Values] Isa isa)
    {
        ManagedGemm gemm = Gemm(isa);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Check(gemm, (GemmKind)(i % 3), 40 + i, 100 - i, 300 + i, i % 2 == 1, new Random(i)));
    }

    [Test]
    public void ScratchSufficesForSmallerProducts([Values] Isa isa, [Values] GemmKind kind)
    {
        // Equal parts of a smaller K may be longer: a last column tile needs no more than the others.
        ManagedGemm gemm = Gemm(isa);
        for (int size = 2; size < 3000; size++)
            Assert.That(gemm.ScratchLength(kind, 20, 30, size), Is.GreaterThanOrEqualTo(gemm.ScratchLength(kind, 20, 30, size - 1)));
        int K = BlockSizes.For(GemmKernel.For(isa), CacheSizes.Default).KC;
        using Matrix a = new(20, K, new Random(1)), c = new(20, 20, new Random(2));
        using var scratch = new FencedFloats(gemm.ScratchLength(GemmKind.NT, 20, 20, K + 1));
        gemm.Multiply(GemmKind.NT, 20, 20, K, a.Pointer, a.Ld, a.Pointer, a.Ld, add: false, c.Pointer, c.Ld, scratch.Pointer);
        Assert.That(scratch.FencesHold);
    }

    [Test]
    public void AllocatesNothing([Values] Isa isa, [Values] GemmKind kind)
    {
        const int Size = 100;
        ManagedGemm gemm = Gemm(isa);
        using FencedFloats a = new FencedFloats(Size * Size).FillUniform(new Random(5));
        using var c = new FencedFloats(Size * Size);
        using var scratch = new FencedFloats(gemm.ScratchLength(kind, Size, Size, Size));
        gemm.Multiply(kind, Size, Size, Size, a.Pointer, Size, a.Pointer, Size, add: false, c.Pointer, Size, scratch.Pointer);
        long before = GC.GetAllocatedBytesForCurrentThread();
        gemm.Multiply(kind, Size, Size, Size, a.Pointer, Size, a.Pointer, Size, add: false, c.Pointer, Size, scratch.Pointer);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static ManagedGemm Gemm(Isa isa) => new(isa, BlockSizes.For(GemmKernel.For(isa), CacheSizes.Default));

    /// <summary>Gaps between rows and the scratch are NaN at first: reading one shows, writing one too.</summary>
    private static void Check(ManagedGemm gemm, GemmKind kind, int M, int N, int K, bool add, Random random)
    {
        using Matrix a = kind == GemmKind.TN ? new(K, M, random) : new(M, K, random);
        using Matrix b = kind == GemmKind.NT ? new(N, K, random) : new(K, N, random);
        using Matrix c = new(M, N, random), before = new(c);
        if (!add) c.Poison();
        using var scratch = new FencedFloats(gemm.ScratchLength(kind, M, N, K));
        gemm.Multiply(kind, M, N, K, a.Pointer, a.Ld, b.Pointer, b.Ld, add, c.Pointer, c.Ld, scratch.Pointer);

        string name = $"{gemm.Name} {kind} {M}x{N}x{K} lda {a.Ld} ldb {b.Ld} ldc {c.Ld} {(add ? "added" : "set")}";
        if (!scratch.FencesHold || !c.GapsHold) Assert.Fail($"{name}: written outside");
        (nint aRow, nint aColumn) = kind == GemmKind.TN ? (1, a.Ld) : (a.Ld, 1);
        (nint bRow, nint bColumn) = kind == GemmKind.NT ? (1, b.Ld) : (b.Ld, 1);
        for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
        {
            double sum = add ? before.Pointer[(i * before.Ld) + j] : 0, size = Math.Abs(sum);
            for (int k = 0; k < K; k++)
            {
                double product = (double)a.Pointer[(i * aRow) + (k * aColumn)] * b.Pointer[(k * bRow) + (j * bColumn)];
                sum += product;
                size += Math.Abs(product);
            }

            double error = Math.Abs(c.Pointer[(i * c.Ld) + j] - sum);
            if (!(error <= GemmOracle.Bound(K, size))) Assert.Fail($"{name} [{i},{j}]: error {error}, bound {GemmOracle.Bound(K, size)}");
        }
    }

    /// <summary>Row-major, rows at an odd distance, gaps poisoned.</summary>
    private sealed class Matrix : IDisposable
    {
        private readonly FencedFloats floats;
        private readonly int rows, columns, poison;

        public Matrix(int rows, int columns, Random random)
            : this(rows, columns, (columns + random.Next(4)) | 1)
        {
            for (int i = 0; i < rows; i++)
                foreach (ref float value in Row(i)) value = (2 * random.NextSingle()) - 1;
        }

        public Matrix(Matrix other)
            : this(other.rows, other.columns, other.Ld)
        {
            for (int i = 0; i < rows; i++) other.Row(i).CopyTo(Row(i));
        }

        private Matrix(int rows, int columns, int ld)
        {
            (this.rows, this.columns, Ld) = (rows, columns, ld);
            floats = new FencedFloats(rows == 0 ? 0 : ((rows - 1) * ld) + columns);
            poison = *(int*)(floats.Pointer - 1);
        }

        public float* Pointer => floats.Pointer;

        public int Ld { get; }

        public bool GapsHold
        {
            get
            {
                bool hold = floats.FencesHold;
                for (int i = 0; i < rows - 1; i++) hold &= !floats.Bits.Slice((i * Ld) + columns, Ld - columns).ContainsAnyExcept(poison);
                return hold;
            }
        }

        public void Poison()
        {
            for (int i = 0; i < rows; i++) Row(i).Fill(BitConverter.Int32BitsToSingle(poison));
        }

        public void Dispose() => floats.Dispose();

        private Span<float> Row(int i) => floats.Span.Slice(i * Ld, columns);
    }
}
