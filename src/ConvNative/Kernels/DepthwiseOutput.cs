using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The plane that is written. Rows are finished from the top, and within some rows from the right, so that a vector may reach beyond its
/// row into what is written later; only the plane's end needs partial stores, which are slow on some machines.
/// </summary>
internal readonly unsafe struct DepthwiseOutput(float* plane, long length, in TileStore store)
{
    private readonly float* _plane = plane;
    private readonly long _length = length;
    private readonly TileStore _store = store;

    /// <summary>The bias in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Bias<S, V>()
        where S : struct, ISimd<V>
        where V : struct => _store.Bias == null ? S.Zero : S.Broadcast(_store.Bias);

    /// <summary>plane[at …] = activation(value + addend), of which <paramref name="count"/> ≥ 1 floats belong to the row (more than a vector: all).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put<S, V>(long at, V value, int count)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (_store.Addend != null)
            value = S.Add(value, count >= S.Width ? S.Load(_store.Addend + at) : S.LoadPartial(_store.Addend + at, count));
        value = _store.Activate<S, V>(value);
        if (at + S.Width <= _length) S.Store(_plane + at, value);
        else S.StorePartial(_plane + at, value, (int)Math.Min(count, _length - at));
    }

    /// <summary>plane[at] = value, without an epilogue.</summary>
    public void Put(long at, float value) => _plane[at] = value;
}
