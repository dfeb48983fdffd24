namespace ConvNative.Kernels;

/// <summary>The outputs that see the same taps. Forward: all of them. Backward-data: the pixels (i·sh + rh, j·sw + rw) of one residue pair.</summary>
/// <param name="Kernel">Flat kernel position (kh·KW + kw) of each tap.</param>
/// <param name="Taps">Where each tap reads, relative to its grid point.</param>
internal sealed record ResidueClass(int[] Kernel, Tap[] Taps)
{
    private const int Most = 4096;

    /// <summary>Output (oh, ow) reads x at (oh·sh + kh·dh − pt, ow·sw + kw·dw − pl).</summary>
    public static ResidueClass Forward(ConvSizes s)
    {
        int[] kernel = [.. Enumerable.Range(0, s.KH * s.KW)];
        return new(kernel, Array.ConvertAll(kernel, t => new Tap((t / s.KW * s.dh) - s.pt, (t % s.KW * s.dw) - s.pl)));
    }

    /// <summary>Pixel (i·sh + rh, j·sw + rw) of dx reads dy at (i + (rh + pt − kh·dh)/sh, j + (rw + pl − kw·dw)/sw), where both divide.</summary>
    public static ResidueClass BackwardData(in ConvSizes s, int rh, int rw)
    {
        (int Tap, int Distance)[] rows = Axis(s.KH, s.dh, s.sh, rh + s.pt), columns = Axis(s.KW, s.dw, s.sw, rw + s.pl);
        var (kernel, taps) = (new int[rows.Length * columns.Length], new Tap[rows.Length * columns.Length]);
        int i = 0;
        foreach ((int kh, int row) in rows)
        {
            foreach ((int kw, int column) in columns) (kernel[i], taps[i++]) = ((kh * s.KW) + kw, new Tap(row, column));
        }

        return new(kernel, taps);
    }

    /// <summary>Why a pass that makes something of each class does not take so many; null: it does.</summary>
    public static string? TooMany(int rows, int columns) => (long)rows * columns > Most
        ? $"its backward-data takes each residue class of the strides by itself; these are {(long)rows * columns}, and must be at most {Most}"
        : null;

    /// <summary>The taps of one axis whose distance (position − tap·dilation)/stride is whole.</summary>
    private static (int Tap, int Distance)[] Axis(int taps, int dilation, int stride, int position)
    {
        Span<(int Tap, int Distance)> whole = taps <= 64 ? stackalloc (int, int)[taps] : new (int, int)[taps];
        int count = 0;
        for (int tap = 0; tap < taps; tap++)
        {
            (int distance, int rest) = Math.DivRem(position - (tap * dilation), stride);
            if (rest == 0) whole[count++] = (tap, distance);
        }

        return whole[..count].ToArray();
    }
}
