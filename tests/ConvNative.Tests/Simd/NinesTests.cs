using System.Runtime.Intrinsics;
using ConvNative.Simd;
using ConvNative.Tests.Kernels;

namespace ConvNative.Tests.Simd;

/// <summary>Nine taps of each lane go to kernels that follow each other, and nothing beside them is written.</summary>
internal sealed unsafe class NinesTests
{
    [Test]
    public void Each_tap_goes_to_its_kernel([Values] Isa isa)
    {
        int width = isa switch
        {
            Isa.Avx512 => Simd512.Width,
            Isa.Avx2 => Simd256.Width,
            _ => Simd128.Width,
        };
        using FencedFloats to = new(9 * width), taps = new(9 * width);
        for (int j = 0; j < 9; j++)
        for (int lane = 0; lane < width; lane++) taps.Span[(j * width) + lane] = (9 * lane) + j;
        if (isa == Isa.Avx512) Store<Simd512, Vector512<float>>(taps.Pointer, to.Pointer);
        else if (isa == Isa.Avx2) Store<Simd256, Vector256<float>>(taps.Pointer, to.Pointer);
        else Store<Simd128, Vector128<float>>(taps.Pointer, to.Pointer);
        Assert.That(to.FencesHold);
        for (int i = 0; i < to.Length; i++) Assert.That(to.Span[i], Is.EqualTo((float)i));
    }

    private static void Store<S, V>(float* taps, float* to)
        where S : struct, ISimd<V>
        where V : struct
    {
        V At(int j) => S.Load(taps + (j * S.Width));
        S.StoreNines(to, At(0), At(1), At(2), At(3), At(4), At(5), At(6), At(7), At(8));
    }
}
