using System.Diagnostics;
using System.Globalization;
using System.Text;
using ConvNative.Algorithms;
using ConvNative.Diagnostics;
using ConvNative.Gemm;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Memory;
using ConvNative.Simd;

namespace ConvNative.Planning;

/// <summary>A problem with an algorithm per direction, the threads to run it and the memory to run it in.</summary>
internal sealed class ConvPlan : IDisposable
{
    private readonly ConvProblem _problem;
    private readonly Choice[] _choices;
    private readonly PlanContext _context;
    private readonly PlanContext _weightsContext;
    private readonly Workspace _workspace = new();
    private readonly WorkerPool _pool;
    private readonly bool _isVerbose = VerboseLog.IsOn;
    private int _disposed;

    public ConvPlan(ConvProblem problem, Conv2dOptions options)
    {
        _problem = problem;
        ConvSizes sizes = ProblemSizes.Of(problem);
        Isa isa = options.ForcedIsa ?? IsaOf(options.MaxInstructionSet);
        int threads = options.Threads > 0 ? options.Threads : NativeHelper.CpuBudget();
        _context = new PlanContext(sizes, isa, threads, options.MaxWorkspaceBytes, GemmChooser.Choose(options.Gemm, isa), options.Activation, options.AllowWinograd);
        _weightsContext = _context with { Gemm = GemmChooser.Choose(options.Gemm, isa, GemmKind.NT) };
        _choices = Array.ConvertAll(Enum.GetValues<Direction>(), direction => Choose(direction, options));
        if (Array.TrueForAll(_choices, choice => choice.Pass is null))
            throw new NotSupportedException($"{options.Algorithm} cannot do {problem}: {_choices[0].Why}.");
        WorkspaceBytes = _choices.Max(choice => choice.Pass is { } pass ? Total(pass) : 0);
        _pool = WorkerPool.Rent(threads);
        foreach (Direction direction in Enum.GetValues<Direction>()) Telemetry.Current.Planned(problem, direction, AlgorithmOf(direction));
    }

    ~ConvPlan() => Dispose();

    /// <summary>The largest scratch memory of one run, over the directions, weights packed in the run included.</summary>
    public long WorkspaceBytes { get; }

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Who does a direction; null where it is refused.</summary>
    public ConvAlgorithm? AlgorithmOf(Direction direction) => _choices[(int)direction] is { Pass: not null } choice ? choice.Algorithm : null;

    /// <summary>Under which its times are remembered.</summary>
    public TuningKey TuningKey(Direction direction) => Planning.TuningKey.For(_problem, ContextOf(direction), direction);

    /// <summary>The pass of a direction.</summary>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public ConvPass Pass(Direction direction) =>
        _choices[(int)direction] is { Pass: { } pass } ? pass : throw new NotSupportedException($"{direction}: {_choices[(int)direction].Why}.");

    /// <summary>Runs a direction on checked buffers, and reports it where anybody listens.</summary>
    /// <param name="direction">What to compute.</param>
    /// <param name="buffers">The tensors' memory.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/> bytes, 64-byte aligned, for this run alone; null: the plan's own.</param>
    /// <param name="cancellation">Ends the run early.</param>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public unsafe void Run(Direction direction, in ConvBuffers buffers, float* workspace, CancellationToken cancellation)
    {
        ConvPass pass = Pass(direction);
        cancellation.ThrowIfCancellationRequested();
        Telemetry telemetry = Telemetry.Current;
        if (!_isVerbose && !telemetry.ObservesRuns)
        {
            Run(pass, buffers, workspace, cancellation);
            return;
        }

        long start = Stopwatch.GetTimestamp();
        Run(pass, buffers, workspace, cancellation);
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        ConvAlgorithm algorithm = _choices[(int)direction].Algorithm;
        telemetry.Ran(_problem, direction, algorithm, time);
        if (_isVerbose) VerboseLog.Write(_problem, direction, algorithm, _context.Threads, buffers.Packed != null, time);
    }

    /// <summary>The same in the plan's own workspace, for measurements, which report nothing.</summary>
    public unsafe void RunUnreported(Direction direction, in ConvBuffers buffers, CancellationToken cancellation) => Run(Pass(direction), buffers, null, cancellation);

    /// <summary>Packs weights for a direction; null where it reads them as they are.</summary>
    public unsafe AlignedBuffer? PackWeights(Direction direction, float* w)
    {
        if (_choices[(int)direction].Pass is not { PackedWeightsBytes: > 0 } pass) return null;
        using WorkerPool.Lease lease = _pool.Hold();
        AlignedBuffer packed = AlignedBuffer.Allocate(pass.PackedWeightsBytes, zero: false);
        pass.PackWeights(w, (float*)packed.Pointer, _pool);
        return packed;
    }

    /// <summary>for i: dz[i] = dy[i] · the activation's derivative where its result is y[i].</summary>
    /// <exception cref="NotSupportedException">The result does not tell on which side of 0 it was.</exception>
    public unsafe void RunActivationDerivative(float* dy, float* y, float* dz)
    {
        if (_context.Activation is { Kind: Activation.LeakyRelu, Slope: < 0 } leaky)
            throw new NotSupportedException($"The activation is {leaky}: y is positive on both sides of 0 and does not tell which one it was. The slope must be at least 0.");
        using WorkerPool.Lease lease = _pool.Hold();
        var task = new ActivationDerivativeTask(_context, dy, y, dz);
        _pool.For(_context.Threads, _context.Sizes.N, ref task);
    }

    /// <summary>One line per direction.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{_problem}, {_context.Isa}, {_context.Threads} threads").AppendLine();
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            Choice choice = _choices[(int)direction];
            text.Append(CultureInfo.InvariantCulture, $"  {direction}: ");
            if (choice.Pass is { } pass)
                text.Append(CultureInfo.InvariantCulture, $"{choice.Algorithm} ({choice.Why}); {pass.Details}; workspace {Total(pass):N0} bytes").AppendLine();
            else
                text.Append(CultureInfo.InvariantCulture, $"none ({choice.Why})").AppendLine();
        }

        return text.ToString();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _workspace.Dispose();
        _pool.Return();
        GC.SuppressFinalize(this);
    }

    private unsafe void Run(ConvPass pass, in ConvBuffers buffers, float* workspace, CancellationToken cancellation)
    {
        long packedBytes = buffers.Packed == null ? PackedArea(pass) : 0;
        using WorkerPool.Lease lease = _pool.Hold();
        WorkerPool pool = _pool.Until(cancellation);
        AlignedBuffer? block = workspace == null ? _workspace.Borrow(packedBytes + pass.WorkspaceBytes) : null;
        try
        {
            float* start = block is null ? workspace : (float*)block.Pointer;
            if (packedBytes > 0) pass.PackWeights(buffers.W, start, pool);
            pass.Run(packedBytes > 0 ? buffers.WithPacked(start) : buffers, start + (packedBytes / sizeof(float)), pool);
        }
        finally
        {
            _workspace.Return(block);
        }
    }

    /// <summary>What was measured fastest, where Auto is asked for and that is known and does not refuse; else what the rule says.</summary>
    private Choice Choose(Direction direction, Conv2dOptions options)
    {
        PlanContext context = ContextOf(direction);
        if (options is { Algorithm: ConvAlgorithm.Auto, Tuning: { } tuning }
            && tuning.Find(Planning.TuningKey.For(_problem, context, direction)) is [var best, .. var others]
            && AlgorithmChooser.Choose(context, direction, best.Algorithm) is { Pass: not null } tuned)
        {
            string against = others is [var second, ..] ? string.Create(CultureInfo.InvariantCulture, $" against {second.Milliseconds:g3} ms of {second.Algorithm}") : "";
            return tuned with { Why = string.Create(CultureInfo.InvariantCulture, $"tuned: {best.Milliseconds:g3} ms{against}") };
        }

        return AlgorithmChooser.Choose(context, direction, options.Algorithm);
    }

    private PlanContext ContextOf(Direction direction) => direction == Direction.BackwardWeights ? _weightsContext : _context;

    /// <summary>Room for the weights that are packed before a run.</summary>
    private static long PackedArea(ConvPass pass) =>
        pass.PacksInRun ? 0 : (pass.PackedWeightsBytes + AlignedBuffer.Alignment - 1) / AlignedBuffer.Alignment * AlignedBuffer.Alignment;

    private static long Total(ConvPass pass) => PackedArea(pass) + pass.WorkspaceBytes;

    private static Isa IsaOf(InstructionSet cap) =>
        cap == InstructionSet.Auto ? IsaSelection.Current : (Isa)Math.Min((int)IsaSelection.Current, (int)cap - (int)InstructionSet.Scalar);
}
