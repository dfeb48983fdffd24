using ConvNative.Kernels;

namespace ConvNative.Planning;

/// <summary>From the public problem to the plain numbers that kernels take.</summary>
internal static class ProblemSizes
{
    /// <summary>All sizes of a problem, checked: the kernels' 32-bit products of them do not overflow.</summary>
    /// <exception cref="ConvShapeException">The kernel does not fit, or the problem is too large.</exception>
    public static ConvSizes Of(ConvProblem problem)
    {
        (TensorShape x, TensorShape w, TensorShape y, Padding p) = (problem.Input, problem.Weights, problem.Output, problem.Padding);
        FitsInt("The pixels of an input image", (Int128)x.H * x.W);
        FitsInt("The pixels of an output image", (Int128)y.H * y.W);
        FitsInt("The weights of an output channel", (Int128)w.C * w.H * w.W);
        _ = problem.Flops;
        return new ConvSizes(
            x.N, x.C, x.H, x.W, w.N, w.H, w.W, y.H, y.W,
            problem.StrideH, problem.StrideW, problem.DilationH, problem.DilationW, p.Top, p.Left, p.Bottom, p.Right, problem.Groups);
    }

    /// <summary>The column matrix of all groups: (1, 1, IC·KH·KW, N·OH·OW).</summary>
    /// <exception cref="ConvShapeException">A side does not fit 31 bits.</exception>
    public static TensorShape ColumnMatrix(in ConvSizes s) => new(
        1, 1,
        FitsInt("The rows of the column matrix", (Int128)s.IC * s.KH * s.KW),
        FitsInt("The columns of the column matrix", (Int128)s.N * s.OH * s.OW));

    private static int FitsInt(string what, Int128 count) => count <= int.MaxValue
        ? (int)count
        : throw new ConvShapeException($"{what} are {count}; they must be at most {int.MaxValue}.");
}
