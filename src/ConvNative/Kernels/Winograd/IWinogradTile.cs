namespace ConvNative.Kernels;

/// <summary>
/// Winograd's transforms of a tile in one dimension: F(m, r) over m + r − 1 of <see cref="WinogradPoints"/>. They are written for eight points and inputs and
/// six outputs; what stands for others is zero and not read.
/// </summary>
internal unsafe interface IWinogradTile<V> : IWinogradPoints
    where V : struct
{
    /// <summary>m, the outputs of the tile.</summary>
    static abstract int Outputs { get; }

    /// <summary>m + r − 1, the inputs of the tile.</summary>
    static abstract int Inputs { get; }

    /// <summary>The points of the whole scheme, of which a tile at an image's edge may have a part: products lie where the scheme has them.</summary>
    static abstract int Reach { get; }

    /// <summary>v = Bᵀ·d</summary>
    static abstract void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7);

    /// <summary>y = Aᵀ·m with mᵢ = m[i·stride]</summary>
    static abstract void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5);

    /// <summary>m = A·y, without factors that <see cref="Output"/> may have from G.</summary>
    static abstract void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7);
}

/// <summary>Some of the points of a scheme.</summary>
internal interface IWinogradPoints
{
    /// <summary>Whether a point of the scheme is one of them; products lie where the scheme has them.</summary>
    static abstract bool Has(int point);
}
