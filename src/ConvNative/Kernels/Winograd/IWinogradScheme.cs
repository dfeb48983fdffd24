namespace ConvNative.Kernels;

/// <summary>The transforms of whole tiles, and those of kernels, in one dimension.</summary>
internal unsafe interface IWinogradScheme<V> : IWinogradTile<V>
    where V : struct
{
    /// <summary>r, the taps of a kernel.</summary>
    static abstract int Taps { get; }

    /// <summary>A tap of a 3×3 kernel in two dimensions as <see cref="Filter"/> takes it; <paramref name="power"/> is its row plus its column.</summary>
    static abstract V Tap(V g, int power);

    /// <summary>u = G·g of such taps; those beyond the kernel's are not read.</summary>
    static abstract void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7);

    /// <summary>g = Gᵀ·u, with all factors 1/N(p), and uᵢ = u[i·stride]; taps beyond the kernel's are zero.</summary>
    static abstract void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4);
}
