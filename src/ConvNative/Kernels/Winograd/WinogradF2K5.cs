using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>F(2, 5): 36 multiplications for 2×2 outputs instead of 100.</summary>
internal readonly unsafe struct WinogradF2K5<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradPoints.A, A2 = A * A, B = WinogradPoints.B, B2 = B * B;
    private const float N0 = WinogradPoints.N0, NA = WinogradPoints.NA, NB = WinogradPoints.NB;

    public static int Tile => 2;

    public static int Taps => 5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* g, nint stride, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5)
    {
        V g0 = S.Load(g), g1 = S.Load(g + stride), g2 = S.Load(g + (2 * stride)), g3 = S.Load(g + (3 * stride)), g4 = S.Load(g + (4 * stride));
        V oddA = S.MultiplyAdd(S.Create(A2), g3, g1), oddB = S.MultiplyAdd(S.Create(B2), g3, g1);
        V evenA = S.Multiply(S.Create(NA), S.MultiplyAdd(S.Create(A2), S.MultiplyAdd(S.Create(A2), g4, g2), g0));
        V evenB = S.Multiply(S.Create(NB), S.MultiplyAdd(S.Create(B2), S.MultiplyAdd(S.Create(B2), g4, g2), g0));
        u0 = S.Multiply(S.Create(N0), g0);
        u1 = S.MultiplyAdd(S.Create(A * NA), oddA, evenA);
        u2 = S.MultiplyAdd(S.Create(-A * NA), oddA, evenA);
        u3 = S.MultiplyAdd(S.Create(B * NB), oddB, evenB);
        u4 = S.MultiplyAdd(S.Create(-B * NB), oddB, evenB);
        u5 = g4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3)
    {
        V m0 = S.Load(m), m1 = S.Load(m + stride), m2 = S.Load(m + (2 * stride)), m3 = S.Load(m + (3 * stride)), m4 = S.Load(m + (4 * stride));
        V m5 = S.Load(m + (5 * stride));
        y0 = S.Add(m0, S.Add(S.Add(m1, m2), S.Add(m3, m4)));
        y1 = S.MultiplyAdd(S.Create(B), S.Subtract(m3, m4), S.MultiplyAdd(S.Create(A), S.Subtract(m1, m2), m5));
        y2 = y3 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(V y0, V y1, V y2, V y3, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5)
    {
        m0 = y0;
        m1 = S.MultiplyAdd(S.Create(A), y1, y0);
        m2 = S.MultiplyAdd(S.Create(-A), y1, y0);
        m3 = S.MultiplyAdd(S.Create(B), y1, y0);
        m4 = S.MultiplyAdd(S.Create(-B), y1, y0);
        m5 = y1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        V u0 = S.Load(u), u1 = S.Load(u + stride), u2 = S.Load(u + (2 * stride)), u3 = S.Load(u + (3 * stride)), u4 = S.Load(u + (4 * stride));
        V u5 = S.Load(u + (5 * stride));
        V evenA = S.Add(u1, u2), oddA = S.Subtract(u1, u2), evenB = S.Add(u3, u4), oddB = S.Subtract(u3, u4);
        g0 = S.MultiplyAdd(S.Create(NB), evenB, S.MultiplyAdd(S.Create(NA), evenA, S.Multiply(S.Create(N0), u0)));
        g1 = S.MultiplyAdd(S.Create(B * NB), oddB, S.Multiply(S.Create(A * NA), oddA));
        g2 = S.MultiplyAdd(S.Create(B2 * NB), evenB, S.Multiply(S.Create(A2 * NA), evenA));
        g3 = S.MultiplyAdd(S.Create(B2 * B * NB), oddB, S.Multiply(S.Create(A2 * A * NA), oddA));
        g4 = S.MultiplyAdd(S.Create(B2 * B2 * NB), evenB, S.MultiplyAdd(S.Create(A2 * A2 * NA), evenA, u5));
    }
}
