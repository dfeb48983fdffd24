using System.Runtime.InteropServices;
using ConvNative.Algorithms;
using ConvNative.Memory;
using ConvNative.Planning;

namespace ConvNative;

/// <summary>
/// A convolution planned once and run many times: out[n,oc] = b[oc] + Σ w[oc,ic] ⋆ x[n,ic], and its two gradients. Tensors are
/// float32 NCHW; x and dx have the shape <see cref="ConvProblem.Input"/>, w and dw <see cref="ConvProblem.Weights"/>, y and dy
/// <see cref="ConvProblem.Output"/>, b and db any shape of OC elements. The caller owns all tensors.
/// </summary>
/// <remarks>
/// Safe to call from several threads at once; runs that overlap in time each hold their own workspace. After the first run of a
/// direction no memory is allocated, managed or native. Results do not depend on the number of threads. Denormal numbers count as
/// zero. Outputs are written only after every argument has been checked.
/// </remarks>
public sealed unsafe class Conv2d : IDisposable
{
    private readonly ConvPlan _plan;
    private readonly TensorShape _output;

    /// <summary>Plans all three directions.</summary>
    /// <param name="problem">What to compute.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="ConvShapeException">
    /// The kernel does not fit, or the sizes are too large: an image has, with its padding, at most 2³¹ − 2²¹ pixels, an output as many, there are as many channels at
    /// most, an output channel has fewer than 2³¹ weights, and from one output to the next are at most 2²⁰ rows and columns.
    /// </exception>
    /// <exception cref="NotSupportedException">The algorithm asked for can do no direction of the problem.</exception>
    /// <exception cref="NativeLibraryException">The native helper is missing, or OpenBLAS where it was asked for.</exception>
    public Conv2d(ConvProblem problem, Conv2dOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
        _output = problem.Output;
        _plan = new ConvPlan(problem, options ?? new Conv2dOptions());
    }

    /// <summary>
    /// Times, on this machine, each algorithm that can do the problem, in all directions, and remembers the times for <see cref="ConvAlgorithm.Auto"/>.
    /// Takes about half a second per direction, or three runs of each algorithm where that is longer; the machine should do nothing else.
    /// Unlike the rule without tuning, what it chooses, and so the rounding of results, may differ from one tuning to the next.
    /// </summary>
    /// <param name="problem">What to time.</param>
    /// <param name="options">How; null for the defaults. Its <see cref="Conv2dOptions.Tuning"/> is what remembers; earlier times are replaced.</param>
    /// <param name="cancellation">Ends the timing early; directions that were done are remembered.</param>
    /// <returns>The options' tuning, or a new one where they have none: to be given to the options of <see cref="Conv2d(ConvProblem, Conv2dOptions)"/>.</returns>
    /// <exception cref="ArgumentException">The options ask for an algorithm, so that there is nothing to choose.</exception>
    /// <exception cref="ConvShapeException">The kernel does not fit, or the sizes are too large.</exception>
    /// <exception cref="NativeLibraryException">The native helper is missing, or OpenBLAS where it was asked for.</exception>
    /// <exception cref="OutOfMemoryException">The memory for the problem's tensors cannot be had.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ConvTuning Tune(ConvProblem problem, Conv2dOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        options ??= new Conv2dOptions();
        if (options.Algorithm != ConvAlgorithm.Auto)
            throw new ArgumentException($"Algorithm is {options.Algorithm}; it must be Auto, so that there is something to choose.", nameof(options));
        ConvTuning tuning = options.Tuning ?? new ConvTuning();
        Tuner.Tune(problem, options, tuning, Tuner.TimePerDirection, cancellation);
        return tuning;
    }

    /// <summary>What is computed.</summary>
    public ConvProblem Problem { get; }

    /// <summary>
    /// Scratch memory of one run in bytes, the largest of the directions: at most <see cref="Conv2dOptions.MaxWorkspaceBytes"/>, and the
    /// packed weights where the run packs them itself.
    /// </summary>
    public long WorkspaceBytes => _plan.WorkspaceBytes;

    /// <summary>y = activation(x ⋆ w + b), the activation of the options (none by default).</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Weights.</param>
    /// <param name="b">Bias, or null for none.</param>
    /// <param name="y">Output, written.</param>
    /// <exception cref="ArgumentException">A shape is wrong, or <paramref name="y"/> overlaps an input; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void Forward(Tensor x, Tensor w, Tensor? b, Tensor y) => Forward(x, w, b, y, null);

    /// <summary>y = activation(x ⋆ w + b + residual).</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Weights.</param>
    /// <param name="b">Bias, or null for none.</param>
    /// <param name="y">Output, written.</param>
    /// <param name="residual">Added before the activation: of the output's shape, in memory of its own; null for none.</param>
    /// <param name="run">A token to end the run early, and scratch memory of the caller's.</param>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor)" path="/exception"/>
    /// <exception cref="OperationCanceledException">The token of <paramref name="run"/> was cancelled: see <see cref="ConvRunOptions.Cancellation"/>.</exception>
    public void Forward(Tensor x, Tensor w, Tensor? b, Tensor y, Tensor? residual, ConvRunOptions run = default)
    {
        CheckForward(x, w, b, y, residual);
        Run(Direction.Forward, x, w, b, y, residual, null, run);
    }

    /// <summary>y = activation(x ⋆ w + b + residual), with weights packed before.</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Weights packed by this convolution.</param>
    /// <param name="b">Bias, or null for none.</param>
    /// <param name="y">Output, written.</param>
    /// <param name="residual">Added before the activation; null for none.</param>
    /// <param name="run">A token to end the run early, and scratch memory of the caller's.</param>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor, ConvRunOptions)" path="/exception"/>
    public void Forward(Tensor x, PackedWeights w, Tensor? b, Tensor y, Tensor? residual = null, ConvRunOptions run = default)
    {
        CheckPacked(w);
        CheckForward(x, w.Weights, b, y, residual);
        Run(Direction.Forward, x, w.Weights, b, y, residual, w, run);
    }

    /// <summary>dx = the gradient of Σ dy·y by x.</summary>
    /// <exception cref="ArgumentException">A shape is wrong, or <paramref name="dx"/> overlaps an input; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void BackwardData(Tensor dy, Tensor w, Tensor dx) => BackwardData(dy, w, dx, default);

    /// <summary>dx = the gradient of Σ dy·y by x.</summary>
    /// <param name="dy">Gradient by y.</param>
    /// <param name="w">Weights.</param>
    /// <param name="dx">Gradient by x, written.</param>
    /// <param name="run">A token to end the run early, and scratch memory of the caller's.</param>
    /// <inheritdoc cref="BackwardData(Tensor, Tensor, Tensor)" path="/exception"/>
    /// <exception cref="OperationCanceledException">The token of <paramref name="run"/> was cancelled: see <see cref="ConvRunOptions.Cancellation"/>.</exception>
    public void BackwardData(Tensor dy, Tensor w, Tensor dx, ConvRunOptions run)
    {
        CheckBackwardData(dy, w, dx);
        Run(Direction.BackwardData, dx, w, null, dy, null, null, run);
    }

    /// <summary>dx = the gradient of Σ dy·y by x, with weights packed before by this convolution.</summary>
    /// <param name="dy">Gradient by y.</param>
    /// <param name="w">Weights packed by this convolution.</param>
    /// <param name="dx">Gradient by x, written.</param>
    /// <param name="run">A token to end the run early, and scratch memory of the caller's.</param>
    /// <inheritdoc cref="BackwardData(Tensor, Tensor, Tensor, ConvRunOptions)" path="/exception"/>
    public void BackwardData(Tensor dy, PackedWeights w, Tensor dx, ConvRunOptions run = default)
    {
        CheckPacked(w);
        CheckBackwardData(dy, w.Weights, dx);
        Run(Direction.BackwardData, dx, w.Weights, null, dy, null, w, run);
    }

    /// <summary>dw = the gradient of Σ dy·y by w; db = its gradient by b, unless null.</summary>
    /// <exception cref="ArgumentException">A shape is wrong, or an output overlaps an input or the other output; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void BackwardWeights(Tensor x, Tensor dy, Tensor dw, Tensor? db) => BackwardWeights(x, dy, dw, db, default);

    /// <summary>dw = the gradient of Σ dy·y by w; db = its gradient by b, unless null.</summary>
    /// <param name="x">Input.</param>
    /// <param name="dy">Gradient by y.</param>
    /// <param name="dw">Gradient by w, written.</param>
    /// <param name="db">Gradient by b, written; null for none.</param>
    /// <param name="run">A token to end the run early, and scratch memory of the caller's.</param>
    /// <inheritdoc cref="BackwardWeights(Tensor, Tensor, Tensor, Tensor)" path="/exception"/>
    /// <exception cref="OperationCanceledException">The token of <paramref name="run"/> was cancelled: see <see cref="ConvRunOptions.Cancellation"/>.</exception>
    public void BackwardWeights(Tensor x, Tensor dy, Tensor dw, Tensor? db, ConvRunOptions run)
    {
        CheckShape(x, Problem.Input, nameof(x));
        CheckShape(dy, _output, nameof(dy));
        CheckShape(dw, Problem.Weights, nameof(dw));
        CheckBias(db, nameof(db));
        CheckOverlap(dw, nameof(dw), x, nameof(x));
        CheckOverlap(dw, nameof(dw), dy, nameof(dy));
        CheckOverlap(dw, nameof(dw), db, nameof(db));
        CheckOverlap(db, nameof(db), x, nameof(x));
        CheckOverlap(db, nameof(db), dy, nameof(dy));
        Run(Direction.BackwardWeights, x, dw, db, dy, null, null, run);
    }

    /// <summary>
    /// dz = dy · the derivative of the options' activation: the gradient before the activation, which the two backward directions take as
    /// their dy. At a kink it is that of the constant or sloped side.
    /// </summary>
    /// <param name="dy">Gradient by the activation's result.</param>
    /// <param name="y">The activation's result: the forward run's output.</param>
    /// <param name="dz">Written; may be <paramref name="dy"/> itself.</param>
    /// <exception cref="ArgumentException">A shape is wrong.</exception>
    /// <exception cref="NotSupportedException">The activation is a leaky ReLU with a slope below 0, which y does not determine; nothing is written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    public void BackwardActivation(Tensor dy, Tensor y, Tensor dz)
    {
        CheckShape(dy, _output, nameof(dy));
        CheckShape(y, _output, nameof(y));
        CheckShape(dz, _output, nameof(dz));
        if (dz.Pointer != dy.Pointer) CheckOverlap(dz, nameof(dz), dy, nameof(dy));
        CheckOverlap(dz, nameof(dz), y, nameof(y));
        ObjectDisposedException.ThrowIf(_plan.IsDisposed, this);
        float* pdy = null, py = null, pdz = null;
        try
        {
            pdy = dy.Acquire();
            py = y.Acquire();
            pdz = dz.Acquire();
            _plan.RunActivationDerivative(pdy, py, pdz);
        }
        finally
        {
            if (pdy != null) dy.Release();
            if (py != null) y.Release();
            if (pdz != null) dz.Release();
        }
    }

    /// <summary>The weights in the order in which <see cref="Forward(Tensor, PackedWeights, Tensor, Tensor, Tensor, ConvRunOptions)"/> and BackwardData read them; the caller disposes.</summary>
    /// <exception cref="ConvShapeException">The shape is not that of the problem's weights.</exception>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    /// <exception cref="ObjectDisposedException">This or the tensor is disposed.</exception>
    public PackedWeights Pack(Tensor w)
    {
        CheckShape(w, Problem.Weights, nameof(w));
        ObjectDisposedException.ThrowIf(_plan.IsDisposed, this);
        Tensor copy = Copy(w);
        AlignedBuffer? forward = null;
        try
        {
            forward = _plan.PackWeights(Direction.Forward, copy.Pointer);
            return new PackedWeights(_plan, copy, forward, _plan.PackWeights(Direction.BackwardData, copy.Pointer));
        }
        catch
        {
            forward?.Dispose();
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Per direction: the algorithm and why, blocking, threads, workspace.</summary>
    public string Describe() => _plan.Describe();

    /// <summary>Frees the workspace; runs that are under way end undisturbed. A second call does nothing.</summary>
    public void Dispose() => _plan.Dispose();

    private static Tensor Copy(Tensor w)
    {
        float* from = w.Acquire();
        try
        {
            Tensor copy = new(w.Shape);
            NativeMemory.Copy(from, copy.Pointer, (nuint)(w.Length * sizeof(float)));
            return copy;
        }
        finally
        {
            w.Release();
        }
    }

    private void Run(
        Direction direction, Tensor x, Tensor w, Tensor? b, Tensor y, Tensor? residual, PackedWeights? packed, in ConvRunOptions run)
    {
        ObjectDisposedException.ThrowIf(_plan.IsDisposed, this);
        if (run.Workspace is not null) CheckWorkspace(run.Workspace, nameof(run.Workspace), x, w, b, y, residual);
        bool isForward = direction == Direction.Forward;
        float* px = null, pw = null, pb = null, py = null, pr = null, pp = null, ps = null;
        try
        {
            px = x.Acquire();
            pw = w.Acquire();
            pb = b is null ? null : b.Acquire();
            py = y.Acquire();
            pr = residual is null ? null : residual.Acquire();
            pp = packed is null ? null : packed.Acquire(isForward);
            ps = run.Workspace is null ? null : run.Workspace.Acquire();
            _plan.Run(direction, new ConvBuffers(px, pw, pb, py, pr, pp), ps, run.Cancellation);
        }
        finally
        {
            if (px != null) x.Release();
            if (pw != null) w.Release();
            if (pb != null) b!.Release();
            if (py != null) y.Release();
            if (pr != null) residual!.Release();
            if (pp != null) packed!.Release(isForward);
            if (ps != null) run.Workspace!.Release();
        }
    }

    private void CheckForward(Tensor x, Tensor w, Tensor? b, Tensor y, Tensor? residual)
    {
        CheckShape(x, Problem.Input, nameof(x));
        CheckShape(w, Problem.Weights, nameof(w));
        CheckBias(b, nameof(b));
        CheckShape(y, _output, nameof(y));
        if (residual is not null) CheckShape(residual, _output, nameof(residual));
        CheckOverlap(y, nameof(y), x, nameof(x));
        CheckOverlap(y, nameof(y), w, nameof(w));
        CheckOverlap(y, nameof(y), b, nameof(b));
        CheckOverlap(y, nameof(y), residual, nameof(residual));
    }

    private void CheckBackwardData(Tensor dy, Tensor w, Tensor dx)
    {
        CheckShape(dy, _output, nameof(dy));
        CheckShape(w, Problem.Weights, nameof(w));
        CheckShape(dx, Problem.Input, nameof(dx));
        CheckOverlap(dx, nameof(dx), dy, nameof(dy));
        CheckOverlap(dx, nameof(dx), w, nameof(w));
    }

    private void CheckPacked(PackedWeights w)
    {
        ArgumentNullException.ThrowIfNull(w);
        ObjectDisposedException.ThrowIf(w.IsDisposed, w);
        if (w.Plan != _plan)
            throw new ArgumentException("w was packed by another convolution; it must come from this one's Pack.", nameof(w));
    }

    private void CheckWorkspace(Tensor workspace, string name, params ReadOnlySpan<Tensor?> others)
    {
        long bytes = workspace.Length * sizeof(float);
        if (bytes < WorkspaceBytes)
            throw new ArgumentException($"{name} has {bytes:N0} bytes; it must have at least {WorkspaceBytes:N0} ({nameof(WorkspaceBytes)}).", name);
        if ((nuint)workspace.Pointer % AlignedBuffer.Alignment != 0)
            throw new ArgumentException($"{name} is at address 0x{(nuint)workspace.Pointer:x}; it must be a multiple of {AlignedBuffer.Alignment}.", name);
        foreach (Tensor? other in others) CheckOverlap(workspace, name, other, "a tensor of the run");
    }

    private static void CheckShape(Tensor tensor, TensorShape expected, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        _ = tensor.Pointer;   // throws when disposed
        if (tensor.Shape != expected)
            throw new ConvShapeException($"{name} has shape {tensor.Shape}; it must be {expected}.", name);
    }

    private void CheckBias(Tensor? tensor, string name)
    {
        if (tensor is null) return;
        _ = tensor.Pointer;
        if (tensor.Length != _output.C)
            throw new ConvShapeException($"{name} has {tensor.Length} elements (shape {tensor.Shape}); it must have {_output.C}, one per output channel.", name);
    }

    private static void CheckOverlap(Tensor? output, string outputName, Tensor? other, string otherName)
    {
        if (output is null || other is null) return;
        if (output.Pointer < other.Pointer + other.Length && other.Pointer < output.Pointer + output.Length)
            throw new ArgumentException($"{outputName} overlaps {otherName} in memory; it must have memory of its own.", outputName);
    }
}
