using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// N images × R rows of W: 3 × 8 accumulators, 3 vectors of X and one of W fit 32 registers, 3 × 4 fit 16. The contract stands at <see cref="DenseKernels"/>.
/// </summary>
internal static unsafe class DenseDots<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in DenseDotsProduct product)
    {
        if (product.Rows <= 4) RunImages<Four>(product);
        else RunImages<Eight>(product);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunImages<R>(in DenseDotsProduct product)
        where R : struct, ICount
    {
        float* x = product.X, y = product.Y;
        int images = product.Images;
        for (; images >= 3; images -= 3, x += 3 * product.StrideX, y += 3 * product.StrideY) Run<Three, R>(product, x, y);
        if (images == 2) Run<Two, R>(product, x, y);
        else if (images == 1) Run<One, R>(product, x, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<N, R>(in DenseDotsProduct product, float* x0, float* y)
        where N : struct, ICount
        where R : struct, ICount
    {
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c03 = S.Zero, c04 = S.Zero, c05 = S.Zero, c06 = S.Zero, c07 = S.Zero;
        V c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c13 = S.Zero, c14 = S.Zero, c15 = S.Zero, c16 = S.Zero, c17 = S.Zero;
        V c20 = S.Zero, c21 = S.Zero, c22 = S.Zero, c23 = S.Zero, c24 = S.Zero, c25 = S.Zero, c26 = S.Zero, c27 = S.Zero;
        nint stride = product.StrideW, whole = product.K / S.Width * S.Width, k = 0;
        int last = product.Rows - 1, rest = (int)(product.K - whole);
        float* x1 = x0 + product.StrideX, x2 = x1 + product.StrideX;

        // In the place of rows that do not exist the last one is read again.
        float* w0 = product.W, w1 = w0 + (Math.Min(1, last) * stride), w2 = w0 + (Math.Min(2, last) * stride), w3 = w0 + (Math.Min(3, last) * stride);
        float* w4 = w0 + (Math.Min(4, last) * stride), w5 = w0 + (Math.Min(5, last) * stride);
        float* w6 = w0 + (Math.Min(6, last) * stride), w7 = w0 + (Math.Min(7, last) * stride);
        for (; k < whole; k += S.Width)
        {
            V a0 = S.Load(x0 + k), a1 = N.Value > 1 ? S.Load(x1 + k) : a0, a2 = N.Value > 2 ? S.Load(x2 + k) : a0;
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w0 + k), a0, a1, a2, ref c00, ref c10, ref c20);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w1 + k), a0, a1, a2, ref c01, ref c11, ref c21);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w2 + k), a0, a1, a2, ref c02, ref c12, ref c22);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w3 + k), a0, a1, a2, ref c03, ref c13, ref c23);
            if (R.Value == 4) continue;
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w4 + k), a0, a1, a2, ref c04, ref c14, ref c24);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w5 + k), a0, a1, a2, ref c05, ref c15, ref c25);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w6 + k), a0, a1, a2, ref c06, ref c16, ref c26);
            DenseTile<S, V>.MultiplyAdd<N>(S.Load(w7 + k), a0, a1, a2, ref c07, ref c17, ref c27);
        }

        if (rest > 0)
        {
            V a0 = S.LoadPartial(x0 + k, rest), a1 = N.Value > 1 ? S.LoadPartial(x1 + k, rest) : a0, a2 = N.Value > 2 ? S.LoadPartial(x2 + k, rest) : a0;
            DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w0 + k, rest), a0, a1, a2, ref c00, ref c10, ref c20);
            DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w1 + k, rest), a0, a1, a2, ref c01, ref c11, ref c21);
            DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w2 + k, rest), a0, a1, a2, ref c02, ref c12, ref c22);
            DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w3 + k, rest), a0, a1, a2, ref c03, ref c13, ref c23);
            if (R.Value > 4)
            {
                DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w4 + k, rest), a0, a1, a2, ref c04, ref c14, ref c24);
                DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w5 + k, rest), a0, a1, a2, ref c05, ref c15, ref c25);
                DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w6 + k, rest), a0, a1, a2, ref c06, ref c16, ref c26);
                DenseTile<S, V>.MultiplyAdd<N>(S.LoadPartial(w7 + k, rest), a0, a1, a2, ref c07, ref c17, ref c27);
            }
        }

        Store(product, LaneFold<S, V>.Sums<R>(c00, c01, c02, c03, c04, c05, c06, c07), y);
        if (N.Value > 1) Store(product, LaneFold<S, V>.Sums<R>(c10, c11, c12, c13, c14, c15, c16, c17), y + product.StrideY);
        if (N.Value > 2) Store(product, LaneFold<S, V>.Sums<R>(c20, c21, c22, c23, c24, c25, c26, c27), y + (2 * product.StrideY));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(in DenseDotsProduct product, V sums, float* y) =>
        S.StorePartial(y, product.Adds ? S.Add(S.LoadPartial(y, product.Rows), sums) : sums, product.Rows);
}
