using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Simd;

/// <summary>
/// 16 lanes. AVX-512F where it exists; elsewhere the same results from two 256-bit halves, so that the 512-bit kernels
/// can be tested on any machine. (Chosen by Avx512F.IsSupported: Vector512.IsHardwareAccelerated is false on
/// processors that lower their clock for 512-bit code, although its operations still compile to zmm there.)
/// </summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Width => 16;

    public static int Registers => 32;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* p) => Vector512.Create(*p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* p) => Vector512.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector512<float> value) => Vector512.Store(value, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadPartial(float* p, int count) =>
        Avx512F.IsSupported
            ? Avx512F.MaskLoad(p, LaneMask.First512(count), Vector512<float>.Zero)
            : Vector512.Create(
                Simd256.LoadPartial(p, Math.Min(count, 8)),
                Simd256.LoadPartial(p + Math.Min(count, 8), Math.Max(count - 8, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(float* p, Vector512<float> value, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(p, LaneMask.First512(count), value);
            return;
        }

        Simd256.StorePartial(p, value.GetLower(), Math.Min(count, 8));
        Simd256.StorePartial(p + Math.Min(count, 8), value.GetUpper(), Math.Max(count - 8, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadMasked(float* p, Vector512<float> mask, Vector512<float> otherwise) =>
        Avx512F.IsSupported
            ? Avx512F.MaskLoad(p, mask, otherwise)
            : Vector512.Create(
                Simd256.LoadMasked(p, mask.GetLower(), otherwise.GetLower()), Simd256.LoadMasked(p + 8, mask.GetUpper(), otherwise.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWhere(float* p, Vector512<float> mask) => LoadMasked(p, mask, Vector512<float>.Zero);

    // Half a vector lies on two cache lines half as often.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalves(float* low, float* high, Vector512<float> mask)
    {
        Vector256<float> lower = Simd256.LoadWhere(low, mask.GetLower()), upper = Simd256.LoadWhere(high, mask.GetLower());
        return Avx512F.IsSupported
            ? Avx512F.InsertVector256(lower.ToVector512Unsafe().AsDouble(), upper.AsDouble(), 1).AsSingle()
            : Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(float* p, Vector512<float> mask, Vector512<float> value)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(p, mask, value);
            return;
        }

        Simd256.StoreMasked(p, mask.GetLower(), value.GetLower());
        Simd256.StoreMasked(p + 8, mask.GetUpper(), value.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLine(float* p, Vector512<float> value)
    {
        if (Avx512F.IsSupported) Avx512F.StoreAlignedNonTemporal(p, value);
        else Store(p, value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(float* low, float* high, Vector512<float> value)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> BroadcastHalves(float* low, float* high) =>
        Avx512F.IsSupported
            ? Avx512DQ.InsertVector256(Vector512.Create(*low), Vector256.Create(*high), 1)
            : Vector512.Create(Vector256.Create(*low), Vector256.Create(*high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RotateUp(Vector512<float> a) =>
        Avx512F.IsSupported
            ? Avx512F.AlignRight32(a.AsInt32(), a.AsInt32(), 15).AsSingle()
            : Vector512.Shuffle(a, Vector512.Create(15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RotateDown(Vector512<float> a) =>
        Avx512F.IsSupported
            ? Avx512F.AlignRight32(a.AsInt32(), a.AsInt32(), 1).AsSingle()
            : Vector512.Shuffle(a, Vector512.Create(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftUp(Vector512<float> a, Vector512<float> before) =>
        Avx512F.IsSupported
            ? Avx512F.AlignRight32(a.AsInt32(), before.AsInt32(), 15).AsSingle()
            : Vector512.Create(Simd256.ShiftUp(a.GetLower(), before.GetUpper()), Simd256.ShiftUp(a.GetUpper(), a.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftDown(Vector512<float> a, Vector512<float> after) =>
        Avx512F.IsSupported
            ? Avx512F.AlignRight32(after.AsInt32(), a.AsInt32(), 1).AsSingle()
            : Vector512.Create(Simd256.ShiftDown(a.GetLower(), a.GetUpper()), Simd256.ShiftDown(a.GetUpper(), after.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadStrided(float* p, nint stride) =>
        Vector512.Create(Simd256.LoadStrided(p, stride), Simd256.LoadStrided(p + (8 * stride), stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> a, Vector512<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.Min(a, b);

    // The native operations answer with their second operand where one is NaN (x86), or with the NaN (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Clamp(Vector512<float> x, Vector512<float> low, Vector512<float> high) =>
        Vector512.MinNative(high, Vector512.MaxNative(low, x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> a) => Simd256.Sum(a.GetLower() + a.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Lane(Vector512<float> a, int i) => a.GetElement(i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Even(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(low, Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), high)
            : Vector512.Create(Simd256.Even(low.GetLower(), low.GetUpper()), Simd256.Even(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Odd(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(low, Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), high)
            : Vector512.Create(Simd256.Odd(low.GetLower(), low.GetUpper()), Simd256.Odd(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> EvenInFours(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.Shuffle(low, high, 0b10_00_10_00)
            : Vector512.Create(Simd256.EvenInFours(low.GetLower(), high.GetLower()), Simd256.EvenInFours(low.GetUpper(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OddInFours(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.Shuffle(low, high, 0b11_01_11_01)
            : Vector512.Create(Simd256.OddInFours(low.GetLower(), high.GetLower()), Simd256.OddInFours(low.GetUpper(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Woven(Vector512<float> a) => Avx512F.IsSupported
        ? Avx512F.PermuteVar8x64(a.AsDouble(), Vector512.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsSingle()
        : Vector512.Shuffle(a.AsDouble(), Vector512.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WovenNext(Vector512<float> a) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32(a, Vector512.Create(1, 2, 9, 10, 3, 4, 11, 12, 5, 6, 13, 14, 7, 8, 15, 0))
        : Vector512.Shuffle(a, Vector512.Create(1, 2, 9, 10, 3, 4, 11, 12, 5, 6, 13, 14, 7, 8, 15, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SumFours(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<double> ab = (UnpackLow(a, b) + UnpackHigh(a, b)).AsDouble(), cd = (UnpackLow(c, d) + UnpackHigh(c, d)).AsDouble();
        return UnpackLow(ab, cd).AsSingle() + UnpackHigh(ab, cd).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> EvenFours(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.Shuffle4x128(low, high, 0b10_00_10_00)
            : Vector512.Create(Simd256.EvenFours(low.GetLower(), low.GetUpper()), Simd256.EvenFours(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OddFours(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.Shuffle4x128(low, high, 0b11_01_11_01)
            : Vector512.Create(Simd256.OddFours(low.GetLower(), low.GetUpper()), Simd256.OddFours(high.GetLower(), high.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AddHalves(Vector512<float> low, Vector512<float> high) =>
        Avx512F.IsSupported
            ? Avx512F.Shuffle4x128(low, high, 0b01_00_11_10)
                + Vector512.ConditionalSelect(Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1).AsSingle(), high, low)
            : Vector512.Create(low.GetLower() + low.GetUpper(), high.GetLower() + high.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> InterleaveLow(Vector512<float> even, Vector512<float> odd) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(even, Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), odd)
            : Vector512.Create(
                Simd256.InterleaveLow(even.GetLower(), odd.GetLower()),
                Simd256.InterleaveHigh(even.GetLower(), odd.GetLower()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> InterleaveHigh(Vector512<float> even, Vector512<float> odd) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(even, Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), odd)
            : Vector512.Create(
                Simd256.InterleaveLow(even.GetUpper(), odd.GetUpper()),
                Simd256.InterleaveHigh(even.GetUpper(), odd.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float** rows, nint offset, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3) =>
        Transpose(Load4(rows, offset), Load4(rows + 1, offset), Load4(rows + 2, offset), Load4(rows + 3, offset), out c0, out c1, out c2, out c3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float** rows, nint offset, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3,
        out Vector512<float> c4, out Vector512<float> c5, out Vector512<float> c6, out Vector512<float> c7)
    {
        if (!Avx512F.IsSupported)
        {
            LoadQuads(rows, offset, out c0, out c1, out c2, out c3);
            LoadQuads(rows, offset + 4, out c4, out c5, out c6, out c7);
            return;
        }

        Transpose(
            Load8(rows[0] + offset, rows[4] + offset), Load8(rows[1] + offset, rows[5] + offset),
            Load8(rows[2] + offset, rows[6] + offset), Load8(rows[3] + offset, rows[7] + offset),
            out Vector512<float> t0, out Vector512<float> t1, out Vector512<float> t2, out Vector512<float> t3);
        Transpose(
            Load8(rows[8] + offset, rows[12] + offset), Load8(rows[9] + offset, rows[13] + offset),
            Load8(rows[10] + offset, rows[14] + offset), Load8(rows[11] + offset, rows[15] + offset),
            out Vector512<float> u0, out Vector512<float> u1, out Vector512<float> u2, out Vector512<float> u3);
        (c0, c1, c2, c3) = (EvenFours(t0, u0), EvenFours(t1, u1), EvenFours(t2, u2), EvenFours(t3, u3));
        (c4, c5, c6, c7) = (OddFours(t0, u0), OddFours(t1, u1), OddFours(t2, u2), OddFours(t3, u3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float* p, nint pitch, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        float* p4 = p + (4 * pitch), p8 = p + (8 * pitch), p12 = p8 + (4 * pitch);
        nint two = 2 * pitch, three = 3 * pitch;
        Transpose(
            Load4(p, p4, p8, p12), Load4(p + pitch, p4 + pitch, p8 + pitch, p12 + pitch), Load4(p + two, p4 + two, p8 + two, p12 + two),
            Load4(p + three, p4 + three, p8 + three, p12 + three), out c0, out c1, out c2, out c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float* p, nint pitch, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3,
        out Vector512<float> c4, out Vector512<float> c5, out Vector512<float> c6, out Vector512<float> c7)
    {
        float* p4 = p + (4 * pitch), p8 = p + (8 * pitch), p12 = p8 + (4 * pitch);
        nint two = 2 * pitch, three = 3 * pitch;
        Transpose(
            Load8(p, p4), Load8(p + pitch, p4 + pitch), Load8(p + two, p4 + two), Load8(p + three, p4 + three),
            out Vector512<float> t0, out Vector512<float> t1, out Vector512<float> t2, out Vector512<float> t3);
        Transpose(
            Load8(p8, p12), Load8(p8 + pitch, p12 + pitch), Load8(p8 + two, p12 + two), Load8(p8 + three, p12 + three),
            out Vector512<float> u0, out Vector512<float> u1, out Vector512<float> u2, out Vector512<float> u3);
        (c0, c1, c2, c3) = (EvenFours(t0, u0), EvenFours(t1, u1), EvenFours(t2, u2), EvenFours(t3, u3));
        (c4, c5, c6, c7) = (OddFours(t0, u0), OddFours(t1, u1), OddFours(t2, u2), OddFours(t3, u3));
    }

    /// <summary>
    /// Eight floats each from two rows, four rows apart: quarters of four of them, transposed, are four rows' first four columns, their last four,
    /// and those of the next four rows likewise.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load8(float* low, float* high) => Avx512F.IsSupported
        ? Avx512F.InsertVector256(Vector256.Load(low).ToVector512Unsafe().AsDouble(), Vector256.Load(high).AsDouble(), 1).AsSingle()
        : Vector512.Create(Vector256.Load(low), Vector256.Load(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(float* p, nint pitch, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3)
    {
        Transpose(c0, c1, c2, c3, out Vector512<float> r0, out Vector512<float> r1, out Vector512<float> r2, out Vector512<float> r3);
        nint four = 4 * pitch;
        Store4(p, four, r0);
        Store4(p + pitch, four, r1);
        Store4(p + (2 * pitch), four, r2);
        Store4(p + (3 * pitch), four, r3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNines(
        float* p, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4,
        Vector512<float> c5, Vector512<float> c6, Vector512<float> c7, Vector512<float> c8)
    {
        if (Avx512F.IsSupported)
        {
            Nines.Store(p, c0, c1, c2, c3, c4, c5, c6, c7, c8);
            return;
        }

        Simd256.StoreNines(
            p, c0.GetLower(), c1.GetLower(), c2.GetLower(), c3.GetLower(), c4.GetLower(),
            c5.GetLower(), c6.GetLower(), c7.GetLower(), c8.GetLower());
        Simd256.StoreNines(
            p + 72, c0.GetUpper(), c1.GetUpper(), c2.GetUpper(), c3.GetUpper(), c4.GetUpper(),
            c5.GetUpper(), c6.GetUpper(), c7.GetUpper(), c8.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadNines(
        float* p, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3, out Vector512<float> c4,
        out Vector512<float> c5, out Vector512<float> c6, out Vector512<float> c7, out Vector512<float> c8)
    {
        if (Avx512F.IsSupported)
        {
            Nines.Load(p, out c0, out c1, out c2, out c3, out c4, out c5, out c6, out c7, out c8);
            return;
        }

        Simd256.LoadNines(
            p, out Vector256<float> a0, out Vector256<float> a1, out Vector256<float> a2, out Vector256<float> a3, out Vector256<float> a4,
            out Vector256<float> a5, out Vector256<float> a6, out Vector256<float> a7, out Vector256<float> a8);
        Simd256.LoadNines(
            p + 72, out Vector256<float> b0, out Vector256<float> b1, out Vector256<float> b2, out Vector256<float> b3, out Vector256<float> b4,
            out Vector256<float> b5, out Vector256<float> b6, out Vector256<float> b7, out Vector256<float> b8);
        (c0, c1, c2) = (Vector512.Create(a0, b0), Vector512.Create(a1, b1), Vector512.Create(a2, b2));
        (c3, c4, c5) = (Vector512.Create(a3, b3), Vector512.Create(a4, b4), Vector512.Create(a5, b5));
        (c6, c7, c8) = (Vector512.Create(a6, b6), Vector512.Create(a7, b7), Vector512.Create(a8, b8));
    }

    /// <summary>Four floats each from rows 0, 4, 8 and 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load4(float** rows, nint offset) =>
        Load4(rows[0] + offset, rows[4] + offset, rows[8] + offset, rows[12] + offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load4(float* a, float* b, float* c, float* d)
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(Vector256.Create(Vector128.Load(a), Vector128.Load(b)), Vector256.Create(Vector128.Load(c), Vector128.Load(d)));

        // Vector512.Create would carry its undefined start from one use to the next through memory.
        Vector512<float> r = Vector128.Load(a).ToVector256Unsafe().ToVector512Unsafe();
        r = Avx512F.InsertVector128(r, Vector128.Load(b), 1);
        r = Avx512F.InsertVector128(r, Vector128.Load(c), 2);
        return Avx512F.InsertVector128(r, Vector128.Load(d), 3);
    }

    /// <summary>Four floats each to rows 0, 4, 8 and 12, of which four stand so many floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(float* p, nint four, Vector512<float> r)
    {
        r.GetLower().GetLower().Store(p);
        r.GetLower().GetUpper().Store(p + four);
        r.GetUpper().GetLower().Store(p + (2 * four));
        r.GetUpper().GetUpper().Store(p + (3 * four));
    }

    /// <summary>The 4×4 matrices in each quarter of the rows, transposed. Written out: the compiler inlines only so much into one method.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(
        Vector512<float> r0, Vector512<float> r1, Vector512<float> r2, Vector512<float> r3,
        out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        if (Avx512F.IsSupported)
        {
            Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
            Vector512<double> low23 = Avx512F.UnpackLow(r2, r3).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
            c0 = Avx512F.UnpackLow(low01, low23).AsSingle();
            c1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
            c2 = Avx512F.UnpackLow(high01, high23).AsSingle();
            c3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
            return;
        }

        TransposeHalves(r0, r1, r2, r3, out c0, out c1, out c2, out c3);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void TransposeHalves(
        Vector512<float> r0, Vector512<float> r1, Vector512<float> r2, Vector512<float> r3,
        out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        Simd256.Transpose(
            r0.GetLower(), r1.GetLower(), r2.GetLower(), r3.GetLower(),
            out Vector256<float> a0, out Vector256<float> a1, out Vector256<float> a2, out Vector256<float> a3);
        Simd256.Transpose(
            r0.GetUpper(), r1.GetUpper(), r2.GetUpper(), r3.GetUpper(),
            out Vector256<float> b0, out Vector256<float> b1, out Vector256<float> b2, out Vector256<float> b3);
        (c0, c1, c2, c3) = (Vector512.Create(a0, b0), Vector512.Create(a1, b1), Vector512.Create(a2, b2), Vector512.Create(a3, b3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> UnpackLow(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackLow(a, b)
            : Vector512.Create(Simd256.UnpackLow(a.GetLower(), b.GetLower()), Simd256.UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> UnpackHigh(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackHigh(a, b)
            : Vector512.Create(Simd256.UnpackHigh(a.GetLower(), b.GetLower()), Simd256.UnpackHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> UnpackLow(Vector512<double> a, Vector512<double> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackLow(a, b)
            : Vector512.Create(Simd256.UnpackLow(a.GetLower(), b.GetLower()), Simd256.UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> UnpackHigh(Vector512<double> a, Vector512<double> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackHigh(a, b)
            : Vector512.Create(Simd256.UnpackHigh(a.GetLower(), b.GetLower()), Simd256.UnpackHigh(a.GetUpper(), b.GetUpper()));
}
