using BenchmarkDotNet.Attributes;

namespace ConvNative.Benchmarks;

/// <summary>Each direction of each layer, by each algorithm, on one thread.</summary>
public class ConvBenchmarks
{
    private Conv2d _conv = null!;
    private Tensor _x = null!, _w = null!, _b = null!, _y = null!, _dx = null!, _dw = null!, _db = null!;

    [ParamsSource(nameof(Descriptors))]
    public string Layer { get; set; } = "";

    [Params(ConvAlgorithm.Auto, ConvAlgorithm.Im2ColGemm)]
    public ConvAlgorithm Algorithm { get; set; }

    public static IEnumerable<string> Descriptors => Layers.All;

    [GlobalSetup]
    public void Setup()
    {
        ConvProblem problem = ConvProblem.Parse(Layer);
        _conv = new Conv2d(problem, new Conv2dOptions { Algorithm = Algorithm, Threads = 1 });
        (_x, _w, _y) = (Operands.Random(problem.Input, 1), Operands.Random(problem.Weights, 2), Operands.Random(problem.Output, 3));
        _b = Operands.Random(new TensorShape(1, problem.Output.C, 1, 1), 4);
        (_dx, _dw, _db) = (new Tensor(problem.Input), new Tensor(problem.Weights), new Tensor(1, problem.Output.C, 1, 1));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _conv.Dispose();
        foreach (Tensor tensor in new[] { _x, _w, _b, _y, _dx, _dw, _db }) tensor.Dispose();
    }

    [Benchmark]
    public void Forward() => _conv.Forward(_x, _w, _b, _y);

    [Benchmark]
    public void BackwardData() => _conv.BackwardData(_y, _w, _dx);

    [Benchmark]
    public void BackwardWeights() => _conv.BackwardWeights(_x, _y, _dw, _db);
}
