using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ConvNative.Kernels;

/// <summary>
/// A convolution with strides as one without, over a channel for each channel and stride phase ("polyphase decomposition"):
/// <code>
/// x'[c, a, b][i][j] = x[c][sh·i + a − pt − h][sw·j + b − pl − v]        w'[oc][c, a, b][p][q] = w[oc][c][sh·p + a − h][sw·q + b − v]
/// y = x' ∗ w'                                                   0 ≤ a &lt; sh, 0 ≤ b &lt; sw,   h, v: zeros before the kernel
/// </code>
/// What lies outside x or w is zero. Rows and columns of x' that hold only padding are left to the convolution's own padding. A kernel has ⌈KH/sh⌉ × ⌈KW/sw⌉
/// taps in each phase. Where w' has room for it, zeros before the kernel, and as much padding, make the image begin with phase 0: then its planes
/// are no larger than it is.
/// </summary>
internal sealed unsafe class StridePhases
{
    private readonly (int h, int v) _lead;
    private int[] _map = [];   // [phase][tap]: where in a kernel; −1: the phase has no such tap

    /// <param name="s">Sizes with strides, dilation 1.</param>
    /// <param name="taps">Rows and columns of w', at least the taps of a phase.</param>
    public StridePhases(in ConvSizes s, int taps)
    {
        (int h, int v) = _lead = (Lead(s.KH, s.sh, s.pt, taps), Lead(s.KW, s.sw, s.pl, taps));
        (FirstRow, FirstColumn) = ((s.pt + h) % s.sh, (s.pl + v) % s.sw);
        (Strided, Unit) = (s, Without(s, s.pt + h, s.pl + v, taps));
        ReadOnlySpan<Tap> corners = [new(-FirstRow, -FirstColumn), new(s.sh - 1 - FirstRow, s.sw - 1 - FirstColumn)];
        Planes = new PhasePlanes(s.IH, s.IW, Unit.IH, Unit.IW, s.sh, s.sw, corners, isDense: true);
    }

    /// <summary>The convolution with strides.</summary>
    public ConvSizes Strided { get; }

    /// <summary>The one without.</summary>
    public ConvSizes Unit { get; }

    /// <summary>Where x' stands: [channel][phase][row][column], without gaps.</summary>
    public PhasePlanes Planes { get; }

    /// <summary>The phase of the first row of x.</summary>
    public int FirstRow { get; }

    /// <summary>The phase of the first column of x.</summary>
    public int FirstColumn { get; }

    /// <summary>Floats of all w'.</summary>
    public long WeightsLength => (long)Strided.OC * Unit.PatchLength;

    /// <summary>Rows of x that lie in so many first rows of x'.</summary>
    public int RowsIn(int planeRows) => Math.Clamp((planeRows * Strided.sh) - FirstRow, 0, Strided.IH);

    /// <summary>Lists the taps that the kernels read: for a pass that will run.</summary>
    public void ListTaps()
    {
        ConvSizes s = Strided;
        int taps = Unit.KH;
        _map = GC.AllocateUninitializedArray<int>(s.sh * s.sw * taps * taps, pinned: true);
        for (int i = 0; i < _map.Length; i++)
        {
            (int phase, int tap) = Math.DivRem(i, taps * taps);
            int kh = (tap / taps * s.sh) + (phase / s.sw) - _lead.h, kw = (tap % taps * s.sw) + (phase % s.sw) - _lead.v;
            _map[i] = (uint)kh < (uint)s.KH && (uint)kw < (uint)s.KW ? (kh * s.KW) + kw : -1;
        }
    }

    private int* Map => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_map));

    /// <summary>Zeros before a kernel that make its padding a multiple of the stride; none where it would have too many taps.</summary>
    private static int Lead(int K, int stride, int padding, int taps)
    {
        int lead = BlockSizes.RoundUp(padding, stride) - padding;
        return K + lead <= taps * stride ? lead : 0;
    }

    /// <summary>Sizes without strides.</summary>
    private static ConvSizes Without(in ConvSizes s, int top, int left, int taps)
    {
        int pt = top / s.sh, pl = left / s.sw;
        return s with
        {
            IC = s.IC * s.sh * s.sw, IH = BlockSizes.CeilDiv(s.IH + top, s.sh) - pt, IW = BlockSizes.CeilDiv(s.IW + left, s.sw) - pl,
            KH = taps, KW = taps, sh = 1, sw = 1, pt = pt, pl = pl,
        };
    }

    /// <summary>w' of some kernels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Split(float* w, int kernels, float* split)
    {
        int* map = Map;
        int size = Strided.KH * Strided.KW, length = _map.Length;
        for (; kernels > 0; kernels--, w += size, split += length)
        {
            for (int i = 0; i < length; i++) split[i] = map[i] < 0 ? 0 : w[map[i]];
        }
    }

    /// <summary>Some kernels from their w'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Join(float* split, int kernels, float* w)
    {
        int* map = Map;
        int size = Strided.KH * Strided.KW, length = _map.Length;
        for (; kernels > 0; kernels--, w += size, split += length)
        {
            for (int i = 0; i < length; i++)
            {
                if (map[i] >= 0) w[map[i]] = split[i];
            }
        }
    }
}
