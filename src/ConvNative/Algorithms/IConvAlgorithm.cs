using ConvNative.Gemm;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>What is computed from what.</summary>
internal enum Direction
{
    /// <summary>y from x, w, b.</summary>
    Forward,

    /// <summary>dx from dy, w.</summary>
    BackwardData,

    /// <summary>dw, db from x, dy.</summary>
    BackwardWeights,
}

/// <summary>What an algorithm plans for: sizes and the means it may use.</summary>
/// <param name="Sizes">The problem.</param>
/// <param name="Isa">Instruction set of all kernels.</param>
/// <param name="Threads">The most workers of a loop.</param>
/// <param name="MaxWorkspaceBytes">The most scratch memory, packed weights not counted.</param>
/// <param name="Gemm">Engine for plain matrix products.</param>
/// <param name="Activation">Applied to y at the end of a forward run.</param>
/// <param name="AllowWinograd">Whether Auto may choose Winograd.</param>
internal sealed record PlanContext(
    ConvSizes Sizes, Isa Isa, int Threads, long MaxWorkspaceBytes, IGemm Gemm, ConvActivation Activation, bool AllowWinograd)
{
    /// <summary>The convolution that a direction without strides computes: the problem's own, or the one from dy to dx.</summary>
    public ConvSizes SizesOf(Direction direction) => direction == Direction.BackwardData ? Sizes.FromOutput() : Sizes;

    /// <summary>The forward direction's last step for a part of y: bias, residual (both may be null; of that part) and activation.</summary>
    public unsafe TileStore Epilogue(float* bias, float* residual) => new()
    {
        Bias = bias,
        Addend = residual,
        AddendStride = Sizes.OutputPixels,
        Activation = Activation.Kind,
        Low = Activation.Low,
        High = Activation.High,
        Slope = Activation.Slope,
    };
}

/// <summary>
/// The memory of a run. In the backward directions X holds dx, W holds dw, B holds db, Y holds dy. Null where a direction has none: B;
/// Residual (forward: added to y before the activation); Packed (weights as <see cref="ConvPass.PackWeights"/> left them); W where Packed is given.
/// </summary>
internal readonly unsafe struct ConvBuffers(float* x, float* w, float* b, float* y, float* residual = null, float* packed = null)
{
    public readonly float* X = x;
    public readonly float* W = w;
    public readonly float* B = b;
    public readonly float* Y = y;
    public readonly float* Residual = residual;
    public readonly float* Packed = packed;

    /// <summary>The same with packed weights.</summary>
    public ConvBuffers WithPacked(float* packed) => new(X, W, B, Y, Residual, packed);
}

/// <summary>One direction of one problem, planned: all sizes are decided, and a run allocates nothing.</summary>
internal abstract unsafe class ConvPass
{
    /// <summary>Scratch memory of one run, in bytes, without packed weights.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <summary>Bytes of the weights in the order that this pass reads them; 0: it reads them as they are.</summary>
    public virtual long PackedWeightsBytes => 0;

    /// <summary>Given no packed weights, Run packs by itself, in memory that <see cref="WorkspaceBytes"/> counts.</summary>
    public virtual bool PacksInRun => false;

    /// <summary>Blocking and engine in a few words, for descriptions.</summary>
    public abstract string Details { get; }

    /// <summary>Puts w into <see cref="PackedWeightsBytes"/> bytes, 64-byte aligned. Done before each run, or once by the caller for many.</summary>
    public virtual void PackWeights(float* w, float* packed, WorkerPool pool)
    {
    }

    /// <summary>
    /// Computes the direction. <paramref name="workspace"/>: <see cref="WorkspaceBytes"/> bytes, 64-byte aligned, for this run alone.
    /// Packed is given where <see cref="PackedWeightsBytes"/> is not 0, unless <see cref="PacksInRun"/>.
    /// </summary>
    public abstract void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool);
}

/// <summary>A way to compute convolutions. Algorithms never call each other; each is one class and one line in <see cref="AlgorithmList"/>.</summary>
internal interface IConvAlgorithm
{
    /// <summary>Its public name.</summary>
    ConvAlgorithm Id { get; }

    /// <summary>
    /// How many times larger than that of a plain float32 sum of products the error bound of a result is. More than 1: results come
    /// from transforms over tiles, which spread rounding errors, and a NaN or an infinity, over the tile: the bound is then relative to
    /// the largest sum of |terms| around, not to the result's own.
    /// </summary>
    double ErrorAmplification => 1;

    /// <summary>Why it cannot do the problem; null when it can.</summary>
    string? Refuse(PlanContext context, Direction direction);

    /// <summary>Whether Auto should take it for a problem that it did not refuse.</summary>
    bool Suits(PlanContext context, Direction direction) => true;

    /// <summary>A pass for a problem that it did not refuse.</summary>
    ConvPass Plan(PlanContext context, Direction direction);
}
