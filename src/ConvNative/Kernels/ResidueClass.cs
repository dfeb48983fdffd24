namespace ConvNative.Kernels;

/// <summary>The outputs that see the same taps. Forward: all of them. Backward-data: the pixels (i·sh + rh, j·sw + rw) of one residue pair.</summary>
/// <param name="Kernel">Flat kernel position (kh·KW + kw) of each tap.</param>
/// <param name="Taps">Where each tap reads, relative to its grid point.</param>
internal sealed record ResidueClass(int[] Kernel, Tap[] Taps)
{
    /// <summary>Output (oh, ow) reads x at (oh·sh + kh·dh − pt, ow·sw + kw·dw − pl).</summary>
    public static ResidueClass Forward(ConvSizes s)
    {
        int[] kernel = [.. Enumerable.Range(0, s.KH * s.KW)];
        return new(kernel, Array.ConvertAll(kernel, t => new Tap((t / s.KW * s.dh) - s.pt, (t % s.KW * s.dw) - s.pl)));
    }

    /// <summary>Pixel (i·sh + rh, j·sw + rw) of dx reads dy at (i + (rh + pt − kh·dh)/sh, j + (rw + pl − kw·dw)/sw), where both divide.</summary>
    public static ResidueClass BackwardData(in ConvSizes s, int rh, int rw)
    {
        var (kernel, taps) = (new List<int>(), new List<Tap>());
        for (int kh = 0; kh < s.KH; kh++)
        {
            (int row, int rowRest) = Math.DivRem(rh + s.pt - (kh * s.dh), s.sh);
            if (rowRest != 0) continue;
            for (int kw = 0; kw < s.KW; kw++)
            {
                (int column, int columnRest) = Math.DivRem(rw + s.pl - (kw * s.dw), s.sw);
                if (columnRest != 0) continue;
                kernel.Add((kh * s.KW) + kw);
                taps.Add(new Tap(row, column));
            }
        }

        return new([.. kernel], [.. taps]);
    }
}
