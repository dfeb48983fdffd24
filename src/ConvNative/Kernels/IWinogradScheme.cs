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
}
