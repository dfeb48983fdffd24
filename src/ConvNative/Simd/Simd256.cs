using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Simd;

/// <summary>8 lanes: AVX2 and FMA; elsewhere the same results from two 128-bit halves.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Width => 8;

    public static int Registers => 16;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* p) => Vector256.Create(*p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* p) => Vector256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector256<float> value) => Vector256.Store(value, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadPartial(float* p, int count) =>
        Avx.IsSupported
            ? Avx.MaskLoad(p, LaneMask.First256(count))
            : Vector256.Create(
                Simd128.LoadPartial(p, Math.Min(count, 4)),
                Simd128.LoadPartial(p + Math.Min(count, 4), Math.Max(count - 4, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(float* p, Vector256<float> value, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(p, LaneMask.First256(count), value);
            return;
        }

        Simd128.StorePartial(p, value.GetLower(), Math.Min(count, 4));
        Simd128.StorePartial(p + Math.Min(count, 4), value.GetUpper(), Math.Max(count - 4, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadMasked(float* p, Vector256<float> mask, Vector256<float> otherwise) =>
        Avx.IsSupported
            ? Avx.BlendVariable(otherwise, Avx.MaskLoad(p, mask), mask)
            : Vector256.Create(
                Simd128.LoadMasked(p, mask.GetLower(), otherwise.GetLower()), Simd128.LoadMasked(p + 4, mask.GetUpper(), otherwise.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalves(float* low, float* high, Vector256<float> mask) =>
        Avx.IsSupported
            ? Avx.InsertVector128(Avx.MaskLoad(low, mask.GetLower()).ToVector256Unsafe(), Avx.MaskLoad(high, mask.GetLower()), 1)
            : Vector256.Create(
                Simd128.LoadMasked(low, mask.GetLower(), Vector128<float>.Zero), Simd128.LoadMasked(high, mask.GetLower(), Vector128<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadWhere(float* p, Vector256<float> mask) =>
        Avx.IsSupported ? Avx.MaskLoad(p, mask) : LoadMasked(p, mask, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(float* p, Vector256<float> mask, Vector256<float> value)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(p, mask, value);
            return;
        }

        Simd128.StoreMasked(p, mask.GetLower(), value.GetLower());
        Simd128.StoreMasked(p + 4, mask.GetUpper(), value.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLine(float* p, Vector256<float> value)
    {
        if (Avx.IsSupported) Avx.StoreAlignedNonTemporal(p, value);
        else Store(p, value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(float* low, float* high, Vector256<float> value)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> BroadcastHalves(float* low, float* high) => Vector256.Create(Vector128.Create(*low), Vector128.Create(*high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> RotateUp(Vector256<float> a) => Vector256.Shuffle(a, Vector256.Create(7, 0, 1, 2, 3, 4, 5, 6));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> RotateDown(Vector256<float> a) => Vector256.Shuffle(a, Vector256.Create(1, 2, 3, 4, 5, 6, 7, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftUp(Vector256<float> a, Vector256<float> before) =>
        Avx2.IsSupported
            ? Avx2.AlignRight(a.AsByte(), Avx.Permute2x128(before, a, 0x21).AsByte(), 12).AsSingle()
            : Vector256.Create(Simd128.ShiftUp(a.GetLower(), before.GetUpper()), Simd128.ShiftUp(a.GetUpper(), a.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftDown(Vector256<float> a, Vector256<float> after) =>
        Avx2.IsSupported
            ? Avx2.AlignRight(Avx.Permute2x128(a, after, 0x21).AsByte(), a.AsByte(), 4).AsSingle()
            : Vector256.Create(Simd128.ShiftDown(a.GetLower(), a.GetUpper()), Simd128.ShiftDown(a.GetUpper(), after.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadStrided(float* p, nint stride) =>
        Vector256.Create(Simd128.LoadStrided(p, stride), Simd128.LoadStrided(p + (4 * stride), stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> a, Vector256<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.Min(a, b);

    // The native operations answer with their second operand where one is NaN (x86), or with the NaN (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Clamp(Vector256<float> x, Vector256<float> low, Vector256<float> high) =>
        Vector256.MinNative(high, Vector256.MaxNative(low, x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> a) => Simd128.Sum(a.GetLower() + a.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Lane(Vector256<float> a, int i) => a.GetElement(i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Even(Vector256<float> low, Vector256<float> high) =>
        // In each 128-bit half: low₀ low₂ high₀ high₂; then the 64-bit quarters are put in order.
        Avx2.IsSupported
            ? Avx2.Permute4x64(Avx.Shuffle(low, high, 0b10_00_10_00).AsDouble(), 0b11_01_10_00).AsSingle()
            : Vector256.Create(Simd128.Even(low.GetLower(), low.GetUpper()), Simd128.Even(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Odd(Vector256<float> low, Vector256<float> high) =>
        Avx2.IsSupported
            ? Avx2.Permute4x64(Avx.Shuffle(low, high, 0b11_01_11_01).AsDouble(), 0b11_01_10_00).AsSingle()
            : Vector256.Create(Simd128.Odd(low.GetLower(), low.GetUpper()), Simd128.Odd(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> EvenInFours(Vector256<float> low, Vector256<float> high) =>
        Avx.IsSupported
            ? Avx.Shuffle(low, high, 0b10_00_10_00)
            : Vector256.Create(Simd128.Even(low.GetLower(), high.GetLower()), Simd128.Even(low.GetUpper(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OddInFours(Vector256<float> low, Vector256<float> high) =>
        Avx.IsSupported
            ? Avx.Shuffle(low, high, 0b11_01_11_01)
            : Vector256.Create(Simd128.Odd(low.GetLower(), high.GetLower()), Simd128.Odd(low.GetUpper(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Woven(Vector256<float> a) => Vector256.Shuffle(a.AsDouble(), Vector256.Create(0, 2, 1, 3)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WovenNext(Vector256<float> a) => Vector256.Shuffle(a, Vector256.Create(1, 2, 5, 6, 3, 4, 7, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SumFours(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<double> ab = (UnpackLow(a, b) + UnpackHigh(a, b)).AsDouble(), cd = (UnpackLow(c, d) + UnpackHigh(c, d)).AsDouble();
        return UnpackLow(ab, cd).AsSingle() + UnpackHigh(ab, cd).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> EvenFours(Vector256<float> low, Vector256<float> high) =>
        Avx.IsSupported ? Avx.Permute2x128(low, high, 0x20) : Vector256.Create(low.GetLower(), high.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OddFours(Vector256<float> low, Vector256<float> high) =>
        Avx.IsSupported ? Avx.Permute2x128(low, high, 0x31) : Vector256.Create(low.GetUpper(), high.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddHalves(Vector256<float> low, Vector256<float> high) =>
        Avx.IsSupported
            ? Avx.Permute2x128(low, high, 0x21) + Avx.Blend(low, high, 0xF0)
            : Vector256.Create(low.GetLower() + low.GetUpper(), high.GetLower() + high.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> InterleaveLow(Vector256<float> even, Vector256<float> odd) =>
        Avx.IsSupported
            ? Avx.Permute2x128(Avx.UnpackLow(even, odd), Avx.UnpackHigh(even, odd), 0x20)
            : Vector256.Create(
                Simd128.InterleaveLow(even.GetLower(), odd.GetLower()),
                Simd128.InterleaveHigh(even.GetLower(), odd.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> InterleaveHigh(Vector256<float> even, Vector256<float> odd) =>
        Avx.IsSupported
            ? Avx.Permute2x128(Avx.UnpackLow(even, odd), Avx.UnpackHigh(even, odd), 0x31)
            : Vector256.Create(
                Simd128.InterleaveLow(even.GetUpper(), odd.GetUpper()),
                Simd128.InterleaveHigh(even.GetUpper(), odd.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float** rows, nint offset, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3) =>
        Transpose(
            Vector256.Create(Vector128.Load(rows[0] + offset), Vector128.Load(rows[4] + offset)),
            Vector256.Create(Vector128.Load(rows[1] + offset), Vector128.Load(rows[5] + offset)),
            Vector256.Create(Vector128.Load(rows[2] + offset), Vector128.Load(rows[6] + offset)),
            Vector256.Create(Vector128.Load(rows[3] + offset), Vector128.Load(rows[7] + offset)),
            out c0, out c1, out c2, out c3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float** rows, nint offset, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3,
        out Vector256<float> c4, out Vector256<float> c5, out Vector256<float> c6, out Vector256<float> c7)
    {
        LoadQuads(rows, offset, out c0, out c1, out c2, out c3);
        LoadQuads(rows, offset + 4, out c4, out c5, out c6, out c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float* p, nint pitch, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        float* p4 = p + (4 * pitch);
        nint two = 2 * pitch, three = 3 * pitch;
        Transpose(
            Vector256.Create(Vector128.Load(p), Vector128.Load(p4)), Vector256.Create(Vector128.Load(p + pitch), Vector128.Load(p4 + pitch)),
            Vector256.Create(Vector128.Load(p + two), Vector128.Load(p4 + two)), Vector256.Create(Vector128.Load(p + three), Vector128.Load(p4 + three)),
            out c0, out c1, out c2, out c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float* p, nint pitch, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3,
        out Vector256<float> c4, out Vector256<float> c5, out Vector256<float> c6, out Vector256<float> c7)
    {
        LoadQuads(p, pitch, out c0, out c1, out c2, out c3);
        LoadQuads(p + 4, pitch, out c4, out c5, out c6, out c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(float* p, nint pitch, Vector256<float> c0, Vector256<float> c1, Vector256<float> c2, Vector256<float> c3)
    {
        Transpose(c0, c1, c2, c3, out Vector256<float> r0, out Vector256<float> r1, out Vector256<float> r2, out Vector256<float> r3);
        float* p4 = p + (4 * pitch);
        nint two = 2 * pitch, three = 3 * pitch;
        r0.GetLower().Store(p);
        r1.GetLower().Store(p + pitch);
        r2.GetLower().Store(p + two);
        r3.GetLower().Store(p + three);
        r0.GetUpper().Store(p4);
        r1.GetUpper().Store(p4 + pitch);
        r2.GetUpper().Store(p4 + two);
        r3.GetUpper().Store(p4 + three);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNines(
        float* p, Vector256<float> c0, Vector256<float> c1, Vector256<float> c2, Vector256<float> c3, Vector256<float> c4,
        Vector256<float> c5, Vector256<float> c6, Vector256<float> c7, Vector256<float> c8)
    {
        if (Avx2.IsSupported)
        {
            Nines.Store(p, c0, c1, c2, c3, c4, c5, c6, c7, c8);
            return;
        }

        Simd128.StoreNines(
            p, c0.GetLower(), c1.GetLower(), c2.GetLower(), c3.GetLower(), c4.GetLower(),
            c5.GetLower(), c6.GetLower(), c7.GetLower(), c8.GetLower());
        Simd128.StoreNines(
            p + 36, c0.GetUpper(), c1.GetUpper(), c2.GetUpper(), c3.GetUpper(), c4.GetUpper(),
            c5.GetUpper(), c6.GetUpper(), c7.GetUpper(), c8.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadNines(
        float* p, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3, out Vector256<float> c4,
        out Vector256<float> c5, out Vector256<float> c6, out Vector256<float> c7, out Vector256<float> c8)
    {
        if (Avx2.IsSupported)
        {
            Nines.Load(p, out c0, out c1, out c2, out c3, out c4, out c5, out c6, out c7, out c8);
            return;
        }

        Simd128.LoadNines(
            p, out Vector128<float> a0, out Vector128<float> a1, out Vector128<float> a2, out Vector128<float> a3, out Vector128<float> a4,
            out Vector128<float> a5, out Vector128<float> a6, out Vector128<float> a7, out Vector128<float> a8);
        Simd128.LoadNines(
            p + 36, out Vector128<float> b0, out Vector128<float> b1, out Vector128<float> b2, out Vector128<float> b3, out Vector128<float> b4,
            out Vector128<float> b5, out Vector128<float> b6, out Vector128<float> b7, out Vector128<float> b8);
        (c0, c1, c2) = (Vector256.Create(a0, b0), Vector256.Create(a1, b1), Vector256.Create(a2, b2));
        (c3, c4, c5) = (Vector256.Create(a3, b3), Vector256.Create(a4, b4), Vector256.Create(a5, b5));
        (c6, c7, c8) = (Vector256.Create(a6, b6), Vector256.Create(a7, b7), Vector256.Create(a8, b8));
    }

    /// <summary>The 4×4 matrices in both halves of the rows, transposed. Written out: the compiler inlines only so much into one method.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose(
        Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3,
        out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        if (Avx.IsSupported)
        {
            Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), high01 = Avx.UnpackHigh(r0, r1).AsDouble();
            Vector256<double> low23 = Avx.UnpackLow(r2, r3).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
            c0 = Avx.UnpackLow(low01, low23).AsSingle();
            c1 = Avx.UnpackHigh(low01, low23).AsSingle();
            c2 = Avx.UnpackLow(high01, high23).AsSingle();
            c3 = Avx.UnpackHigh(high01, high23).AsSingle();
            return;
        }

        TransposeHalves(r0, r1, r2, r3, out c0, out c1, out c2, out c3);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void TransposeHalves(
        Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3,
        out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        Simd128.Transpose(
            r0.GetLower(), r1.GetLower(), r2.GetLower(), r3.GetLower(),
            out Vector128<float> a0, out Vector128<float> a1, out Vector128<float> a2, out Vector128<float> a3);
        Simd128.Transpose(
            r0.GetUpper(), r1.GetUpper(), r2.GetUpper(), r3.GetUpper(),
            out Vector128<float> b0, out Vector128<float> b1, out Vector128<float> b2, out Vector128<float> b3);
        (c0, c1, c2, c3) = (Vector256.Create(a0, b0), Vector256.Create(a1, b1), Vector256.Create(a2, b2), Vector256.Create(a3, b3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> UnpackLow(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackLow(a, b)
            : Vector256.Create(Simd128.InterleaveLow(a.GetLower(), b.GetLower()), Simd128.InterleaveLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> UnpackHigh(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackHigh(a, b)
            : Vector256.Create(Simd128.InterleaveHigh(a.GetLower(), b.GetLower()), Simd128.InterleaveHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<double> UnpackLow(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported
            ? Avx.UnpackLow(a, b)
            : Vector256.Create(a.GetElement(0), b.GetElement(0), a.GetElement(2), b.GetElement(2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<double> UnpackHigh(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported
            ? Avx.UnpackHigh(a, b)
            : Vector256.Create(a.GetElement(1), b.GetElement(1), a.GetElement(3), b.GetElement(3));
}
