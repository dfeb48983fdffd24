using ConvNative.Algorithms;
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
    /// <exception cref="ConvShapeException">The kernel does not fit, or the sizes are too large.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for can do no direction of the problem.</exception>
    /// <exception cref="NativeLibraryException">The native helper is missing, or OpenBLAS where it was asked for.</exception>
    public Conv2d(ConvProblem problem, Conv2dOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
        _output = problem.Output;
        _plan = new ConvPlan(problem, options ?? new Conv2dOptions());
    }

    /// <summary>What is computed.</summary>
    public ConvProblem Problem { get; }

    /// <summary>Scratch memory of one run in bytes, the largest of the directions; at most <see cref="Conv2dOptions.MaxWorkspaceBytes"/>.</summary>
    public long WorkspaceBytes => _plan.WorkspaceBytes;

    /// <summary>y = x ⋆ w + b; b null: no bias.</summary>
    /// <exception cref="ArgumentException">A shape is wrong, or <paramref name="y"/> overlaps an input; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void Forward(Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        CheckShape(x, Problem.Input, nameof(x));
        CheckShape(w, Problem.Weights, nameof(w));
        CheckBias(b, nameof(b));
        CheckShape(y, _output, nameof(y));
        CheckOverlap(y, nameof(y), x, nameof(x));
        CheckOverlap(y, nameof(y), w, nameof(w));
        CheckOverlap(y, nameof(y), b, nameof(b));
        Run(Direction.Forward, x, w, b, y);
    }

    /// <summary>dx = the gradient of Σ dy·y by x.</summary>
    /// <exception cref="ArgumentException">A shape is wrong, or <paramref name="dx"/> overlaps an input; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void BackwardData(Tensor dy, Tensor w, Tensor dx)
    {
        CheckShape(dy, _output, nameof(dy));
        CheckShape(w, Problem.Weights, nameof(w));
        CheckShape(dx, Problem.Input, nameof(dx));
        CheckOverlap(dx, nameof(dx), dy, nameof(dy));
        CheckOverlap(dx, nameof(dx), w, nameof(w));
        Run(Direction.BackwardData, dx, w, null, dy);
    }

    /// <summary>dw = the gradient of Σ dy·y by w; db = its gradient by b, unless null.</summary>
    /// <exception cref="ArgumentException">A shape is wrong, or an output overlaps an input or the other output; nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">This or a tensor is disposed.</exception>
    /// <exception cref="NotSupportedException">The algorithm asked for refuses this direction.</exception>
    public void BackwardWeights(Tensor x, Tensor dy, Tensor dw, Tensor? db)
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
        Run(Direction.BackwardWeights, x, dw, db, dy);
    }

    /// <summary>Per direction: the algorithm and why, blocking, threads, workspace.</summary>
    public string Describe() => _plan.Describe(Problem);

    /// <summary>Frees the workspace; runs that are under way end undisturbed. A second call does nothing.</summary>
    public void Dispose() => _plan.Dispose();

    private void Run(Direction direction, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        ObjectDisposedException.ThrowIf(_plan.IsDisposed, this);
        float* px = null, pw = null, pb = null, py = null;
        try
        {
            px = x.Acquire();
            pw = w.Acquire();
            pb = b is null ? null : b.Acquire();
            py = y.Acquire();
            _plan.Run(direction, new ConvBuffers(px, pw, pb, py));
        }
        finally
        {
            if (px != null) x.Release();
            if (pw != null) w.Release();
            if (pb != null) b!.Release();
            if (py != null) y.Release();
        }
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
            throw new ArgumentException($"{outputName} overlaps {otherName} in memory; an output must have memory of its own.", outputName);
    }
}
