using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Adds lanes onto p[0], p[stride], p[2·stride] …: how <see cref="Col2Im"/> returns every stride-th pixel of a row.</summary>
internal unsafe interface IStridedAdd<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Adds all lanes of q, where p[Width·stride] may be rewritten as well.</summary>
    static abstract void Inner(float* p, int stride, float* q);

    /// <summary>
    /// Adds the first <paramref name="lanes"/> lanes (1 … Width) of q. Other elements before <paramref name="end"/> may be
    /// rewritten with 0 added; nothing at or beyond it is touched.
    /// </summary>
    static abstract void Last(float* p, int stride, float* q, int lanes, float* end);
}

/// <summary>Stride 1.</summary>
internal readonly unsafe struct UnitAdd<S, V> : IStridedAdd<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Inner(float* p, int stride, float* q) => S.Store(p, S.Add(S.Load(p), S.Load(q)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Last(float* p, int stride, float* q, int lanes, float* end)
    {
        V value = S.LoadPartial(q, lanes);
        if (p + S.Width <= end)
            S.Store(p, S.Add(S.Load(p), value));
        else
            S.StorePartial(p, S.Add(S.LoadPartial(p, lanes), value), lanes);
    }
}

/// <summary>Stride 2: lanes interleaved with zeros make two vectors.</summary>
internal readonly unsafe struct PairAdd<S, V> : IStridedAdd<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Inner(float* p, int stride, float* q) => Add(p, S.Load(q));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Last(float* p, int stride, float* q, int lanes, float* end)
    {
        V value = S.LoadPartial(q, lanes);
        if (p + (2 * S.Width) <= end)
        {
            Add(p, value);
            return;
        }

        int low = Math.Min((2 * lanes) - 1, S.Width);
        int high = (2 * lanes) - 1 - low;
        S.StorePartial(p, S.Add(S.LoadPartial(p, low), S.InterleaveLow(value, S.Zero)), low);
        S.StorePartial(p + low, S.Add(S.LoadPartial(p + low, high), S.InterleaveHigh(value, S.Zero)), high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* p, V value)
    {
        S.Store(p, S.Add(S.Load(p), S.InterleaveLow(value, S.Zero)));
        S.Store(p + S.Width, S.Add(S.Load(p + S.Width), S.InterleaveHigh(value, S.Zero)));
    }
}

/// <summary>Any stride: element by element, as x86 before AVX-512 has no scatter.</summary>
internal readonly unsafe struct ScatterAdd<S, V> : IStridedAdd<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Inner(float* p, int stride, float* q) => Add(p, stride, q, S.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Last(float* p, int stride, float* q, int lanes, float* end) => Add(p, stride, q, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* p, nint stride, float* q, int lanes)
    {
        for (int i = 0; i < lanes; i++)
            p[i * stride] += q[i];
    }
}
