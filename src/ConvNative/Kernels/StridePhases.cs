using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// A convolution with strides as one without, over a channel for each channel and stride phase ("polyphase decomposition"):
/// <code>
/// x'[c, a, b][i][j] = x[c][sh·i + a − pt − h][sw·j + b − pl − v]        w'[oc][c, a, b][p][q] = w[oc][c][sh·p + a − h][sw·q + b − v]
/// y = x' ∗ w'                                                   0 ≤ a &lt; sh, 0 ≤ b &lt; sw,   h, v: zeros before the kernel
/// </code>
/// What lies outside x or w is zero. Rows and columns of x' that hold only padding are left to the convolution's own padding. A kernel has
/// ⌈KH/sh⌉ × ⌈KW/sw⌉ taps in each phase. Where w' has room for it, zeros before the kernel, and as much padding, make the image begin with phase 0: then its planes
/// are no larger than it is.
/// </summary>
internal sealed unsafe class StridePhases
{
    private readonly (int h, int v) _lead;
    private int[] _places = [];   // of each tap of a kernel in w': [phase][tap]

    /// <param name="s">Sizes with strides, dilation 1.</param>
    /// <param name="taps">Rows and columns of w', at least the taps of a phase.</param>
    public StridePhases(in ConvSizes s, int taps)
    {
        (int h, int v) = _lead = (Lead(s.KH, s.sh, s.pt, taps), Lead(s.KW, s.sw, s.pl, taps));
        long top = (long)s.pt + h, left = (long)s.pl + v;
        (FirstRow, FirstColumn) = ((int)(top % s.sh), (int)(left % s.sw));
        (Strided, Unit) = (s, Without(s, top, left, taps));
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

    /// <summary>Lists where the taps of a kernel stand in w': for a pass that will run.</summary>
    public void ListTaps()
    {
        ConvSizes s = Strided;
        int taps = Unit.KH;
        _places = GC.AllocateUninitializedArray<int>(s.KH * s.KW, pinned: true);
        for (int i = 0; i < _places.Length; i++)
        {
            (int p, int a) = Math.DivRem((i / s.KW) + _lead.h, s.sh);
            (int q, int b) = Math.DivRem((i % s.KW) + _lead.v, s.sw);
            _places[i] = (((((a * s.sw) + b) * taps) + p) * taps) + q;
        }
    }

    /// <summary>Rows of an image from rows [first, end) of its planes; <paramref name="planes"/>: row first of the first plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Join(Isa isa, float* planes, float* x, int first, int end)
    {
        ConvSizes s = Strided;
        int row = RowsIn(first), rows = RowsIn(end) - row, phase = first == 0 ? FirstRow : 0;
        x += (nint)row * s.IW;
        for (int c = 0; c < s.IC; c++, planes += Planes.ChannelStride, x += s.InputPixels)
            PlaneStore.Interleaved(isa, planes, Planes.PlaneLength, s.sh, s.sw, Planes.Pitch, rows, s.IW, x, s.IW, phase, FirstColumn);
    }

    /// <summary>w' of some kernels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SplitWeights(float* w, int kernels, float* split)
    {
        int* places = Places;
        int taps = _places.Length, length = SplitLength;
        new Span<float>(split, kernels * length).Clear();
        for (; kernels > 0; kernels--, w += taps, split += length)
        {
            for (int i = 0; i < taps; i++) split[places[i]] = w[i];
        }
    }

    /// <summary>Some kernels from their w'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void JoinWeights(float* split, int kernels, float* w)
    {
        int* places = Places;
        int taps = _places.Length, length = SplitLength;
        for (; kernels > 0; kernels--, w += taps, split += length)
        {
            for (int i = 0; i < taps; i++) w[i] = split[places[i]];
        }
    }

    private int* Places => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_places));

    /// <summary>Floats of a kernel in w'.</summary>
    private int SplitLength => Unit.PatchLength / Strided.GroupIC;

    /// <summary>Rows of x that lie in so many first rows of x'.</summary>
    private int RowsIn(int planeRows) => Math.Clamp((planeRows * Strided.sh) - FirstRow, 0, Strided.IH);

    /// <summary>Zeros before a kernel that make its padding a multiple of the stride; none where it would have too many taps.</summary>
    private static int Lead(int K, int stride, int padding, int taps)
    {
        int lead = (stride - (padding % stride)) % stride;
        return K + lead <= taps * stride ? lead : 0;
    }

    /// <summary>Sizes without strides.</summary>
    private static ConvSizes Without(in ConvSizes s, long top, long left, int taps)
    {
        int pt = (int)(top / s.sh), pl = (int)(left / s.sw);
        return s with
        {
            IC = s.IC * s.sh * s.sw,
            IH = (int)BlockSizes.CeilDiv(s.IH + top, (long)s.sh) - pt, IW = (int)BlockSizes.CeilDiv(s.IW + left, (long)s.sw) - pl,
            KH = taps, KW = taps, sh = 1, sw = 1, pt = pt, pl = pl,
        };
    }
}
