using System.Runtime.Intrinsics;
using ConvNative.Simd;
using ConvNative.Tests.Kernels;

namespace ConvNative.Tests.Simd;

/// <summary>Nine taps of each lane go to kernels that follow each other and come from them, and nothing beside them is written.</summary>
internal sealed unsafe class NinesTests
{
    [Test]
    public void Each_tap_goes_to_its_kernel([Values] Isa isa)
    {
        using FencedFloats taps = Taps(isa), to = new(taps.Length);
        if (isa == Isa.Avx512) Store<Simd512, Vector512<float>>(taps.Pointer, to.Pointer);
        else if (isa == Isa.Avx2) Store<Simd256, Vector256<float>>(taps.Pointer, to.Pointer);
        else Store<Simd128, Vector128<float>>(taps.Pointer, to.Pointer);
        Assert.That(to.FencesHold);
        for (int i = 0; i < to.Length; i++) Assert.That(to.Span[i], Is.EqualTo((float)i));
    }

    [Test]
    public void Each_tap_comes_from_its_kernel([Values] Isa isa)
    {
        using FencedFloats taps = Taps(isa), from = new(taps.Length), to = new(taps.Length);
        for (int i = 0; i < from.Length; i++) from.Span[i] = i;
        if (isa == Isa.Avx512) Load<Simd512, Vector512<float>>(from.Pointer, to.Pointer);
        else if (isa == Isa.Avx2) Load<Simd256, Vector256<float>>(from.Pointer, to.Pointer);
        else Load<Simd128, Vector128<float>>(from.Pointer, to.Pointer);
        Assert.That(to.Span.SequenceEqual(taps.Span));
    }

    /// <summary>Nine vectors: what kernel i has at place j is 9·i + j.</summary>
    private static FencedFloats Taps(Isa isa)
    {
        int width = isa switch
        {
            Isa.Avx512 => Simd512.Width,
            Isa.Avx2 => Simd256.Width,
            _ => Simd128.Width,
        };
        FencedFloats taps = new(9 * width);
        for (int j = 0; j < 9; j++)
        for (int lane = 0; lane < width; lane++) taps.Span[(j * width) + lane] = (9 * lane) + j;
        return taps;
    }

    private static void Load<S, V>(float* from, float* taps)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.LoadNines(from, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7, out V c8);
        int at = 0;
        foreach (V c in (V[])[c0, c1, c2, c3, c4, c5, c6, c7, c8])
        {
            S.Store(taps + at, c);
            at += S.Width;
        }
    }

    private static void Store<S, V>(float* taps, float* to)
        where S : struct, ISimd<V>
        where V : struct
    {
        V At(int j) => S.Load(taps + (j * S.Width));
        S.StoreNines(to, At(0), At(1), At(2), At(3), At(4), At(5), At(6), At(7), At(8));
    }
}
