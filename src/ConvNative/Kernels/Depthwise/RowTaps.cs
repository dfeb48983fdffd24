using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// What a vector of results reads from one source row under three neighbouring taps: lane l gets p[l·stride], p[l·stride + 1] and
/// p[l·stride + 2]. A reader is made once for a strip and holds its masks; beyond the row it gives zeros and reads nothing.
/// What is said here holds for a reader that does not say otherwise.
/// </summary>
internal unsafe interface IRowTaps<TSelf, V>
    where TSelf : struct, IRowTaps<TSelf, V>
    where V : struct
{
    /// <summary>The reader of a strip with these masks (<see cref="Stencil3x3.MaskTable"/>), whose second plane is so many floats on.</summary>
    static abstract TSelf For(float* masks, nint second);

    /// <summary>Whether the upper half of the lanes belongs to another plane.</summary>
    static virtual bool IsPair => false;

    /// <summary>Whether all lanes belong to the row and its outputs, so that nothing is masked.</summary>
    static virtual bool IsWhole => false;

    /// <summary>1 or 2.</summary>
    static abstract int Stride { get; }

    /// <summary>Whether lanes stand in the order of <see cref="ISimd{V}.Woven"/>; t0 is t2 then.</summary>
    static virtual bool IsWoven => false;

    /// <summary>Whether a strip is a whole row with a zero on either side.</summary>
    static virtual bool Turns => false;

    /// <summary>The mask of the outputs of all planes; what the lanes beyond them read is not defined.</summary>
    static virtual int Outputs => Stencil3x3.OutputMask;

    /// <summary>What tap 0 of a gradient meets: the row of dy, or dy of the columns after where rows are woven.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual V First(TSelf taps, float* dy, V row) => row;

    void Load(float* p, out V t0, out V t1, out V t2);
}
