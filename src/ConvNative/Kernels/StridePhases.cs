namespace ConvNative.Kernels;

/// <summary>
/// A convolution with strides as one without, over a channel for each channel and stride phase ("polyphase decomposition"):
/// <code>
/// x'[c, a, b][i][j] = x[c][sh·i + a − pt][sw·j + b − pl]        w'[oc][c, a, b][p][q] = w[oc][c][sh·p + a][sw·q + b]
/// y = x' ∗ w'                                                   0 ≤ a &lt; sh, 0 ≤ b &lt; sw
/// </code>
/// What lies outside x or w is zero. Rows and columns of x' that hold only padding are left to the convolution's own padding; the phases are counted
/// from the first row and column of the padded image, so that a kernel has ⌈KH/sh⌉ × ⌈KW/sw⌉ taps, and no more, in all of them.
/// </summary>
internal sealed unsafe class StridePhases
{
    private readonly int[] _map;

    /// <param name="s">Sizes with strides, dilation 1.</param>
    /// <param name="taps">Rows and columns of w', at least the taps of a phase.</param>
    public StridePhases(in ConvSizes s, int taps)
    {
        (Strided, Unit) = (s, Without(s, taps));
        ReadOnlySpan<Tap> corners = [new(-FirstRow, -FirstColumn), new(s.sh - 1 - FirstRow, s.sw - 1 - FirstColumn)];
        Planes = new PhasePlanes(s.IH, s.IW, Unit.IH, Unit.IW, s.sh, s.sw, corners, isDense: true);
        _map = GC.AllocateUninitializedArray<int>(s.sh * s.sw * taps * taps, pinned: true);
        for (int i = 0; i < _map.Length; i++)
        {
            (int phase, int tap) = Math.DivRem(i, taps * taps);
            int kh = (tap / taps * s.sh) + (phase / s.sw), kw = (tap % taps * s.sw) + (phase % s.sw);
            _map[i] = kh < s.KH && kw < s.KW ? (kh * s.KW) + kw : -1;
        }
    }

    /// <summary>The convolution with strides.</summary>
    public ConvSizes Strided { get; }

    /// <summary>The one without.</summary>
    public ConvSizes Unit { get; }

    /// <summary>Where x' stands: [channel][phase][row][column], without gaps.</summary>
    public PhasePlanes Planes { get; }

    /// <summary>The phase of the first row of x.</summary>
    public int FirstRow => Strided.pt % Strided.sh;

    /// <summary>The phase of the first column of x.</summary>
    public int FirstColumn => Strided.pl % Strided.sw;

    /// <summary>Floats of all w'.</summary>
    public long WeightsLength => (long)Strided.OC * Strided.GroupIC * _map.Length;

    /// <summary>Rows of x that lie in so many first rows of x'.</summary>
    public int RowsIn(int planeRows) => Math.Clamp((planeRows * Strided.sh) - FirstRow, 0, Strided.IH);

    /// <summary>Sizes without strides.</summary>
    private static ConvSizes Without(in ConvSizes s, int taps)
    {
        int phases = s.sh * s.sw, pt = s.pt / s.sh, pl = s.pl / s.sw;
        return s with
        {
            IC = s.IC * phases, IH = BlockSizes.CeilDiv(s.IH + s.pt, s.sh) - pt, IW = BlockSizes.CeilDiv(s.IW + s.pl, s.sw) - pl,
            KH = taps, KW = taps, sh = 1, sw = 1, pt = pt, pl = pl,
        };
    }

    /// <summary>w' of some kernels.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    public void Split(float* w, int kernels, float* split)
    {
        int size = Strided.KH * Strided.KW;
        for (; kernels > 0; kernels--, w += size, split += _map.Length)
        {
            for (int i = 0; i < _map.Length; i++) split[i] = _map[i] < 0 ? 0 : w[_map[i]];
        }
    }

    /// <summary>Some kernels of w'.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    public void Join(float* split, int kernels, float* w)
    {
        int size = Strided.KH * Strided.KW;
        for (; kernels > 0; kernels--, w += size, split += _map.Length)
        {
            for (int i = 0; i < _map.Length; i++)
            {
                if (_map[i] >= 0) w[_map[i]] = split[i];
            }
        }
    }
}
