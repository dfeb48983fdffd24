using BenchmarkDotNet.Attributes;

namespace ConvNative.Benchmarks;

/// <summary>im2col and col2im in both column orders; the result tensor is made anew each time, as the API does.</summary>
public class ColumnBenchmarks
{
    private ConvProblem _problem = null!;
    private Tensor _x = null!, _columns = null!;

    [ParamsSource(nameof(Descriptors))]
    public string Layer { get; set; } = "";

    [Params(ColumnOrder.BatchInnermost, ColumnOrder.ImageMajor)]
    public ColumnOrder Order { get; set; }

    public static IEnumerable<string> Descriptors =>
    [
        "mb4ic64ih56oc64oh56kh3ph1",
        "mb4ic3ih224oc64oh112kh7sh2ph3",
        "mb4ic128ih28oc128oh14kh3sh2ph1",
    ];

    [GlobalSetup]
    public void Setup()
    {
        _problem = ConvProblem.Parse(Layer);
        _x = Operands.Random(_problem.Input, 1);
        _columns = Columns.Im2Col(_x, _problem, Order);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _x.Dispose();
        _columns.Dispose();
    }

    [Benchmark]
    public void Im2Col() => Columns.Im2Col(_x, _problem, Order).Dispose();

    [Benchmark]
    public void Col2Im() => Columns.Col2Im(_columns, _problem, Order).Dispose();
}
