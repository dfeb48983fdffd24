namespace ConvNative.Kernels;

/// <summary>
/// Winograd's transforms of one size of kernels, in one dimension: F(4, r) over r + 3 of <see cref="WinogradPoints"/>. They are written for eight points;
/// where there are six or seven, what stands for the others is zero and not read.
/// </summary>
internal unsafe interface IWinogradScheme<V>
    where V : struct
{
    /// <summary>r, the taps of a kernel.</summary>
    static abstract int Taps { get; }

    /// <summary>The points, and the inputs of a tile: r + 3.</summary>
    static abstract int Reach { get; }

    /// <summary>v = Bᵀ·d</summary>
    static abstract void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7);

    /// <summary>u = G·g; taps beyond the kernel's are not read.</summary>
    static abstract void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7);

    /// <summary>y = Aᵀ·m with mᵢ = m[i·stride]</summary>
    static abstract void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3);

    /// <summary>m = A·y</summary>
    static abstract void OutputTransposed(
        V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7);

    /// <summary>g = Gᵀ·u with uᵢ = u[i·stride]; taps beyond the kernel's are zero.</summary>
    static abstract void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4);
}
