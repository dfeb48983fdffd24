using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The products of <see cref="LaneProduct"/>, for numbers of pixels and vectors that the compiler knows: pixels × vectors accumulators.</summary>
internal static unsafe class LaneRows<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The product of so many pixels with N vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<N>(in LaneProduct product, int pixels)
        where N : struct, ICount
    {
        switch (pixels)
        {
            case 1: Run<One, N>(product); break;
            case 2: Run<Two, N>(product); break;
            case 3: Run<Three, N>(product); break;
            case 4: Run<Four, N>(product); break;
            case 5: Run<Five, N>(product); break;
            case 6: Run<Six, N>(product); break;
            case 7: Run<Seven, N>(product); break;
            default: Run<Eight, N>(product); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<P, N>(in LaneProduct product)
        where P : struct, ICount
        where N : struct, ICount
    {
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c10 = S.Zero, c11 = S.Zero, c12 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c30 = S.Zero, c31 = S.Zero, c32 = S.Zero;
        V c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero, c70 = S.Zero, c71 = S.Zero, c72 = S.Zero;
        int lanes = N.Value * S.Width;
        nint kStep = product.KStep;
        float* rowA = product.A, rowB = product.B, c = product.C;
        for (int r = product.Rows; r > 0; r--, rowA += product.RowStep, rowB += product.RowTaps)
        {
            for (int column = 0; column < product.Columns; column++)
            {
                float* a = rowA + (column * product.ColumnStep), b = rowB + (column * product.TapStep);
                int k = product.K;
                switch (product.Skips[column])
                {
                case LaneSkip.None:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        Row<N>(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                        if (P.Value > 1) Row<N>(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                        if (P.Value > 2) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
                    }

                    break;
                case LaneSkip.Left1:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 1) Row<N>(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                        if (P.Value > 2) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
                    }

                    break;
                case LaneSkip.Left2:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 2) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
                    }

                    break;
                case LaneSkip.Left3:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 7), b0, b1, b2, ref c70, ref c71, ref c72);
                    }

                    break;
                case LaneSkip.Right1:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 1) Row<N>(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                        if (P.Value > 2) Row<N>(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 6), b0, b1, b2, ref c60, ref c61, ref c62);
                    }

                    break;
                case LaneSkip.Right2:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 2) Row<N>(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                        if (P.Value > 3) Row<N>(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 5), b0, b1, b2, ref c50, ref c51, ref c52);
                    }

                    break;
                case LaneSkip.Right3:
                    for (; k > 0; k--, a += kStep, b += lanes)
                    {
                        V b0 = S.Load(b), b1 = Load<One, N>(b, b0), b2 = Load<Two, N>(b, b0);
                        if (P.Value > 3) Row<N>(S.Broadcast(a), b0, b1, b2, ref c00, ref c01, ref c02);
                        if (P.Value > 4) Row<N>(S.Broadcast(a + 1), b0, b1, b2, ref c10, ref c11, ref c12);
                        if (P.Value > 5) Row<N>(S.Broadcast(a + 2), b0, b1, b2, ref c20, ref c21, ref c22);
                        if (P.Value > 6) Row<N>(S.Broadcast(a + 3), b0, b1, b2, ref c30, ref c31, ref c32);
                        if (P.Value > 7) Row<N>(S.Broadcast(a + 4), b0, b1, b2, ref c40, ref c41, ref c42);
                    }

                    break;
                }
            }
        }

        Add<N>(c, c00, c01, c02);
        if (P.Value > 1) Add<N>(c + lanes, c10, c11, c12);
        if (P.Value > 2) Add<N>(c + (2 * lanes), c20, c21, c22);
        if (P.Value > 3) Add<N>(c + (3 * lanes), c30, c31, c32);
        if (P.Value > 4) Add<N>(c + (4 * lanes), c40, c41, c42);
        if (P.Value > 5) Add<N>(c + (5 * lanes), c50, c51, c52);
        if (P.Value > 6) Add<N>(c + (6 * lanes), c60, c61, c62);
        if (P.Value > 7) Add<N>(c + (7 * lanes), c70, c71, c72);
    }

    /// <summary>A vector behind the first, where there are so many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load<I, N>(float* b, V otherwise)
        where I : struct, ICount
        where N : struct, ICount => N.Value > I.Value ? S.Load(b + (I.Value * S.Width)) : otherwise;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<N>(V a, V b0, V b1, V b2, ref V c0, ref V c1, ref V c2)
        where N : struct, ICount
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        if (N.Value > 1) c1 = S.MultiplyAdd(a, b1, c1);
        if (N.Value > 2) c2 = S.MultiplyAdd(a, b2, c2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<N>(float* c, V c0, V c1, V c2)
        where N : struct, ICount
    {
        S.Store(c, S.Add(S.Load(c), c0));
        if (N.Value > 1) S.Store(c + S.Width, S.Add(S.Load(c + S.Width), c1));
        if (N.Value > 2) S.Store(c + (2 * S.Width), S.Add(S.Load(c + (2 * S.Width)), c2));
    }
}
