using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The plane that is written, and its epilogue. Rows are finished from the top, so that a vector may reach beyond its row into what is
/// written later; only the plane's end needs partial stores, which are slow on some machines.
/// </summary>
internal readonly unsafe struct DepthwiseOutput
{
    private readonly float* _plane;
    private readonly long _length;
    private readonly TileStore _store;
    private readonly bool _isPlain;

    public DepthwiseOutput(float* plane, long length, in TileStore store)
    {
        _plane = plane;
        _length = length;
        _store = store;
        _isPlain = store.Addend == null && store.Activation == Activation.None;
        Bias = store.Bias == null ? 0 : *store.Bias;
    }

    /// <summary>What the sums of all outputs begin with.</summary>
    public float Bias { get; }

    /// <summary>Where outputs [at, end) may be stored as they are; null where they need an epilogue or end beyond the plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Direct(long at, long end) => _isPlain && end <= _length ? _plane + at : null;

    /// <summary>One row of the plane, which begins at <paramref name="at"/>, from the result rows of its column phases.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Row<S, V>(DepthwiseStencil t, float* result, long at)
        where S : struct, ISimd<V>
        where V : struct
    {
        int outputs = t.Columns.Outputs;
        switch (t.Columns.Phases)
        {
            case 1:
                for (int j = 0; j < outputs; j += S.Width)
                    Put<S, V>(at + j, S.Load(result + j), outputs - j);
                break;
            case 2:
                for (int j = 0; j < outputs; j += 2 * S.Width)
                {
                    V even = S.Load(result + (j / 2)), odd = S.Load(result + t.ResultPitch + (j / 2));
                    Put<S, V>(at + j, S.InterleaveLow(even, odd), outputs - j);
                    if (j + S.Width < outputs) Put<S, V>(at + j + S.Width, S.InterleaveHigh(even, odd), outputs - j - S.Width);
                }

                break;
            default:
                (int column, int phase) = (0, 0);
                for (int j = 0; j < outputs; j++)
                {
                    _plane[at + j] = result[(phase * t.ResultPitch) + column];
                    if (++phase == t.Columns.Phases) (phase, column) = (0, column + 1);
                }

                break;
        }
    }

    /// <summary>plane[at …] = activation(value + addend), of which <paramref name="count"/> ≥ 1 floats belong to the row (more than a vector: all).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put<S, V>(long at, V value, int count)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (_store.Addend != null)
            value = S.Add(value, count >= S.Width ? S.Load(_store.Addend + at) : S.LoadPartial(_store.Addend + at, count));
        value = _store.Activate<S, V>(value);
        if (at + S.Width <= _length) S.Store(_plane + at, value);
        else S.StorePartial(_plane + at, value, (int)Math.Min(count, _length - at));
    }
}
