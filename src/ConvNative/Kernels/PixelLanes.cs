using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Moves rows of several planes into pixels of as many lanes, and back: 4 or 8 rows × 4 columns at a time.</summary>
internal static unsafe class PixelLanes
{
    private const int Quad = 4;

    /// <summary>pixels[k·width + i] = rows[i·ld + k] for k &lt; count, i &lt; lanes ≤ width; what other lanes get is not defined.</summary>
    public static void Gather(float* rows, nint ld, int count, int lanes, int width, float* pixels)
    {
        if (count < Quad)
        {
            for (int k = 0; k < count; k++)
            for (int i = 0; i < lanes; i++)
                pixels[(k * width) + i] = rows[(i * ld) + k];
            return;
        }

        int whole = count / Quad * Quad, block = LaneTranspose.Has8 && width >= 8 ? 8 : Quad;
        for (int i = 0; i < lanes; i += block)
        {
            Pack(block, rows + (i * ld), ld, whole, lanes - i, width, pixels + i);
            // The last columns once more with some before them, so that they are four.
            if (whole < count) Pack(block, rows + (i * ld) + count - Quad, ld, Quad, lanes - i, width, pixels + ((count - Quad) * width) + i);
        }
    }

    /// <summary>rows[i·ld + k] = pixels[k·width + i] for k &lt; count, i &lt; lanes ≤ width; writes nothing else.</summary>
    public static void Scatter(float* pixels, int width, int count, int lanes, float* rows, nint ld)
    {
        int i = 0;
        if (count >= Quad)
        {
            for (; Avx.IsSupported && i <= lanes - 8; i += 8) Rows8(pixels + i, width, count, rows + (i * ld), ld);
            for (; i <= lanes - Quad; i += Quad) Rows4(pixels + i, width, count, rows + (i * ld), ld);
        }

        for (; i < lanes; i++)
        for (int k = 0; k < count; k++)
            rows[(i * ld) + k] = pixels[(k * width) + i];
    }

    private static void Pack(int block, float* rows, nint ld, int count, int lanes, int width, float* pixels)
    {
        if (block == 8) LaneTranspose.Pack8(rows, ld, count, lanes, width, pixels);
        else LaneTranspose.Pack4(rows, ld, count, lanes, width, pixels);
    }

    private static void Rows8(float* pixels, nint width, int count, float* rows, nint ld)
    {
        for (int k = 0; k < count; k += Quad)
        {
            int at = Math.Min(k, count - Quad);
            float* p = pixels + (at * width), to = rows + at;
            Vector256<float> p0 = Vector256.Load(p), p1 = Vector256.Load(p + width);
            Vector256<float> p2 = Vector256.Load(p + (2 * width)), p3 = Vector256.Load(p + (3 * width));
            // In each half: lanes 0, 1 of pixels 0, 1; lanes 2, 3; the same of pixels 2, 3.
            Vector256<float> low01 = Avx.UnpackLow(p0, p1), high01 = Avx.UnpackHigh(p0, p1);
            Vector256<float> low23 = Avx.UnpackLow(p2, p3), high23 = Avx.UnpackHigh(p2, p3);
            Put(Avx.Shuffle(low01, low23, 0b01_00_01_00), to, to + (4 * ld));
            Put(Avx.Shuffle(low01, low23, 0b11_10_11_10), to + ld, to + (5 * ld));
            Put(Avx.Shuffle(high01, high23, 0b01_00_01_00), to + (2 * ld), to + (6 * ld));
            Put(Avx.Shuffle(high01, high23, 0b11_10_11_10), to + (3 * ld), to + (7 * ld));
        }
    }

    private static void Rows4(float* pixels, nint width, int count, float* rows, nint ld)
    {
        for (int k = 0; k < count; k += Quad)
        {
            int at = Math.Min(k, count - Quad);
            float* p = pixels + (at * width), to = rows + at;
            Vector128<float> p0 = Vector128.Load(p), p1 = Vector128.Load(p + width);
            Vector128<float> p2 = Vector128.Load(p + (2 * width)), p3 = Vector128.Load(p + (3 * width));
            Vector128<float> low02 = Simd128.InterleaveLow(p0, p2), high02 = Simd128.InterleaveHigh(p0, p2);
            Vector128<float> low13 = Simd128.InterleaveLow(p1, p3), high13 = Simd128.InterleaveHigh(p1, p3);
            Simd128.InterleaveLow(low02, low13).Store(to);
            Simd128.InterleaveHigh(low02, low13).Store(to + ld);
            Simd128.InterleaveLow(high02, high13).Store(to + (2 * ld));
            Simd128.InterleaveHigh(high02, high13).Store(to + (3 * ld));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<float> value, float* low, float* high)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }
}
