using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// Convolution as a matrix product whose patches are packed straight from the image, a block at a time, or are the image
/// itself; there is no column matrix. Rows of the product are channels, columns are pixels, so tiles are stored into NCHW as they are.
/// <code>
/// forward          y[OC × pixels]  = w[OC × (ic, kh, kw)] · patches of x
/// backward-data    dx[IC × pixels] = w[IC × (oc, kh, kw)] · patches of dy, for each residue class of the strides:
///                  pixels (i·sh + rh, j·sw + rw) see only the taps with (rh + pt − kh·dh) divisible by sh, columns likewise
///                  dx's patches[(ic, kh, kw) × points] = wᵀ[(ic, kh, kw) × OC] · dy, where no two of them have a pixel in common
/// backward-weights dw[OC × (ic, kh, kw)] = dy · patches of x: ImplicitGemmWeights
/// </code>
/// Weights are read as they stand wherever the kernel can step through them. Each element is summed over k in one order, cut at KC only: the result
/// does not depend on how pixels and channels are shared out.
/// </summary>
internal sealed class ImplicitGemm : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.ImplicitGemm;

    public string? Refuse(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        if (direction == Direction.BackwardData && !s.PatchesAreApart && ResidueClass.TooMany(Math.Min(s.sh, s.IH), Math.Min(s.sw, s.IW)) is { } reason) return reason;
        int workers = direction == Direction.BackwardWeights ? Weights(context).Workers : new ImplicitGemmPass(context, direction).Workers;
        return workers > 0
            ? null
            : $"its smallest block does not fit MaxWorkspaceBytes {context.MaxWorkspaceBytes}";
    }

    public ConvPass Plan(PlanContext context, Direction direction) =>
        direction == Direction.BackwardWeights ? Weights(context) : new ImplicitGemmPass(context, direction);

    private static ImplicitGemmWeights Weights(PlanContext context) => new(context, ForwardGrid(context.Sizes));

    /// <summary>The patches of x that the output's pixels see.</summary>
    public static PatchGrid ForwardGrid(in ConvSizes s) => new(s.IH, s.IW, s.OH, s.OW, s.sh, s.sw, ResidueClass.Forward(s).Taps);
}
