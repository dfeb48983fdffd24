using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Simd;

/// <summary>
/// Nine taps of each lane's kernel to kernels that follow each other, as whole lines, and back. Tap j of kernel i goes to lane p of vector v of nine, of W lanes:
/// <code>
/// W·v + p = 9·i + j,   so   v ≡ 4·j + 5·p (mod 9) for W = 16,   v ≡ 8·j + p (mod 9) for W = 8
/// </code>
/// A permutation brings each kernel's tap to its lane, in vector 4·j or 8·j (mod 9); from there lane p is moved up by 5·p or p vectors, the last before the
/// first: by 1, 2, 4 and 8 vectors, for each bit of that number. That is 9 permutations, and 36 or 27 blends; with 16 lanes, quads take 60 shuffles and 48 stores.
/// Back, lanes move down, then to where they were: lane i comes from lane 9·(i − shift), since 9·9 ≡ 1 (mod 16).
/// </summary>
internal static unsafe class Nines
{
    // The lanes of which the number of vectors has the bit. Constants, if they are inlined: a call amid the rotations would send all nine vectors to the stack.
    private static Vector512<float> Lanes512Of1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, -1, -1, 0, 0, -1, -1, 0, 0, 0, -1, -1, 0, 0, -1, -1).AsSingle();
    }

    private static Vector512<float> Lanes512Of2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, 0, -1, -1, -1, -1).AsSingle();
    }

    private static Vector512<float> Lanes512Of4
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, -1, 0, -1, 0, -1, 0, 0, -1, 0, -1, 0, -1, 0, -1, 0).AsSingle();
    }

    private static Vector512<float> Lanes512Of8
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0).AsSingle();
    }

    private static Vector256<float> Lanes256Of1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(0, -1, 0, -1, 0, -1, 0, -1).AsSingle();
    }

    private static Vector256<float> Lanes256Of2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(0, 0, -1, -1, 0, 0, -1, -1).AsSingle();
    }

    private static Vector256<float> Lanes256Of4
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(0, 0, 0, 0, -1, -1, -1, -1).AsSingle();
    }

    /// <inheritdoc cref="ISimd{V}.StoreNines"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        float* p, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4,
        Vector512<float> c5, Vector512<float> c6, Vector512<float> c7, Vector512<float> c8)
    {
        Vector512<float> a0 = Permute(c0, 0), a1 = Permute(c7, 1), a2 = Permute(c5, 3);
        Vector512<float> a3 = Permute(c3, 5), a4 = Permute(c1, 7), a5 = Permute(c8, 8);
        Vector512<float> a6 = Permute(c6, 10), a7 = Permute(c4, 12), a8 = Permute(c2, 14);
        Rotate(Lanes512Of1, ref a0, ref a8, ref a7, ref a6, ref a5, ref a4, ref a3, ref a2, ref a1);
        Rotate(Lanes512Of2, ref a0, ref a7, ref a5, ref a3, ref a1, ref a8, ref a6, ref a4, ref a2);
        Rotate(Lanes512Of4, ref a0, ref a5, ref a1, ref a6, ref a2, ref a7, ref a3, ref a8, ref a4);
        Rotate(Lanes512Of8, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        a0.Store(p);
        a1.Store(p + 16);
        a2.Store(p + 32);
        a3.Store(p + 48);
        a4.Store(p + 64);
        a5.Store(p + 80);
        a6.Store(p + 96);
        a7.Store(p + 112);
        a8.Store(p + 128);
    }

    /// <inheritdoc cref="ISimd{V}.StoreNines"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        float* p, Vector256<float> c0, Vector256<float> c1, Vector256<float> c2, Vector256<float> c3, Vector256<float> c4,
        Vector256<float> c5, Vector256<float> c6, Vector256<float> c7, Vector256<float> c8)
    {
        Vector256<float> a0 = Permute(c0, 0), a1 = Permute(c8, 0), a2 = Permute(c7, 1);
        Vector256<float> a3 = Permute(c6, 2), a4 = Permute(c5, 3), a5 = Permute(c4, 4);
        Vector256<float> a6 = Permute(c3, 5), a7 = Permute(c2, 6), a8 = Permute(c1, 7);
        Rotate(Lanes256Of1, ref a0, ref a8, ref a7, ref a6, ref a5, ref a4, ref a3, ref a2, ref a1);
        Rotate(Lanes256Of2, ref a0, ref a7, ref a5, ref a3, ref a1, ref a8, ref a6, ref a4, ref a2);
        Rotate(Lanes256Of4, ref a0, ref a5, ref a1, ref a6, ref a2, ref a7, ref a3, ref a8, ref a4);
        a0.Store(p);
        a1.Store(p + 8);
        a2.Store(p + 16);
        a3.Store(p + 24);
        a4.Store(p + 32);
        a5.Store(p + 40);
        a6.Store(p + 48);
        a7.Store(p + 56);
        a8.Store(p + 64);
    }

    /// <inheritdoc cref="ISimd{V}.LoadNines"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(
        float* p, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3, out Vector512<float> c4,
        out Vector512<float> c5, out Vector512<float> c6, out Vector512<float> c7, out Vector512<float> c8)
    {
        Vector512<float> a0 = Vector512.Load(p), a1 = Vector512.Load(p + 16), a2 = Vector512.Load(p + 32);
        Vector512<float> a3 = Vector512.Load(p + 48), a4 = Vector512.Load(p + 64), a5 = Vector512.Load(p + 80);
        Vector512<float> a6 = Vector512.Load(p + 96), a7 = Vector512.Load(p + 112), a8 = Vector512.Load(p + 128);
        Rotate(Lanes512Of1, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Rotate(Lanes512Of2, ref a0, ref a2, ref a4, ref a6, ref a8, ref a1, ref a3, ref a5, ref a7);
        Rotate(Lanes512Of4, ref a0, ref a4, ref a8, ref a3, ref a7, ref a2, ref a6, ref a1, ref a5);
        Rotate(Lanes512Of8, ref a0, ref a8, ref a7, ref a6, ref a5, ref a4, ref a3, ref a2, ref a1);
        (c0, c7, c5) = (Permute(a0, 0), Permute(a1, -9 * 1), Permute(a2, -9 * 3));
        (c3, c1, c8) = (Permute(a3, -9 * 5), Permute(a4, -9 * 7), Permute(a5, -9 * 8));
        (c6, c4, c2) = (Permute(a6, -9 * 10), Permute(a7, -9 * 12), Permute(a8, -9 * 14));
    }

    /// <inheritdoc cref="ISimd{V}.LoadNines"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(
        float* p, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3, out Vector256<float> c4,
        out Vector256<float> c5, out Vector256<float> c6, out Vector256<float> c7, out Vector256<float> c8)
    {
        Vector256<float> a0 = Vector256.Load(p), a1 = Vector256.Load(p + 8), a2 = Vector256.Load(p + 16);
        Vector256<float> a3 = Vector256.Load(p + 24), a4 = Vector256.Load(p + 32), a5 = Vector256.Load(p + 40);
        Vector256<float> a6 = Vector256.Load(p + 48), a7 = Vector256.Load(p + 56), a8 = Vector256.Load(p + 64);
        Rotate(Lanes256Of1, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5, ref a6, ref a7, ref a8);
        Rotate(Lanes256Of2, ref a0, ref a2, ref a4, ref a6, ref a8, ref a1, ref a3, ref a5, ref a7);
        Rotate(Lanes256Of4, ref a0, ref a4, ref a8, ref a3, ref a7, ref a2, ref a6, ref a1, ref a5);
        (c0, c8, c7) = (Permute(a0, 0), Permute(a1, 0), Permute(a2, -1));
        (c6, c5, c4) = (Permute(a3, -2), Permute(a4, -3), Permute(a5, -4));
        (c3, c2, c1) = (Permute(a6, -5), Permute(a7, -6), Permute(a8, -7));
    }

    /// <summary>Lane i of the result = lane 9·i + shift (mod 16).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Permute(Vector512<float> a, int shift) =>
        Avx512F.PermuteVar16x32(a, Vector512.Create(0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12, 5, 14, 7) + Vector512.Create(shift));

    /// <summary>Lane i of the result = lane i + shift (mod 8).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Permute(Vector256<float> a, int shift) =>
        Avx2.PermuteVar8x32(a, Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7) + Vector256.Create(shift));

    /// <summary>Some lanes of each vector become those of the next one here, of the last those of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rotate(
        Vector512<float> lanes, ref Vector512<float> a0, ref Vector512<float> a1, ref Vector512<float> a2, ref Vector512<float> a3, ref Vector512<float> a4,
        ref Vector512<float> a5, ref Vector512<float> a6, ref Vector512<float> a7, ref Vector512<float> a8)
    {
        Vector512<float> first = a0;
        a0 = Vector512.ConditionalSelect(lanes, a1, a0);
        a1 = Vector512.ConditionalSelect(lanes, a2, a1);
        a2 = Vector512.ConditionalSelect(lanes, a3, a2);
        a3 = Vector512.ConditionalSelect(lanes, a4, a3);
        a4 = Vector512.ConditionalSelect(lanes, a5, a4);
        a5 = Vector512.ConditionalSelect(lanes, a6, a5);
        a6 = Vector512.ConditionalSelect(lanes, a7, a6);
        a7 = Vector512.ConditionalSelect(lanes, a8, a7);
        a8 = Vector512.ConditionalSelect(lanes, first, a8);
    }

    /// <summary>Some lanes of each vector become those of the next one here, of the last those of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rotate(
        Vector256<float> lanes, ref Vector256<float> a0, ref Vector256<float> a1, ref Vector256<float> a2, ref Vector256<float> a3, ref Vector256<float> a4,
        ref Vector256<float> a5, ref Vector256<float> a6, ref Vector256<float> a7, ref Vector256<float> a8)
    {
        Vector256<float> first = a0;
        a0 = Vector256.ConditionalSelect(lanes, a1, a0);
        a1 = Vector256.ConditionalSelect(lanes, a2, a1);
        a2 = Vector256.ConditionalSelect(lanes, a3, a2);
        a3 = Vector256.ConditionalSelect(lanes, a4, a3);
        a4 = Vector256.ConditionalSelect(lanes, a5, a4);
        a5 = Vector256.ConditionalSelect(lanes, a6, a5);
        a6 = Vector256.ConditionalSelect(lanes, a7, a6);
        a7 = Vector256.ConditionalSelect(lanes, a8, a7);
        a8 = Vector256.ConditionalSelect(lanes, first, a8);
    }
}
