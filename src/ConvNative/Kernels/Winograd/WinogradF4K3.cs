using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>F(4, 3): 36 multiplications for 4×4 outputs instead of 144.</summary>
internal readonly unsafe struct WinogradF4K3<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradPoints.A, A2 = A * A, B = WinogradPoints.B, B2 = B * B;
    private const float N0 = WinogradPoints.N0, NA = WinogradPoints.NA, NB = WinogradPoints.NB;

    public static int Tile => 4;

    public static int Taps => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* g, nint stride, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5)
    {
        Filter(S.Load(g), S.Load(g + stride), S.Load(g + (2 * stride)), out u0, out u1, out u2, out u3, out u4, out u5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5)
    {
        V evenA = S.Multiply(S.Create(NA), S.MultiplyAdd(S.Create(A2), g2, g0));
        V evenB = S.Multiply(S.Create(NB), S.MultiplyAdd(S.Create(B2), g2, g0));
        u0 = S.Multiply(S.Create(N0), g0);
        u1 = S.MultiplyAdd(S.Create(A * NA), g1, evenA);
        u2 = S.MultiplyAdd(S.Create(-A * NA), g1, evenA);
        u3 = S.MultiplyAdd(S.Create(B * NB), g1, evenB);
        u4 = S.MultiplyAdd(S.Create(-B * NB), g1, evenB);
        u5 = g2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3)
    {
        V m0 = S.Load(m), m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m3 = S.Load(m + (3 * stride)), m4 = S.Load(m + (4 * stride));
        V m5 = S.Load(m + (5 * stride));
        V evenA = S.Add(m1, m2), oddA = S.Subtract(m1, m2), evenB = S.Add(m3, m4), oddB = S.Subtract(m3, m4);
        y0 = S.Add(m0, S.Add(evenA, evenB));
        y1 = S.MultiplyAdd(S.Create(B), oddB, S.Multiply(S.Create(A), oddA));
        y2 = S.MultiplyAdd(S.Create(B2), evenB, S.Multiply(S.Create(A2), evenA));
        y3 = S.MultiplyAdd(S.Create(B2 * B), oddB, S.MultiplyAdd(S.Create(A2 * A), oddA, m5));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5)
    {
        V evenA = S.MultiplyAdd(S.Create(A2), y2, y0), oddA = S.MultiplyAdd(S.Create(A2), y3, y1);
        V evenB = S.MultiplyAdd(S.Create(B2), y2, y0), oddB = S.MultiplyAdd(S.Create(B2), y3, y1);
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), oddA, evenA);
        m2 = S.MultiplyAdd(S.Create(-A), oddA, evenA);
        m3 = S.MultiplyAdd(S.Create(B), oddB, evenB);
        m4 = S.MultiplyAdd(S.Create(-B), oddB, evenB);
        m5 = y3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        V u0 = S.Load(u), u1 = S.Load(u + stride), u2 = S.Load(u + (2 * stride)), u3 = S.Load(u + (3 * stride)), u4 = S.Load(u + (4 * stride));
        V u5 = S.Load(u + (5 * stride));
        V evenA = S.Add(u1, u2), oddA = S.Subtract(u1, u2), evenB = S.Add(u3, u4), oddB = S.Subtract(u3, u4);
        g0 = S.MultiplyAdd(S.Create(NB), evenB, S.MultiplyAdd(S.Create(NA), evenA, S.Multiply(S.Create(N0), u0)));
        g1 = S.MultiplyAdd(S.Create(B * NB), oddB, S.Multiply(S.Create(A * NA), oddA));
        g2 = S.MultiplyAdd(S.Create(B2 * NB), evenB, S.MultiplyAdd(S.Create(A2 * NA), evenA, u5));
        g3 = g4 = S.Zero;
    }
}
