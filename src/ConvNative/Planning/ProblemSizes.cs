using ConvNative.Kernels;

namespace ConvNative.Planning;

/// <summary>From the public problem to the plain numbers that kernels take.</summary>
internal static class ProblemSizes
{
    // Whole vectors, tiles and strides may go on so far beyond the last pixel or channel.
    private const int Slack = 1 << 21, Most = int.MaxValue - Slack;

    // What is planned for each phase of a stride takes memory.
    private const int MostStride = 1 << 20;

    /// <summary>
    /// All sizes of a problem, checked: no row, plane or count of channels that a kernel counts in 32 bits is more, with padding, than these hold. Strides and
    /// dilations beyond the padded image, of one output or one tap, do nothing, and become its size.
    /// </summary>
    /// <exception cref="ConvShapeException">The kernel does not fit, or the problem is too large.</exception>
    public static ConvSizes Of(ConvProblem problem)
    {
        (TensorShape x, TensorShape w, TensorShape y, Padding p) = (problem.Input, problem.Weights, problem.Output, problem.Padding);
        (long paddedH, long paddedW) = ((long)x.H + p.Top + p.Bottom, (long)x.W + p.Left + p.Right);
        Fits("The pixels of an input image with its padding", (Int128)paddedH * paddedW, Most);
        Fits("The pixels of an output image", (Int128)y.H * y.W, Most);
        Fits("The channels", Math.Max(x.C, y.C), Most);
        Fits("The weights of an output channel", (Int128)w.C * w.H * w.W, int.MaxValue);
        _ = problem.Flops;
        (int sh, int dh) = Steps("rows", x.H, y.H, w.H, problem.StrideH, problem.DilationH, paddedH);
        (int sw, int dw) = Steps("columns", x.W, y.W, w.W, problem.StrideW, problem.DilationW, paddedW);
        return new ConvSizes(x.N, x.C, x.H, x.W, w.N, w.H, w.W, y.H, y.W, sh, sw, dh, dw, p.Top, p.Left, p.Bottom, p.Right, problem.Groups);
    }

    /// <summary>The column matrix of all groups: (1, 1, IC·KH·KW, N·OH·OW).</summary>
    /// <exception cref="ConvShapeException">A side does not fit 31 bits.</exception>
    public static TensorShape ColumnMatrix(in ConvSizes s) => new(
        1, 1,
        Fits("The rows of the column matrix", (Int128)s.IC * s.KH * s.KW, int.MaxValue),
        Fits("The columns of the column matrix", (Int128)s.N * s.OH * s.OW, int.MaxValue));

    /// <summary>Stride and dilation of an axis.</summary>
    private static (int Stride, int Dilation) Steps(string what, int size, int outputs, int taps, int stride, int dilation, long padded)
    {
        (stride, dilation) = ((int)Math.Min(stride, padded), (int)Math.Min(dilation, padded));
        if (outputs > 1) Fits($"The {what} from an output to the next", stride, MostStride);
        Fits($"The {what} of the input and those that a kernel spans", size + ((taps - 1L) * dilation), Most);
        return (stride, dilation);
    }

    private static int Fits(string what, Int128 count, int most) => count <= most
        ? (int)count
        : throw new ConvShapeException($"{what} are {count}; they must be at most {most}.");
}
