namespace ConvNative.Kernels;

/// <summary>
/// A convolution with dilation as one without, of an image for each image and phase of the dilation: outputs whose rows and columns leave the same rest
/// modulo the dilation read only pixels that do so too.
/// <code>
/// x'[n, a, b][c][i][j] = x[n][c][dh·i + a − pt][dw·j + b − pl]          y[n][oc][dh·i + a][dw·j + b] = (x'[n, a, b] ∗ w)[oc][i][j]
/// 0 ≤ a &lt; dh, 0 ≤ b &lt; dw
/// </code>
/// What lies outside x is zero. Rows and columns of x' that hold only padding are left to the convolution's own padding. Some phases have a row or a column
/// less than others: of x' it is zero, of what is made of x' it is left out.
/// </summary>
internal sealed class DilationPhases
{
    /// <param name="s">Sizes with dilation, stride 1.</param>
    public DilationPhases(in ConvSizes s)
    {
        (int pt, int top) = Math.DivRem(s.pt, s.dh);
        (int pl, int left) = Math.DivRem(s.pl, s.dw);
        X = new DilationPlanes(s.IC, s.IH, s.IW, s.dh, s.dw, top, left);
        Y = new DilationPlanes(s.OC, s.OH, s.OW, s.dh, s.dw, 0, 0);
        Unit = s with { N = s.dw, IH = X.Rows, IW = X.Columns, OH = Y.Rows, OW = Y.Columns, dh = 1, dw = 1, pt = pt, pl = pl };
    }

    /// <summary>The convolution without dilation of one row phase of an image.</summary>
    public ConvSizes Unit { get; }

    /// <summary>The phases of x.</summary>
    public DilationPlanes X { get; }

    /// <summary>The phases of y.</summary>
    public DilationPlanes Y { get; }
}
