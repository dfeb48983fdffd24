using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Moves rows of several planes into pixels of as many lanes, and back: 4 or 8 rows × 4 columns at a time.</summary>
internal static unsafe class PixelLanes
{
    private const int Quad = 4;

    /// <summary>
    /// For each of several lines, at distances of <paramref name="line"/> and <paramref name="pixelLine"/> floats:
    /// pixels[k·width + i] = rows[i·ld + k] for k &lt; count, i &lt; lanes ≤ width; what other lanes get is not defined.
    /// </summary>
    public static void Gather(
        float* rows, nint ld, int lines, nint line, int count, int lanes, int width, float* pixels, nint pixelLine)
    {
        if (count < Quad)
        {
            for (; lines > 0; lines--, rows += line, pixels += pixelLine)
            for (int k = 0; k < count; k++)
            for (int i = 0; i < lanes; i++)
                pixels[(k * width) + i] = rows[(i * ld) + k];
            return;
        }

        int block = Avx.IsSupported && width >= 8 ? 8 : Quad;
        for (int i = 0; i < lanes; i += block)
        {
            if (block == 8) Pixels8(rows + (i * ld), ld, lines, line, count, lanes - i, width, pixels + i, pixelLine);
            else Pixels4(rows + (i * ld), ld, lines, line, count, lanes - i, width, pixels + i, pixelLine);
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

    // The last columns of a line are taken once more with some before them, so that they are four. A row that does not exist is read from
    // the last one that does.
    private static void Pixels8(
        float* rows, nint ld, int lines, nint line, int count, int lanes, nint width, float* pixels, nint pixelLine)
    {
        float* s0 = rows, s1 = Row(rows, ld, 1, lanes), s2 = Row(rows, ld, 2, lanes), s3 = Row(rows, ld, 3, lanes);
        float* s4 = Row(rows, ld, 4, lanes), s5 = Row(rows, ld, 5, lanes), s6 = Row(rows, ld, 6, lanes), s7 = Row(rows, ld, 7, lanes);
        nint start = 0;
        for (; lines > 0; lines--, start += line, pixels += pixelLine)
        {
            for (int k = 0; k < count; k += Quad)
            {
                int column = Math.Min(k, count - Quad);
                nint at = start + column;
                float* to = pixels + (column * width);
                // Rows i and i + 4 share a register, so that no step crosses its halves.
                Vector256<float> r0 = Pair(s0 + at, s4 + at), r1 = Pair(s1 + at, s5 + at), r2 = Pair(s2 + at, s6 + at), r3 = Pair(s3 + at, s7 + at);
                Vector256<float> low01 = Avx.UnpackLow(r0, r1), high01 = Avx.UnpackHigh(r0, r1);
                Vector256<float> low23 = Avx.UnpackLow(r2, r3), high23 = Avx.UnpackHigh(r2, r3);
                Avx.Shuffle(low01, low23, 0b01_00_01_00).Store(to);
                Avx.Shuffle(low01, low23, 0b11_10_11_10).Store(to + width);
                Avx.Shuffle(high01, high23, 0b01_00_01_00).Store(to + (2 * width));
                Avx.Shuffle(high01, high23, 0b11_10_11_10).Store(to + (3 * width));
            }
        }
    }

    private static void Pixels4(
        float* rows, nint ld, int lines, nint line, int count, int lanes, nint width, float* pixels, nint pixelLine)
    {
        float* s0 = rows, s1 = Row(rows, ld, 1, lanes), s2 = Row(rows, ld, 2, lanes), s3 = Row(rows, ld, 3, lanes);
        nint start = 0;
        for (; lines > 0; lines--, start += line, pixels += pixelLine)
        {
            for (int k = 0; k < count; k += Quad)
            {
                int column = Math.Min(k, count - Quad);
                nint at = start + column;
                Simd128.StoreQuads(
                    pixels + (column * width), width, Vector128.Load(s0 + at), Vector128.Load(s1 + at), Vector128.Load(s2 + at), Vector128.Load(s3 + at));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* rows, nint ld, int i, int lanes) => rows + (Math.Min(i, lanes - 1) * ld);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) =>
        Avx.InsertVector128(Vector128.Load(low).ToVector256Unsafe(), Vector128.Load(high), 1);

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
            float* p = pixels + (at * width);
            Simd128.StoreQuads(
                rows + at, ld, Vector128.Load(p), Vector128.Load(p + width), Vector128.Load(p + (2 * width)), Vector128.Load(p + (3 * width)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<float> value, float* low, float* high)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }
}
