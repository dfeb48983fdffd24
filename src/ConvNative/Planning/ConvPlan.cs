using System.Globalization;
using System.Text;
using ConvNative.Algorithms;
using ConvNative.Gemm;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Planning;

/// <summary>A problem with an algorithm per direction, the threads to run it and the memory to run it in.</summary>
internal sealed class ConvPlan : IDisposable
{
    private readonly Choice[] _choices;
    private readonly PlanContext _context;
    private readonly Workspace _workspace = new();
    private readonly WorkerPool _pool;
    private int _disposed;

    public ConvPlan(ConvProblem problem, Conv2dOptions options)
    {
        ConvSizes sizes = ProblemSizes.Of(problem);
        Isa isa = options.ForcedIsa ?? IsaOf(options.MaxInstructionSet);
        int threads = options.Threads > 0 ? options.Threads : NativeHelper.CpuBudget();
        _context = new PlanContext(sizes, isa, threads, options.MaxWorkspaceBytes, GemmChooser.Choose(options.Gemm, isa));
        _choices = Array.ConvertAll(Enum.GetValues<Direction>(), direction => AlgorithmChooser.Choose(_context, direction, options.Algorithm));
        if (Array.TrueForAll(_choices, choice => choice.Pass is null))
            throw new NotSupportedException($"{options.Algorithm} cannot do {problem}: {_choices[0].Why}.");
        WorkspaceBytes = _choices.Max(choice => choice.Pass?.WorkspaceBytes ?? 0);
        _pool = WorkerPool.Rent(threads);
    }

    ~ConvPlan() => Dispose();

    /// <summary>The largest scratch memory of one run, over the directions.</summary>
    public long WorkspaceBytes { get; }

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Runs a direction on checked buffers.</summary>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public unsafe void Run(Direction direction, in ConvBuffers buffers)
    {
        Choice choice = _choices[(int)direction];
        if (choice.Pass is not { } pass) throw new NotSupportedException($"{direction}: {choice.Why}.");
        Memory.AlignedBuffer? block = _workspace.Borrow(pass.WorkspaceBytes);
        bool held = false;
        try
        {
            _pool.DangerousAddRef(ref held);
            pass.Run(buffers, block is null ? null : (float*)block.Pointer, _pool);
        }
        finally
        {
            if (held) _pool.Return();
            _workspace.Return(block);
        }
    }

    /// <summary>One line per direction.</summary>
    public string Describe(ConvProblem problem)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{problem}, {_context.Isa}, {_context.Threads} threads").AppendLine();
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            Choice choice = _choices[(int)direction];
            text.Append(CultureInfo.InvariantCulture, $"  {direction}: ");
            if (choice.Pass is { } pass)
                text.Append(CultureInfo.InvariantCulture, $"{choice.Algorithm} ({choice.Why}); {pass.Details}; workspace {pass.WorkspaceBytes:N0} bytes").AppendLine();
            else
                text.Append(CultureInfo.InvariantCulture, $"none ({choice.Why})").AppendLine();
        }

        return text.ToString();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _workspace.Dispose();
        _pool?.Return();
        GC.SuppressFinalize(this);
    }

    private static Isa IsaOf(InstructionSet cap) =>
        cap == InstructionSet.Auto ? IsaSelection.Current : (Isa)Math.Min((int)IsaSelection.Current, (int)cap - (int)InstructionSet.Scalar);
}
