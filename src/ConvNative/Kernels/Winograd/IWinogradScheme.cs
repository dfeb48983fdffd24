namespace ConvNative.Kernels;

/// <summary>What of Winograd's transforms depends on the kernels' size, in one dimension: F(m, r) over <see cref="WinogradPoints"/>.</summary>
internal unsafe interface IWinogradScheme<V>
    where V : struct
{
    /// <summary>m, the outputs of a tile.</summary>
    static abstract int Tile { get; }

    /// <summary>r, the taps of a kernel.</summary>
    static abstract int Taps { get; }

    /// <summary>u = G·g with gᵢ = g[i·stride]</summary>
    static abstract void Filter(float* g, nint stride, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5);

    /// <summary>y = Aᵀ·m with mᵢ = m[i·stride]; those beyond the tile are zero.</summary>
    static abstract void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3);

    /// <summary>m = A·y; outputs beyond the tile are not read.</summary>
    static abstract void OutputTransposed(V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5);

    /// <summary>g = Gᵀ·u with uᵢ = u[i·stride]; taps beyond the kernel's are zero.</summary>
    static abstract void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4);
}
