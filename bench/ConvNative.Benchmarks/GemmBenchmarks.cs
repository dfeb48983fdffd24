using BenchmarkDotNet.Attributes;
using ConvNative.Gemm;
using ConvNative.Simd;

namespace ConvNative.Benchmarks;

/// <summary>One thread of each engine on the matrix of a layer: M = OC, N = OH·OW, K = IC·KH·KW.</summary>
public unsafe class GemmBenchmarks
{
    private IGemm _gemm = null!;
    private Tensor _a = null!, _b = null!, _c = null!, _scratch = null!;

    [Params("64x3136x576", "256x3136x64", "128x784x1152", "256x196x2304", "512x49x4608", "2048x49x512")]
    public string Shape { get; set; } = "";

    [Params(GemmEngine.OpenBlas, GemmEngine.Managed)]
    public GemmEngine Engine { get; set; }

    private (int M, int N, int K) Size => Array.ConvertAll(Shape.Split('x'), int.Parse) is [var M, var N, var K] ? (M, N, K) : default;

    [GlobalSetup]
    public void Setup()
    {
        (int M, int N, int K) = Size;
        _gemm = GemmChooser.Choose(Engine, IsaSelection.Current);
        (_a, _b, _c) = (Operands.Random(new TensorShape(1, 1, M, K), 1), Operands.Random(new TensorShape(1, 1, K, N), 2), new Tensor(1, 1, M, N));
        long scratch = Math.Max(_gemm.ScratchLength(GemmKind.NN, M, N, K), Math.Max(_gemm.ScratchLength(GemmKind.NT, M, K, N), _gemm.ScratchLength(GemmKind.TN, K, N, M)));
        _scratch = new Tensor(1, 1, 1, (int)Math.Max(1, scratch));
        _gemm.BeginRun();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _gemm.EndRun();
        foreach (Tensor tensor in new[] { _a, _b, _c, _scratch }) tensor.Dispose();
    }

    /// <summary>Forward: c = a·b.</summary>
    [Benchmark]
    public void NN()
    {
        (int M, int N, int K) = Size;
        _gemm.Multiply(GemmKind.NN, M, N, K, _a.Pointer, K, _b.Pointer, N, add: false, _c.Pointer, N, _scratch.Pointer);
    }

    /// <summary>Weight gradient: a = c·bᵀ.</summary>
    [Benchmark]
    public void NT()
    {
        (int M, int N, int K) = Size;
        _gemm.Multiply(GemmKind.NT, M, K, N, _c.Pointer, N, _b.Pointer, N, add: false, _a.Pointer, K, _scratch.Pointer);
    }

    /// <summary>Data gradient: b = aᵀ·c.</summary>
    [Benchmark]
    public void TN()
    {
        (int M, int N, int K) = Size;
        _gemm.Multiply(GemmKind.TN, K, N, M, _a.Pointer, K, _c.Pointer, N, add: false, _b.Pointer, N, _scratch.Pointer);
    }
}
