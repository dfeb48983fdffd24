namespace ConvNative.Compare.Cases;

/// <summary>What is computed: y, dx, or dw with db. The names are benchdnn's.</summary>
internal enum Direction
{
    FWD,
    BWD_D,
    BWD_W,
}

/// <summary>One layer of a network.</summary>
/// <param name="Network">Groups the tables of the report.</param>
/// <param name="Name">The layer's name within the network.</param>
/// <param name="Count">How often the network has a layer of this shape.</param>
/// <param name="Problem">Its sizes, the batch included.</param>
/// <param name="FixedBatch">The batch is what the layer is about: no option changes it.</param>
internal sealed record Layer(string Network, string Name, int Count, ConvProblem Problem, bool FixedBatch = false)
{
    /// <summary>The layer with another batch, unless its batch is fixed.</summary>
    public Layer WithBatch(int batch) => FixedBatch ? this : this with { Problem = Problem.WithBatch(batch) };
}

/// <summary>What every contestant is given at the same time.</summary>
internal sealed record CompareCase(Layer Layer, Direction Direction)
{
    public ConvProblem Problem => Layer.Problem;

    /// <summary>The problem in benchdnn's language without a name: with the direction it says all about the case.</summary>
    public string Descriptor => (Problem with { Name = null }).ToString();

    /// <summary>Bytes that must cross the memory bus at least: every input read once, every result written once.</summary>
    public long CompulsoryBytes
    {
        get
        {
            (long x, long w, long y, long b) = (Problem.Input.Length, Problem.Weights.Length, Problem.Output.Length, Problem.Output.C);
            return sizeof(float) * (Direction == Direction.BWD_D ? x + w + y : x + w + y + b);
        }
    }
}

internal static class ConvProblemExtensions
{
    public static ConvProblem WithBatch(this ConvProblem problem, int batch)
    {
        TensorShape w = problem.Weights;
        return new ConvProblem(problem.Input with { N = batch }, w.N, w.H, w.W)
        {
            StrideH = problem.StrideH,
            StrideW = problem.StrideW,
            DilationH = problem.DilationH,
            DilationW = problem.DilationW,
            Padding = problem.Padding,
            Groups = problem.Groups,
            Rounding = problem.Rounding,
            Name = problem.Name,
        };
    }
}
