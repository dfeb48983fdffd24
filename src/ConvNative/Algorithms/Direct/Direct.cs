using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>
/// Convolution without packed patches: the kernels read each tap where it stands, in the image or in a copy of some of its rows
/// (<see cref="PhasePlanes"/>). For products of few rows or short sums, where cutting patches into panels costs as much as multiplying them, and for
/// small images, of which much is padding, and dense layers. One <see cref="DirectForm"/> for each kind of problem:
/// <code>
/// <see cref="DirectDense"/>    all     dense layers: images of one pixel, or kernels as large as the image
/// <see cref="DirectLanes"/>    y, dx   small images of many channels: output channels in the lanes, padding left out
/// <see cref="DirectRows"/>     y       first layers: by output rows that fill their vectors
/// <see cref="DirectPoints"/>   y, dx   all others: few channels, or few of them per group
/// <see cref="DirectWeights"/>  dw      first layers: dot products over points
/// </code>
/// </summary>
internal sealed class Direct : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.Direct;

    public string? Refuse(PlanContext context, Direction direction)
    {
        if (context.Sizes.IsDense) return null;
        if (direction == Direction.BackwardWeights && context.Isa != Isa.Avx512) return "its backward-weights needs 32 vector registers";
        if (direction == Direction.BackwardData && ResidueClass.TooMany(context.Sizes.sh, context.Sizes.sw) is { } reason) return reason;
        return FormOf(context, direction).Workers > 0
            ? null
            : $"its smallest strip does not fit MaxWorkspaceBytes {context.MaxWorkspaceBytes}";
    }

    /// <summary>Where its form pays, and patches overlap, else packing them reads nothing twice; or there are none, but whole images.</summary>
    public bool Suits(PlanContext context, Direction direction) =>
        (context.Sizes.IsDense || (long)context.Sizes.KH * context.Sizes.KW > (long)context.Sizes.sh * context.Sizes.sw)
        && FormOf(context, direction).Pays;

    public ConvPass Plan(PlanContext context, Direction direction)
    {
        DirectForm form = FormOf(context, direction);
        form.ListOffsets();
        return form;
    }

    private static DirectForm FormOf(PlanContext context, Direction direction)
    {
        if (context.Sizes.IsDense) return new DirectDense(context, direction);
        if (direction == Direction.BackwardWeights) return new DirectWeights(context);
        if (LaneKernels.Suit(context.Isa, context.SizesOf(direction))) return new DirectLanes(context, direction);
        if (direction == Direction.Forward && new DirectRows(context) is { Pays: true } rows) return rows;
        return new DirectPoints(context, direction);
    }
}
