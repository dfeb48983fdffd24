using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>F(2, 3) at an image's edge, over the points 0, ±p and ∞ of a scheme of more (<see cref="WinogradPoints"/>).</summary>
internal readonly unsafe struct WinogradEdgeF2K3<S, V, P> : IWinogradTile<V>
    where S : struct, ISimd<V>
    where V : struct
    where P : struct, IWinogradEdgePoints
{
    public static int Outputs => 2;

    public static int Inputs => 4;

    public static int Reach => P.Reach;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point == 0 || point == P.Pair || point == P.Pair + 1 || point == P.Reach - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7)
    {
        V even = S.Multiply(S.Create(P.RestAtP), d2), infinity = S.MultiplyAdd(S.Create(-P.P * P.P), d1, d3);
        V plus = S.MultiplyAdd(S.Create(P.RestAtP * P.P), d1, even), minus = S.MultiplyAdd(S.Create(-P.RestAtP * P.P), d1, even);
        v0 = S.MultiplyAdd(S.Create(-P.RestAtZero * P.P * P.P), d0, S.Multiply(S.Create(P.RestAtZero), d2));
        (v1, v2) = P.Pair == 1 ? (plus, minus) : (S.Zero, S.Zero);
        (v3, v4) = P.Pair == 3 ? (plus, minus) : (S.Zero, S.Zero);
        v5 = P.Reach == 6 ? infinity : S.Zero;
        v6 = S.Zero;
        v7 = P.Reach == 8 ? infinity : S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        V plus = S.Load(m + (P.Pair * stride)), minus = S.Load(m + ((P.Pair + 1) * stride)), infinity = S.Load(m + ((P.Reach - 1) * stride));
        y0 = S.MultiplyAdd(S.Create(P.FactorAtP), S.Add(plus, minus), S.Multiply(S.Create(P.FactorAtZero), S.Load(m)));
        y1 = S.MultiplyAdd(S.Create(P.P * P.FactorAtP), S.Subtract(plus, minus), S.Multiply(S.Create(P.FactorAtInfinity), infinity));
        y2 = y3 = y4 = y5 = S.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V plus = S.MultiplyAdd(S.Create(P.P), y1, y0), minus = S.MultiplyAdd(S.Create(-P.P), y1, y0);
        m0 = y0;
        (m1, m2) = P.Pair == 1 ? (plus, minus) : (S.Zero, S.Zero);
        (m3, m4) = P.Pair == 3 ? (plus, minus) : (S.Zero, S.Zero);
        m5 = P.Reach == 6 ? y1 : S.Zero;
        m6 = S.Zero;
        m7 = P.Reach == 8 ? y1 : S.Zero;
    }
}

/// <summary>The points of a scheme that its tiles of two outputs have: 0, ±p and ∞.</summary>
internal interface IWinogradEdgePoints
{
    /// <summary>The points of the scheme, 6 or 8, 0 the first and ∞ the last.</summary>
    static abstract int Reach { get; }

    /// <summary>The place of p, 1 or 3; −p is the next.</summary>
    static abstract int Pair { get; }

    static abstract float P { get; }

    /// <summary>Π (0 − q) over the scheme's finite points q that the tile does not have, with the sign of the scheme's row 0.</summary>
    static abstract float RestAtZero { get; }

    /// <summary>Π (p − q) = Π (−p − q), likewise.</summary>
    static abstract float RestAtP { get; }

    /// <summary>Of column 0 of Aᵀ: what the scheme's row of G lacks.</summary>
    static abstract float FactorAtZero { get; }

    /// <summary>The same of ±p.</summary>
    static abstract float FactorAtP { get; }

    /// <summary>The same of ∞.</summary>
    static abstract float FactorAtInfinity { get; }
}
