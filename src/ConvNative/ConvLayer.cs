using ConvNative.Planning;

namespace ConvNative;

/// <summary>
/// The two functions of the article "Convnet: Implementing Convolution Layer with Numpy" with its contract: one stride, one padding on
/// all sides, and an error where the output size is not whole. Plans are kept from call to call. Thread-safe.
/// </summary>
public static class ConvLayer
{
    /// <summary>y = conv_forward(x, w, b, stride, padding).</summary>
    /// <param name="x">N×IC×IH×IW.</param>
    /// <param name="w">OC×IC×KH×KW.</param>
    /// <param name="b">OC values in any shape, or null for none.</param>
    /// <param name="stride">Step of the kernel along both axes, ≥ 1.</param>
    /// <param name="padding">Zeros on every side, ≥ 0.</param>
    /// <returns>Y: a new N×OC×OH×OW tensor that the caller disposes; Cache: what <see cref="Backward"/> needs.</returns>
    /// <exception cref="ConvShapeException">
    /// "Invalid output dimension…": (IH + 2·padding − KH)/stride + 1 is not a whole number ≥ 1, or likewise for the width; or the shapes do not fit each other.
    /// </exception>
    /// <exception cref="ObjectDisposedException">A tensor is disposed.</exception>
    public static (Tensor Y, ConvCache Cache) Forward(Tensor x, Tensor w, Tensor? b, int stride = 1, int padding = 1)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(w);
        if (w.Shape.C != x.Shape.C)
            throw new ConvShapeException($"w has shape {w.Shape}; its second size must be the channels of x ({x.Shape.C}; x is {x.Shape}).", nameof(w));
        if (stride < 1) throw new ConvShapeException($"stride is {stride}; it must be at least 1.", nameof(stride));
        if (padding < 0) throw new ConvShapeException($"padding is {padding}; it must be at least 0.", nameof(padding));
        var problem = new ConvProblem(x.Shape, w.Shape.N, w.Shape.H, w.Shape.W)
        {
            StrideH = stride,
            StrideW = stride,
            Padding = Padding.All(padding),
            Rounding = OutputRounding.Exact,
        };
        using PlanCache.Lease lease = PlanCache.Rent(problem);
        var y = new Tensor(problem.Output);
        try
        {
            lease.Plan.Forward(x, w, b, y);
            return (y, new ConvCache(problem, x, w));
        }
        catch
        {
            y.Dispose();
            throw;
        }
    }

    /// <summary>(dx, dw, db) = conv_backward(dy, cache).</summary>
    /// <param name="dy">Gradient of the loss by y: N×OC×OH×OW.</param>
    /// <param name="cache">From <see cref="Forward"/>; may be used again.</param>
    /// <returns>New tensors that the caller disposes: DX as x, DW as w, DB (1, OC, 1, 1).</returns>
    /// <exception cref="ConvShapeException"><paramref name="dy"/> does not fit the cache.</exception>
    /// <exception cref="ObjectDisposedException">A tensor is disposed, x and w of the forward call included.</exception>
    public static (Tensor DX, Tensor DW, Tensor DB) Backward(Tensor dy, ConvCache cache)
    {
        ArgumentNullException.ThrowIfNull(dy);
        ArgumentNullException.ThrowIfNull(cache);
        ConvProblem problem = cache.Problem;
        using PlanCache.Lease lease = PlanCache.Rent(problem);
        Tensor? dx = null, dw = null, db = null;
        try
        {
            dx = new Tensor(problem.Input);
            dw = new Tensor(problem.Weights);
            db = new Tensor(1, problem.Output.C, 1, 1);
            lease.Plan.BackwardData(dy, cache.W, dx);
            lease.Plan.BackwardWeights(cache.X, dy, dw, db);
            return (dx, dw, db);
        }
        catch
        {
            dx?.Dispose();
            dw?.Dispose();
            db?.Dispose();
            throw;
        }
    }
}
