using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The kernels of a vector of channels, one input channel after the other, so that there is one for each lane: where not all channels exist, copies of
/// those that do, and zeros for the others.
/// </summary>
/// <param name="laneStride">Floats between channels.</param>
/// <param name="lanes">Channels that exist, 1 … Width.</param>
/// <param name="taps">Of a kernel.</param>
/// <param name="copies">As many zeros as <see cref="Length"/> says.</param>
internal readonly unsafe struct LaneCopies<S, V>(nint laneStride, int lanes, int taps, float* copies)
    where S : struct, ISimd<V>
    where V : struct
{
    public int Lanes { get; } = lanes;

    /// <summary>Floats between the kernels of two lanes.</summary>
    public nint Pitch { get; } = lanes == S.Width ? laneStride : RowOf(taps);

    /// <summary>Floats of the copies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Length(int taps) => S.Width * RowOf(taps);

    /// <summary>Whole vectors: what is stored in one piece is near when a part of it is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RowOf(int taps) => BlockSizes.RoundUp(taps, S.Width);

    /// <summary>The first channel's kernel where it is <paramref name="w"/>; others stand <see cref="Pitch"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* At(float* w) => Lanes == S.Width ? w : Copy(w);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private float* Copy(float* w)
    {
        float* to = copies;
        for (int i = 0; i < Lanes; i++, w += laneStride, to += Pitch)
        {
            int tap = 0;
            for (; tap <= taps - S.Width; tap += S.Width) S.Store(to + tap, S.Load(w + tap));
            if (tap < taps) S.Store(to + tap, S.LoadPartial(w + tap, taps - tap));
        }

        return copies;
    }
}
