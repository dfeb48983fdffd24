using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The kernels of a vector of channels, one input channel after the other, so that there is one for each lane: where not all channels exist, copies of
/// those that do, and zeros for the others.
/// </summary>
internal readonly unsafe struct LaneCopies<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private readonly nint _laneStride;
    private readonly int _taps;
    private readonly float* _copies;

    /// <param name="laneStride">Floats between channels.</param>
    /// <param name="lanes">Channels that exist, 1 … Width.</param>
    /// <param name="taps">Of a kernel.</param>
    /// <param name="buffer">As many floats as <see cref="Length"/> says.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LaneCopies(nint laneStride, int lanes, int taps, float* buffer)
    {
        (_laneStride, _taps, Lanes) = (laneStride, taps, lanes);
        _copies = StackBuffer.Align(buffer);
        Pitch = lanes == S.Width ? laneStride : RowOf(taps);
        if (lanes < S.Width) new Span<float>(_copies, S.Width * RowOf(taps)).Clear();
    }

    /// <summary>Channels that exist.</summary>
    public int Lanes { get; }

    /// <summary>Floats between the kernels of two lanes.</summary>
    public nint Pitch { get; }

    /// <summary>Floats of the buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Length(int taps) => (S.Width * RowOf(taps)) + StackBuffer.Slack;

    /// <summary>Whole vectors: what is stored in one piece is near when a part of it is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RowOf(int taps) => BlockSizes.RoundUp(taps, S.Width);

    /// <summary>The first channel's kernel where it is <paramref name="w"/>; others stand <see cref="Pitch"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* At(float* w) => Lanes == S.Width ? w : Copy(w);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private float* Copy(float* w)
    {
        float* to = _copies;
        for (int i = 0; i < Lanes; i++, w += _laneStride, to += Pitch)
        {
            int tap = 0;
            for (; tap <= _taps - S.Width; tap += S.Width) S.Store(to + tap, S.Load(w + tap));
            if (tap < _taps) S.Store(to + tap, S.LoadPartial(w + tap, _taps - tap));
        }

        return _copies;
    }
}
