using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Panels that a tap's weights go to: where panel 0 has them, and floats from a panel to the next.</summary>
internal unsafe struct TapPanels
{
    public float* First;
    public nint Step;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float* Lanes(int panel, int lane) => First + (panel * Step) + lane;
}

/// <summary>
/// Kernels that follow each other into the panels of the residue classes of strides, of which each has some of the taps:
/// <code>
/// taps[t].First[p·taps[t].Step + i] = source[(p·R + i)·area + t], i &lt; R, t &lt; count;  0 where p·R + i ≥ lanes
/// </code>
/// All classes at once, so that the weights are read once and turned in registers. <see cref="PanelPackingReference.FromKernels"/> says the same in plain loops.
/// </summary>
internal static unsafe class TapPacking
{
    /// <summary>
    /// R is a multiple of 4. <paramref name="ahead"/>: floats from here to what is packed next, which is asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromKernels(float* source, nint ahead, int area, int count, int lanes, int R, TapPanels* taps)
    {
        int width = R % Simd256.Width == 0 ? Simd256.Width : Simd128.Width;
        for (int first = 0, panel = 0; first < lanes; first += R, panel++)
        for (int i = 0; i < R; i += width, source += width * area)
        {
            for (int line = 0; line < width * area; line += Prefetch.Line) Prefetch.ToL1(source + ahead + line);
            int present = Math.Clamp(lanes - first - i, 0, width);
            if (present < width || count < width) Scalar(source, area, count, present, width, panel, i, taps);
            else if (width == Simd128.Width) Quads(source, area, count, panel, i, taps);
            else if (area == 9 && count == 9) Nines(source, panel, i, taps);
            else Octs(source, area, count, panel, i, taps);
        }
    }

    // The last taps begin so that they end with the others; they may repeat some.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Octs(float* source, int area, int count, int panel, int lane, TapPanels* taps)
    {
        for (int t = 0; t < count; t += 8)
        {
            int tap = Math.Min(t, count - 8);
            Simd256.LoadOcts(
                source + tap, area, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3, out Vector256<float> c4,
                out Vector256<float> c5, out Vector256<float> c6, out Vector256<float> c7);
            TapPanels* to = taps + tap;
            c0.Store(to[0].Lanes(panel, lane));
            c1.Store(to[1].Lanes(panel, lane));
            c2.Store(to[2].Lanes(panel, lane));
            c3.Store(to[3].Lanes(panel, lane));
            c4.Store(to[4].Lanes(panel, lane));
            c5.Store(to[5].Lanes(panel, lane));
            c6.Store(to[6].Lanes(panel, lane));
            c7.Store(to[7].Lanes(panel, lane));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nines(float* source, int panel, int lane, TapPanels* taps)
    {
        Simd256.LoadNines(
            source, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3, out Vector256<float> c4, out Vector256<float> c5,
            out Vector256<float> c6, out Vector256<float> c7, out Vector256<float> c8);
        c0.Store(taps[0].Lanes(panel, lane));
        c1.Store(taps[1].Lanes(panel, lane));
        c2.Store(taps[2].Lanes(panel, lane));
        c3.Store(taps[3].Lanes(panel, lane));
        c4.Store(taps[4].Lanes(panel, lane));
        c5.Store(taps[5].Lanes(panel, lane));
        c6.Store(taps[6].Lanes(panel, lane));
        c7.Store(taps[7].Lanes(panel, lane));
        c8.Store(taps[8].Lanes(panel, lane));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads(float* source, int area, int count, int panel, int lane, TapPanels* taps)
    {
        for (int t = 0; t < count; t += 4)
        {
            int tap = Math.Min(t, count - 4);
            Simd128.LoadQuads(source + tap, area, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3);
            TapPanels* to = taps + tap;
            c0.Store(to[0].Lanes(panel, lane));
            c1.Store(to[1].Lanes(panel, lane));
            c2.Store(to[2].Lanes(panel, lane));
            c3.Store(to[3].Lanes(panel, lane));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scalar(float* source, int area, int count, int present, int width, int panel, int lane, TapPanels* taps)
    {
        for (int t = 0; t < count; t++)
        {
            float* to = taps[t].Lanes(panel, lane);
            for (int i = 0; i < width; i++) to[i] = i < present ? source[((nint)i * area) + t] : 0;
        }
    }
}
