using ConvNative.Kernels;

namespace ConvNative.Planning;

/// <summary>From the public problem to the plain numbers that kernels take.</summary>
internal static class ProblemSizes
{
    // Whole vectors and tiles may go on so far beyond the last pixel.
    private const int MostPixels = int.MaxValue - (1 << 20);

    /// <summary>
    /// All sizes of a problem, checked: the kernels' 32-bit products of them do not overflow. Strides and dilations beyond the padded image, of one
    /// output or one tap, do nothing, and become its size.
    /// </summary>
    /// <exception cref="ConvShapeException">The kernel does not fit, or the problem is too large.</exception>
    public static ConvSizes Of(ConvProblem problem)
    {
        (TensorShape x, TensorShape w, TensorShape y, Padding p) = (problem.Input, problem.Weights, problem.Output, problem.Padding);
        (long paddedH, long paddedW) = ((long)x.H + p.Top + p.Bottom, (long)x.W + p.Left + p.Right);
        Fits("The pixels of an input image with its padding", (Int128)paddedH * paddedW, MostPixels);
        Fits("The pixels of an output image", (Int128)y.H * y.W, MostPixels);
        Fits("The weights of an output channel", (Int128)w.C * w.H * w.W, int.MaxValue);
        _ = problem.Flops;
        return new ConvSizes(
            x.N, x.C, x.H, x.W, w.N, w.H, w.W, y.H, y.W,
            (int)Math.Min(problem.StrideH, paddedH), (int)Math.Min(problem.StrideW, paddedW),
            (int)Math.Min(problem.DilationH, paddedH), (int)Math.Min(problem.DilationW, paddedW), p.Top, p.Left, p.Bottom, p.Right, problem.Groups);
    }

    /// <summary>The column matrix of all groups: (1, 1, IC·KH·KW, N·OH·OW).</summary>
    /// <exception cref="ConvShapeException">A side does not fit 31 bits.</exception>
    public static TensorShape ColumnMatrix(in ConvSizes s) => new(
        1, 1,
        Fits("The rows of the column matrix", (Int128)s.IC * s.KH * s.KW, int.MaxValue),
        Fits("The columns of the column matrix", (Int128)s.N * s.OH * s.OW, int.MaxValue));

    private static int Fits(string what, Int128 count, int most) => count <= most
        ? (int)count
        : throw new ConvShapeException($"{what} are {count}; they must be at most {most}.");
}
