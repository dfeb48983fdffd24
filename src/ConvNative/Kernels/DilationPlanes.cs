using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// An image as images of its pixels whose rows and columns leave the same rest modulo the dilation, one row phase at a time:
/// <code>planes[b][c][i][j] = image[c][dh·i + a − top][dw·j + b − left],   of row phase a</code>
/// What lies outside the image is zero; of each plane that is at most the first and the last row and column.
/// </summary>
/// <param name="Channels">Of the image.</param>
/// <param name="Height">Rows of the image.</param>
/// <param name="Width">Columns of the image.</param>
/// <param name="dh">Row phases.</param>
/// <param name="dw">Column phases.</param>
/// <param name="Top">The row phase of the image's first row.</param>
/// <param name="Left">The column phase of its first column.</param>
internal sealed record DilationPlanes(int Channels, int Height, int Width, int dh, int dw, int Top, int Left)
{
    /// <summary>Rows of a plane.</summary>
    public int Rows { get; } = BlockSizes.CeilDiv(Height + Top, dh);

    /// <summary>Columns of a plane.</summary>
    public int Columns { get; } = BlockSizes.CeilDiv(Width + Left, dw);

    /// <summary>Floats of an image.</summary>
    public nint ImageLength => (nint)Channels * Height * Width;

    /// <summary>Floats from a column phase to the next.</summary>
    public nint PhaseStride => (nint)Channels * Rows * Columns;

    /// <summary>Floats of the planes of one row phase of an image.</summary>
    public nint Length => dw * PhaseStride;

    /// <summary>The rows of a row phase's planes that stand in the image.</summary>
    public DilationRun RowsOf(int phase) => Run(phase, Height, dh, Top, Rows);

    /// <summary>The columns of a column phase's planes that stand in the image.</summary>
    public DilationRun ColumnsOf(int phase) => Run(phase, Width, dw, Left, Columns);

    private static DilationRun Run(int phase, int size, int dilation, int before, int all)
    {
        int begin = phase < before ? 1 : 0, first = (begin * dilation) + phase - before;
        return new(begin, first + ((all - begin - 1) * dilation) < size ? all : all - 1, first);
    }
}

/// <summary>Rows or columns of a plane, from <paramref name="Begin"/> to before <paramref name="End"/>; Begin is number <paramref name="First"/> of the image.</summary>
internal readonly record struct DilationRun(int Begin, int End, int First)
{
    public int Count => End - Begin;
}
