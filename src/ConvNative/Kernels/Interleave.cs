using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Rows of several residue classes of a stride back into one row.</summary>
internal static unsafe class Interleave
{
    /// <summary>target[i·classes + k] = source[k·distance + i] for i·classes + k &lt; count.</summary>
    public static void Row(Isa isa, float* source, nint distance, int classes, float* target, int count)
    {
        if (classes == 1)
        {
            Unsafe.CopyBlockUnaligned(target, source, (uint)count * sizeof(float));
            return;
        }

        if (classes == 2)
        {
            switch (isa)
            {
                case Isa.Avx512: Pairs<Simd512, Vector512<float>>(source, source + distance, target, count); break;
                case Isa.Avx2: Pairs<Simd256, Vector256<float>>(source, source + distance, target, count); break;
                default: Pairs<Simd128, Vector128<float>>(source, source + distance, target, count); break;
            }

            return;
        }

        for (int k = 0; k < classes; k++)
        {
            float* p = source + (k * distance);
            for (nint i = k; i < count; i += classes) target[i] = *p++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pairs<S, V>(float* even, float* odd, float* target, int count)
        where S : struct, ISimd<V>
        where V : struct
    {
        int i = 0;
        for (; i <= count - (2 * S.Width); i += 2 * S.Width, even += S.Width, odd += S.Width)
        {
            V x = S.Load(even), y = S.Load(odd);
            S.Store(target + i, S.InterleaveLow(x, y));
            S.Store(target + i + S.Width, S.InterleaveHigh(x, y));
        }

        for (; i < count; i++) target[i] = i % 2 == 0 ? *even++ : *odd++;
    }
}
