namespace ConvNative.Kernels;

/// <summary>
/// Output positions [First, End) of one axis whose input position o·stride + origin lies inside the image, where
/// origin = tap·dilation − padding is what one kernel tap reads for o = 0. Empty when the tap never meets the image.
/// </summary>
internal readonly record struct TapRange(int First, int End)
{
    /// <summary>First = ⌈−origin/stride⌉ and End = ⌈(size − origin)/stride⌉, both held to 0 … outputs.</summary>
    public static TapRange Inside(int size, int outputs, int stride, long origin) =>
        new(Reach(-origin, stride, outputs), Reach(size - origin, stride, outputs));

    public int Length => Math.Max(0, End - First);

    public bool Contains(int o) => o >= First && o < End;

    public TapRange Intersect(TapRange other) => new(Math.Max(First, other.First), Math.Min(End, other.End));

    /// <summary>⌈distance/stride⌉ held to 0 … outputs.</summary>
    private static int Reach(long distance, int stride, int outputs)
    {
        if (distance <= 0)
            return 0;
        return (int)Math.Min(stride == 1 ? distance : (distance + stride - 1) / stride, outputs);
    }
}
