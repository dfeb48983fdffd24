using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// M rows of C × T of B: 3 × 8 factors, 3 vectors of C and one of B fit 32 registers, 3 × 4 fit 16. The contract stands at <see cref="DenseKernels"/>.
/// </summary>
internal static unsafe class DenseRows<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in DenseRowsProduct product, int terms)
    {
        switch (terms)
        {
            case 1: RunTiles<One>(product); break;
            case 2: RunTiles<Two>(product); break;
            case 4: RunTiles<Four>(product); break;
            default: RunTiles<Eight>(product); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTiles<T>(in DenseRowsProduct product)
        where T : struct, ICount
    {
        int whole = product.Rows / 3 * 3, rest = product.Rows - whole;
        for (int row = 0; row < whole; row += 3) Run<Three, T>(product, row);
        if (rest == 2) Run<Two, T>(product, whole);
        else if (rest == 1) Run<One, T>(product, whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<M, T>(in DenseRowsProduct product, int row)
        where M : struct, ICount
        where T : struct, ICount
    {
        Factors<Zero, M, T>(product, row, out V a00, out V a01, out V a02, out V a03, out V a04, out V a05, out V a06, out V a07);
        Factors<One, M, T>(product, row, out V a10, out V a11, out V a12, out V a13, out V a14, out V a15, out V a16, out V a17);
        Factors<Two, M, T>(product, row, out V a20, out V a21, out V a22, out V a23, out V a24, out V a25, out V a26, out V a27);
        nint stride = product.StrideB, three = 3 * stride, j = 0;
        float* b = product.B, b4 = b + (4 * stride);
        float* from0 = product.From + (row * product.StrideFrom), from1 = from0 + product.StrideFrom, from2 = from1 + product.StrideFrom;
        float* c0 = product.C + (row * product.StrideC), c1 = c0 + product.StrideC, c2 = c1 + product.StrideC;
        bool adds = product.Adds, streams = product.Streams;
        for (nint whole = product.Columns - S.Width; j <= whole; j += S.Width)
        {
            V x0 = S.Zero, x1 = S.Zero, x2 = S.Zero;
            if (adds)
            {
                x0 = S.Load(from0 + j);
                if (M.Value > 1) x1 = S.Load(from1 + j);
                if (M.Value > 2) x2 = S.Load(from2 + j);
            }

            float* p = b + j;
            DenseTile<S, V>.MultiplyAdd<M>(S.Load(p), a00, a10, a20, ref x0, ref x1, ref x2);
            if (T.Value > 1) DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + stride), a01, a11, a21, ref x0, ref x1, ref x2);
            if (T.Value > 2) DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + (2 * stride)), a02, a12, a22, ref x0, ref x1, ref x2);
            if (T.Value > 2) DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + three), a03, a13, a23, ref x0, ref x1, ref x2);
            if (T.Value > 4)
            {
                p = b4 + j;
                DenseTile<S, V>.MultiplyAdd<M>(S.Load(p), a04, a14, a24, ref x0, ref x1, ref x2);
                DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + stride), a05, a15, a25, ref x0, ref x1, ref x2);
                DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + (2 * stride)), a06, a16, a26, ref x0, ref x1, ref x2);
                DenseTile<S, V>.MultiplyAdd<M>(S.Load(p + three), a07, a17, a27, ref x0, ref x1, ref x2);
            }

            if (streams)
            {
                S.StoreLine(c0 + j, x0);
                if (M.Value > 1) S.StoreLine(c1 + j, x1);
                if (M.Value > 2) S.StoreLine(c2 + j, x2);
            }
            else
            {
                S.Store(c0 + j, x0);
                if (M.Value > 1) S.Store(c1 + j, x1);
                if (M.Value > 2) S.Store(c2 + j, x2);
            }
        }

        int rest = (int)(product.Columns - j);
        if (rest == 0) return;
        V y0 = S.Zero, y1 = S.Zero, y2 = S.Zero;
        if (adds)
        {
            y0 = S.LoadPartial(from0 + j, rest);
            if (M.Value > 1) y1 = S.LoadPartial(from1 + j, rest);
            if (M.Value > 2) y2 = S.LoadPartial(from2 + j, rest);
        }

        b += j;
        DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b, rest), a00, a10, a20, ref y0, ref y1, ref y2);
        if (T.Value > 1) DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b + stride, rest), a01, a11, a21, ref y0, ref y1, ref y2);
        if (T.Value > 2) DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b + (2 * stride), rest), a02, a12, a22, ref y0, ref y1, ref y2);
        if (T.Value > 2) DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b + three, rest), a03, a13, a23, ref y0, ref y1, ref y2);
        if (T.Value > 4)
        {
            b4 += j;
            DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b4, rest), a04, a14, a24, ref y0, ref y1, ref y2);
            DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b4 + stride, rest), a05, a15, a25, ref y0, ref y1, ref y2);
            DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b4 + (2 * stride), rest), a06, a16, a26, ref y0, ref y1, ref y2);
            DenseTile<S, V>.MultiplyAdd<M>(S.LoadPartial(b4 + three, rest), a07, a17, a27, ref y0, ref y1, ref y2);
        }

        S.StorePartial(c0 + j, y0, rest);
        if (M.Value > 1) S.StorePartial(c1 + j, y1, rest);
        if (M.Value > 2) S.StorePartial(c2 + j, y2, rest);
    }

    /// <summary>A[row + I, 0 … T); nothing is read of rows beyond the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Factors<I, M, T>(in DenseRowsProduct product, int row, out V a0, out V a1, out V a2, out V a3, out V a4, out V a5, out V a6, out V a7)
        where I : struct, ICount
        where M : struct, ICount
        where T : struct, ICount
    {
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = S.Zero;
        if (I.Value >= M.Value) return;
        nint step = product.StepA;
        float* a = product.A + ((row + I.Value) * product.StrideA);
        a0 = S.Broadcast(a);
        if (T.Value > 1) a1 = S.Broadcast(a + step);
        if (T.Value > 2) (a2, a3) = (S.Broadcast(a + (2 * step)), S.Broadcast(a + (3 * step)));
        if (T.Value > 4) (a4, a5) = (S.Broadcast(a + (4 * step)), S.Broadcast(a + (5 * step)));
        if (T.Value > 4) (a6, a7) = (S.Broadcast(a + (6 * step)), S.Broadcast(a + (7 * step)));
    }
}
