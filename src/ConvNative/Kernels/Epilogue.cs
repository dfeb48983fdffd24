using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>What <see cref="TileStore"/> says, for algorithms whose product is already in memory; and the activation's derivative.</summary>
internal static unsafe class Epilogue
{
    /// <summary>C[r, j] = activation(C[r, j] + Bias[r] + Addend[r, j]), r &lt; Rows, j &lt; Columns.</summary>
    public static void Apply(Isa isa, in TileStore store, float* c, nint ldc) => Copy(isa, store, c, ldc, c, ldc);

    /// <summary>C[r, j] = activation(P[r, j] + Bias[r] + Addend[r, j]), r &lt; Rows, j &lt; Columns; P may be C.</summary>
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
            V bias = store.Bias == null ? S.Zero : S.Broadcast(store.Bias + r);
            int j = 0;
            for (; j <= store.Columns - S.Width; j += S.Width)
            {
                V x = S.Add(S.Load(product + j), bias);
                if (addend != null) x = S.Add(x, S.Load(addend + j));
                S.Store(row + j, store.Activate<S, V>(x));
            }

            if (j == store.Columns) continue;
            V last = S.Add(S.LoadPartial(product + j, store.Columns - j), bias);
            if (addend != null) last = S.Add(last, S.LoadPartial(addend + j, store.Columns - j));
            S.StorePartial(row + j, store.Activate<S, V>(last), store.Columns - j);
        }
    }
}
