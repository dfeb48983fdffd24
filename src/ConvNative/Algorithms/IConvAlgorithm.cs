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
internal sealed record PlanContext(ConvSizes Sizes, Isa Isa, int Threads, long MaxWorkspaceBytes, IGemm Gemm);

/// <summary>The memory of a run. In the backward directions X holds dx, W holds dw, B holds db, Y holds dy. B may be null.</summary>
internal readonly unsafe struct ConvBuffers(float* x, float* w, float* b, float* y)
{
    public readonly float* X = x;
    public readonly float* W = w;
    public readonly float* B = b;
    public readonly float* Y = y;
}

/// <summary>One direction of one problem, planned: all sizes are decided, and a run allocates nothing.</summary>
internal abstract unsafe class ConvPass
{
    /// <summary>Scratch memory of one run, in bytes.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <summary>Blocking and engine in a few words, for descriptions.</summary>
    public abstract string Details { get; }

    /// <summary>Computes the direction. <paramref name="workspace"/>: <see cref="WorkspaceBytes"/> bytes, 64-byte aligned, for this run alone.</summary>
    public abstract void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool);
}

/// <summary>A way to compute convolutions. Algorithms never call each other; each is one file and one line in <see cref="AlgorithmList"/>.</summary>
internal interface IConvAlgorithm
{
    /// <summary>Its public name.</summary>
    ConvAlgorithm Id { get; }

    /// <summary>Why it cannot do the problem; null when it can.</summary>
    string? Refuse(PlanContext context, Direction direction);

    /// <summary>A pass for a problem that it did not refuse.</summary>
    ConvPass Plan(PlanContext context, Direction direction);
}
