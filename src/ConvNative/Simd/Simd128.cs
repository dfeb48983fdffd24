using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Simd;

/// <summary>4 lanes of portable vectors (SSE, NEON, or plain scalar code): runs on every .NET platform.</summary>
internal readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    public static int Width => 4;

    public static int Registers => 16;

    public static Vector128<float> Zero => Vector128<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* p) => Vector128.Create(*p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* p) => Vector128.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector128<float> value) => Vector128.Store(value, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadPartial(float* p, int count) => count switch
    {
        0 => Zero,
        1 => Vector128.CreateScalar(*p),
        2 => Vector128.CreateScalar(*(double*)p).AsSingle(),
        3 => Vector128.CreateScalar(*(double*)p).AsSingle().WithElement(2, p[2]),
        _ => Vector128.Load(p),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(float* p, Vector128<float> value, int count)
    {
        if (count >= 4) Vector128.Store(value, p);
        if (count is 2 or 3) *(double*)p = value.AsDouble().ToScalar();
        if (count == 3) p[2] = value.GetElement(2);
        if (count == 1) *p = value.ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadMasked(float* p, Vector128<float> mask, Vector128<float> otherwise)
    {
        Vector128<int> on = mask.AsInt32();
        return Vector128.Create(
            on.GetElement(0) != 0 ? p[0] : otherwise.GetElement(0), on.GetElement(1) != 0 ? p[1] : otherwise.GetElement(1),
            on.GetElement(2) != 0 ? p[2] : otherwise.GetElement(2), on.GetElement(3) != 0 ? p[3] : otherwise.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadWhere(float* p, Vector128<float> mask) => LoadMasked(p, mask, Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalves(float* low, float* high, Vector128<float> mask) => Vector128.Create(
        mask.GetElement(0) != 0 ? low[0] : 0, mask.GetElement(1) != 0 ? low[1] : 0,
        mask.GetElement(0) != 0 ? high[0] : 0, mask.GetElement(1) != 0 ? high[1] : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(float* p, Vector128<float> mask, Vector128<float> value)
    {
        Vector128<int> on = mask.AsInt32();
        if (on.GetElement(0) != 0) p[0] = value.GetElement(0);
        if (on.GetElement(1) != 0) p[1] = value.GetElement(1);
        if (on.GetElement(2) != 0) p[2] = value.GetElement(2);
        if (on.GetElement(3) != 0) p[3] = value.GetElement(3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLine(float* p, Vector128<float> value) => Store(p, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(float* low, float* high, Vector128<float> value)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> BroadcastHalves(float* low, float* high) => Vector128.Create(*low, *low, *high, *high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> RotateUp(Vector128<float> a) => Vector128.Shuffle(a, Vector128.Create(3, 0, 1, 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> RotateDown(Vector128<float> a) => Vector128.Shuffle(a, Vector128.Create(1, 2, 3, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ShiftUp(Vector128<float> a, Vector128<float> before) =>
        Vector128.Shuffle(a, Vector128.Create(0, 0, 1, 2)).WithElement(0, before.GetElement(3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ShiftDown(Vector128<float> a, Vector128<float> after) =>
        Vector128.Shuffle(a, Vector128.Create(1, 2, 3, 3)).WithElement(3, after.GetElement(0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadStrided(float* p, nint stride) =>
        Vector128.Create(p[0], p[stride], p[2 * stride], p[3 * stride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> And(Vector128<float> a, Vector128<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    // An estimate: fused where the machine fuses, two roundings elsewhere; never the slow software FMA.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.Min(a, b);

    // The native operations answer with their second operand where one is NaN (x86), or with the NaN (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Clamp(Vector128<float> x, Vector128<float> low, Vector128<float> high) =>
        Vector128.MinNative(high, Vector128.MaxNative(low, x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> a) => (a.GetElement(0) + a.GetElement(2)) + (a.GetElement(1) + a.GetElement(3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Lane(Vector128<float> a, int i) => a.GetElement(i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Even(Vector128<float> low, Vector128<float> high) =>
        Sse.IsSupported ? Sse.Shuffle(low, high, 0b10_00_10_00)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipEven(low, high)
        : Vector128.Create(low.GetElement(0), low.GetElement(2), high.GetElement(0), high.GetElement(2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Odd(Vector128<float> low, Vector128<float> high) =>
        Sse.IsSupported ? Sse.Shuffle(low, high, 0b11_01_11_01)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipOdd(low, high)
        : Vector128.Create(low.GetElement(1), low.GetElement(3), high.GetElement(1), high.GetElement(3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> EvenInFours(Vector128<float> low, Vector128<float> high) => Even(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OddInFours(Vector128<float> low, Vector128<float> high) => Odd(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Woven(Vector128<float> a) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WovenNext(Vector128<float> a) => RotateDown(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumFours(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Transpose(a, b, c, d, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3);
        return c0 + c2 + (c1 + c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> EvenFours(Vector128<float> low, Vector128<float> high) => low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OddFours(Vector128<float> low, Vector128<float> high) => high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> AddHalves(Vector128<float> low, Vector128<float> high) =>
        Vector128.Create(low.GetLower() + low.GetUpper(), high.GetLower() + high.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> InterleaveLow(Vector128<float> even, Vector128<float> odd) =>
        Sse.IsSupported ? Sse.UnpackLow(even, odd)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(even, odd)
        : Vector128.Create(even.GetElement(0), odd.GetElement(0), even.GetElement(1), odd.GetElement(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> InterleaveHigh(Vector128<float> even, Vector128<float> odd) =>
        Sse.IsSupported ? Sse.UnpackHigh(even, odd)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(even, odd)
        : Vector128.Create(even.GetElement(2), odd.GetElement(2), even.GetElement(3), odd.GetElement(3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float** rows, nint offset, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3) =>
        Transpose(Load(rows[0] + offset), Load(rows[1] + offset), Load(rows[2] + offset), Load(rows[3] + offset), out c0, out c1, out c2, out c3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float** rows, nint offset, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3,
        out Vector128<float> c4, out Vector128<float> c5, out Vector128<float> c6, out Vector128<float> c7)
    {
        LoadQuads(rows, offset, out c0, out c1, out c2, out c3);
        LoadQuads(rows, offset + 4, out c4, out c5, out c6, out c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadQuads(
        float* p, nint pitch, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3) =>
        Transpose(Load(p), Load(p + pitch), Load(p + (2 * pitch)), Load(p + (3 * pitch)), out c0, out c1, out c2, out c3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadOcts(
        float* p, nint pitch, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3,
        out Vector128<float> c4, out Vector128<float> c5, out Vector128<float> c6, out Vector128<float> c7)
    {
        LoadQuads(p, pitch, out c0, out c1, out c2, out c3);
        LoadQuads(p + 4, pitch, out c4, out c5, out c6, out c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(float* p, nint pitch, Vector128<float> c0, Vector128<float> c1, Vector128<float> c2, Vector128<float> c3)
    {
        Transpose(c0, c1, c2, c3, out Vector128<float> r0, out Vector128<float> r1, out Vector128<float> r2, out Vector128<float> r3);
        Store(p, r0);
        Store(p + pitch, r1);
        Store(p + (2 * pitch), r2);
        Store(p + (3 * pitch), r3);
    }

    // Quads overlap, so that none reaches over a row's end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNines(
        float* p, Vector128<float> c0, Vector128<float> c1, Vector128<float> c2, Vector128<float> c3, Vector128<float> c4,
        Vector128<float> c5, Vector128<float> c6, Vector128<float> c7, Vector128<float> c8)
    {
        StoreQuads(p, 9, c0, c1, c2, c3);
        StoreQuads(p + 4, 9, c4, c5, c6, c7);
        StoreQuads(p + 5, 9, c5, c6, c7, c8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadNines(
        float* p, out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3, out Vector128<float> c4,
        out Vector128<float> c5, out Vector128<float> c6, out Vector128<float> c7, out Vector128<float> c8)
    {
        LoadQuads(p, 9, out c0, out c1, out c2, out c3);
        LoadQuads(p + 4, 9, out c4, out c5, out c6, out c7);
        LoadQuads(p + 5, 9, out _, out _, out _, out c8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose(
        Vector128<float> r0, Vector128<float> r1, Vector128<float> r2, Vector128<float> r3,
        out Vector128<float> c0, out Vector128<float> c1, out Vector128<float> c2, out Vector128<float> c3)
    {
        Vector128<float> low02 = InterleaveLow(r0, r2), high02 = InterleaveHigh(r0, r2);
        Vector128<float> low13 = InterleaveLow(r1, r3), high13 = InterleaveHigh(r1, r3);
        (c0, c1) = (InterleaveLow(low02, low13), InterleaveHigh(low02, low13));
        (c2, c3) = (InterleaveLow(high02, high13), InterleaveHigh(high02, high13));
    }
}
