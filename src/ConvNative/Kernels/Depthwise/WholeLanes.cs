using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>What <see cref="PixelLanes"/> does, for as many planes as a vector has lanes: whole vectors of pixels in, whole vectors of a plane out.</summary>
internal static unsafe class WholeLanes<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Quad = 4, Oct = 8;

    /// <summary>Whether lines of so many pixels are long enough.</summary>
    public static bool CanGather(int count) => S.Width >= Oct && count >= Quad;

    /// <summary>Whether so many pixels are enough.</summary>
    public static bool CanScatter(int count) => S.Width >= Oct && count >= S.Width;

    /// <summary>
    /// For each of several lines, at distances of <paramref name="line"/> and <paramref name="pixelLine"/> floats: pixels[k·Width + i] = planes[i·ld + k], k &lt; count. The last
    /// columns of a line are taken once more with some before them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(float* planes, nint ld, int lines, nint line, int count, float* pixels, nint pixelLine)
    {
        for (; lines > 0; lines--, planes += line, pixels += pixelLine)
        {
            int k = 0;
            for (; k + Quad < count && count >= Oct; k += Oct)
            {
                int at = Math.Min(k, count - Oct);
                S.LoadOcts(planes + at, ld, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
                Put(pixels + (at * S.Width), c0, c1, c2, c3);
                Put(pixels + ((at + Quad) * S.Width), c4, c5, c6, c7);
            }

            for (; k < count; k += Quad)
            {
                int at = Math.Min(k, count - Quad);
                S.LoadQuads(planes + at, ld, out V c0, out V c1, out V c2, out V c3);
                Put(pixels + (at * S.Width), c0, c1, c2, c3);
            }
        }
    }

    /// <summary>planes[i·ld + k] = pixels[k·Width + i], k &lt; count; the last vector of a plane begins early enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* pixels, int count, float* planes, nint ld)
    {
        for (int k = 0; k < count; k += S.Width)
        {
            int at = Math.Min(k, count - S.Width);
            for (int i = 0; i < S.Width; i += Oct)
            {
                float* to = planes + (i * ld) + at;
                S.LoadOcts(pixels + (at * S.Width) + i, S.Width, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
                Plane(to, ld, c0, c1, c2, c3);
                Plane(to + (Quad * ld), ld, c4, c5, c6, c7);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* to, V c0, V c1, V c2, V c3) => Plane(to, S.Width, c0, c1, c2, c3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Plane(float* to, nint pitch, V c0, V c1, V c2, V c3)
    {
        S.Store(to, c0);
        S.Store(to + pitch, c1);
        S.Store(to + (2 * pitch), c2);
        S.Store(to + (3 * pitch), c3);
    }
}
