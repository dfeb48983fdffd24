using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// F(6, 3): 64 multiplications for 6×6 outputs instead of 324. The points are <see cref="WinogradEightPoints{S, V}"/>. As in <see cref="WinogradF4K3{S, V}"/> G has no
/// factors; the taps are (g₀, a·g₁, a²·g₂)/N(1) with a = 1/2, and its rows (1, 0, 0), (1, ±1, 1), (1, ±2, 4), (1, ±4, 16) and (0, 0, 1).
/// </summary>
internal readonly unsafe struct WinogradF6K3<S, V> : IWinogradScheme<V>
    where S : struct, ISimd<V>
    where V : struct
{
    private const float A = WinogradEightPoints<S, V>.A, A2 = WinogradEightPoints<S, V>.A2, C = WinogradEightPoints<S, V>.C, C2 = WinogradEightPoints<S, V>.C2;
    private const float NA = WinogradEightPoints<S, V>.NA, NB = WinogradEightPoints<S, V>.NB, NC = WinogradEightPoints<S, V>.NC;

    /// <summary>
    /// Of Aᵀ: N(1)/N(p) for p = 0, with the sign of row 0, ±A and ±C, and for ∞ N(1)/A². They are rounded with the powers that they multiply.
    /// </summary>
    public const double F0 = 2.0 * (1.0 - A2) * (1.0 - C2), FA = F0 / (2.0 * A2 * (A2 - 1.0) * (A2 - C2)), FC = F0 / (2.0 * C2 * (C2 - A2) * (C2 - 1.0)), F7 = F0 / A2;

    public static int Taps => 3;

    public static int Outputs => 6;

    public static int Inputs => 8;

    public static int Reach => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(int point) => point < 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(
        V d0, V d1, V d2, V d3, V d4, V d5, V d6, V d7, out V v0, out V v1, out V v2, out V v3, out V v4, out V v5, out V v6, out V v7) =>
        WinogradEightPoints<S, V>.Input(d0, d1, d2, d3, d4, d5, d6, d7, out v0, out v1, out v2, out v3, out v4, out v5, out v6, out v7);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tap(V g, int power) => S.Multiply(
        S.Create((float)(1 / (F0 * F0) * (power switch { 0 => 1, 1 => A, 2 => A2, 3 => A2 * A, _ => A2 * A2 }))), g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(V g0, V g1, V g2, V g3, V g4, out V u0, out V u1, out V u2, out V u3, out V u4, out V u5, out V u6, out V u7)
    {
        V evenA = S.Add(g0, g2), evenB = S.MultiplyAdd(S.Create(4), g2, g0), evenC = S.MultiplyAdd(S.Create(16), g2, g0);
        V oddB = S.Add(g1, g1), oddC = S.Add(oddB, oddB);
        u0 = g0;
        (u1, u2) = (S.Add(evenA, g1), S.Subtract(evenA, g1));
        (u3, u4) = (S.Add(evenB, oddB), S.Subtract(evenB, oddB));
        (u5, u6) = (S.Add(evenC, oddC), S.Subtract(evenC, oddC));
        u7 = g2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* m, nint stride, out V y0, out V y1, out V y2, out V y3, out V y4, out V y5)
    {
        WinogradEightPoints<S, V>.Pairs(m, stride, out V m0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V m7);
        y0 = S.MultiplyAdd(S.Create((float)FC), sumC, S.MultiplyAdd(S.Create((float)FA), sumA, S.MultiplyAdd(S.Create((float)F0), m0, sumB)));
        y1 = S.MultiplyAdd(S.Create((float)(C * FC)), oddC, S.MultiplyAdd(S.Create((float)(A * FA)), oddA, oddB));
        y2 = S.MultiplyAdd(S.Create((float)(C2 * FC)), sumC, S.MultiplyAdd(S.Create((float)(A2 * FA)), sumA, sumB));
        y3 = S.MultiplyAdd(S.Create((float)(C2 * C * FC)), oddC, S.MultiplyAdd(S.Create((float)(A2 * A * FA)), oddA, oddB));
        y4 = S.MultiplyAdd(S.Create((float)(C2 * C2 * FC)), sumC, S.MultiplyAdd(S.Create((float)(A2 * A2 * FA)), sumA, sumB));
        y5 = S.MultiplyAdd(S.Create((float)(C2 * C2 * C * FC)), oddC, S.MultiplyAdd(S.Create((float)(A2 * A2 * A * FA)), oddA, S.MultiplyAdd(S.Create((float)F7), m7, oddB)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputTransposed(
        V y0, V y1, V y2, V y3, V y4, V y5, out V m0, out V m1, out V m2, out V m3, out V m4, out V m5, out V m6, out V m7)
    {
        V evenA = InSquares(A2, y0, y2, y4), oddA = InSquares(A2, y1, y3, y5), evenB = S.Add(y0, S.Add(y2, y4)), oddB = S.Add(y1, S.Add(y3, y5));
        V evenC = InSquares(C2, y0, y2, y4), oddC = InSquares(C2, y1, y3, y5);
        m0 = y0;
        WinogradEightPoints<S, V>.AtPairs(evenA, oddA, evenB, oddB, evenC, oddC, out m1, out m2, out m3, out m4, out m5, out m6);
        m7 = y5;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterTransposed(float* u, nint stride, out V g0, out V g1, out V g2, out V g3, out V g4)
    {
        WinogradEightPoints<S, V>.Pairs(u, stride, out V u0, out V sumA, out V sumB, out V sumC, out V oddA, out V oddB, out V oddC, out V u7);
        V first = S.MultiplyAdd(S.Create(NB), sumB, u0), last = S.MultiplyAdd(S.Create(NB), sumB, u7);
        g0 = S.MultiplyAdd(S.Create(NC), sumC, S.MultiplyAdd(S.Create(NA), sumA, first));
        g1 = S.MultiplyAdd(S.Create(C * NC), oddC, S.MultiplyAdd(S.Create(A * NA), oddA, S.Multiply(S.Create(NB), oddB)));
        g2 = S.MultiplyAdd(S.Create(C2 * NC), sumC, S.MultiplyAdd(S.Create(A2 * NA), sumA, last));
        g3 = g4 = S.Zero;
    }

    /// <summary>y0 + y1·square + y2·square²</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V InSquares(float square, V y0, V y1, V y2) => S.MultiplyAdd(S.Create(square), S.MultiplyAdd(S.Create(square), y2, y1), y0);
}

/// <summary>0, ±1 and ∞: of its pairs the one with the least error.</summary>
internal readonly struct WinogradEdgeOfF6K3 : IWinogradEdgePoints
{
    public static int Reach
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    public static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 3;
    }

    public static float P
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static float RestAtZero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => -1;
    }

    public static float RestAtP
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1 - (0.5f * 0.5f)) * (1 - (2f * 2f));
    }

    public static float FactorAtZero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * RestAtP;   // N(1), with the sign of row 0
    }

    public static float FactorAtP
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static float FactorAtInfinity
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * RestAtP / (0.5f * 0.5f);   // N(1)/(1/2)²
    }
}
