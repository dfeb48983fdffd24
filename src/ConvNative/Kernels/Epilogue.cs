using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>What <see cref="TileStore"/> says, for algorithms whose product is already in memory; and the activation's derivative.</summary>
internal static unsafe class Epilogue
{
    /// <summary>C[r, j] = activation(C[r, j] + Bias[r] + Addend[r, j]), r &lt; Rows, j &lt; Columns.</summary>
    public static void Apply(Isa isa, in TileStore store, float* c, nint ldc) => Copy(isa, store, c, ldc, c, ldc);

    /// <summary>
    /// C[r, j] = activation(P[r, j] + Bias[r] + Addend[r, j]), r &lt; Rows, j &lt; Columns; P may be C. Rows may begin anywhere, also those that
    /// <see cref="TileStore.Streams"/>.
    /// </summary>
    public static void Copy(Isa isa, in TileStore store, float* p, nint ldp, float* c, nint ldc)
    {
        switch (isa)
        {
            case Isa.Avx512: Copy<Simd512, Vector512<float>>(store, p, ldp, c, ldc); break;
            case Isa.Avx2: Copy<Simd256, Vector256<float>>(store, p, ldp, c, ldc); break;
            default: Copy<Simd128, Vector128<float>>(store, p, ldp, c, ldc); break;
        }
    }

    /// <summary>
    /// dz[i] = dy[i]·f′, f′ from the activation's result y: 1 where it passes its argument on, the slope or 0 elsewhere. At a kink the
    /// derivative of the constant or sloped side is taken.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Derivative(in TileStore store, float* dy, float* y, float* dz, nint count)
    {
        for (nint i = 0; i < count; i++)
        {
            dz[i] = store.Activation switch
            {
                Activation.Clip => y[i] > store.Low && y[i] < store.High ? dy[i] : 0,
                Activation.LeakyRelu => y[i] > 0 ? dy[i] : dy[i] * store.Slope,
                _ => dy[i],
            };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<S, V>(in TileStore store, float* p, nint ldp, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (int r = 0; r < store.Rows; r++)
        {
            float* product = p + (r * ldp);
            float* row = c + (r * ldc);
            float* addend = store.Addend == null ? null : store.Addend + (r * store.AddendStride);
            V bias = store.Bias == null ? S.Create(-0f) : S.Broadcast(store.Bias + r);   // x + (−0) is x, also where that is −0
            int j = store.Streams ? Math.Min(store.Columns, (int)(-((nint)row / sizeof(float)) & (S.Width - 1))) : 0;
            if (j > 0) Part<S, V>(store, product, addend, bias, row, j);
            for (; j <= store.Columns - S.Width; j += S.Width)
            {
                V x = S.Add(S.Load(product + j), bias);
                if (addend != null) x = S.Add(x, S.Load(addend + j));
                x = store.Activate<S, V>(x);
                if (store.Streams) S.StoreLine(row + j, x);
                else S.Store(row + j, x);
            }

            if (j < store.Columns) Part<S, V>(store, product + j, addend == null ? null : addend + j, bias, row + j, store.Columns - j);
        }
    }

    /// <summary>The same of fewer floats than a vector has lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Part<S, V>(in TileStore store, float* product, float* addend, V bias, float* row, int count)
        where S : struct, ISimd<V>
        where V : struct
    {
        V x = S.Add(S.LoadPartial(product, count), bias);
        if (addend != null) x = S.Add(x, S.LoadPartial(addend, count));
        S.StorePartial(row, store.Activate<S, V>(x), count);
    }
}
