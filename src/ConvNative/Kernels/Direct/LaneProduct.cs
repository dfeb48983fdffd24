namespace ConvNative.Kernels;

/// <summary>Pixels of a product that a column of the kernel leaves out, since it reads padding for them.</summary>
internal enum LaneSkip
{
    None,
    Left1,
    Left2,
    Left3,
    Right1,
    Right2,
    Right3,
    All,
}

/// <summary>
/// What a lane kernel computes: neighbouring pixels of a row of outputs, with output channels in the lanes:
/// <code>
/// C[q·N + j] += Σ over r &lt; Rows, s &lt; Columns, k &lt; K of A[r·RowStep + s·ColumnStep + k·KStep + q] · B[r·RowTaps + s·TapStep + k·N + j]
/// q &lt; pixels, but for those that Skips[s] leaves out;   j &lt; N = vectors · Width
/// </code>
/// </summary>
internal unsafe struct LaneProduct
{
    /// <summary>The first pixel's first input.</summary>
    public float* A;

    /// <summary>Floats from what a row of the kernel reads to what the next one does.</summary>
    public nint RowStep;

    /// <summary>Floats from what a column of the kernel reads to what the next one does.</summary>
    public nint ColumnStep;

    /// <summary>Floats from a channel to the next.</summary>
    public nint KStep;

    /// <summary>Weights.</summary>
    public float* B;

    /// <summary>Floats from the weights of a row to those of the next.</summary>
    public nint RowTaps;

    /// <summary>Floats from the weights of a column to those of the next.</summary>
    public nint TapStep;

    /// <summary>Rows of the kernel.</summary>
    public int Rows;

    /// <summary>Columns of the kernel.</summary>
    public int Columns;

    /// <summary>For each column.</summary>
    public LaneSkip* Skips;

    /// <summary>Channels that are summed over.</summary>
    public int K;

    public float* C;
}
