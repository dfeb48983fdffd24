using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Where rows of the planes of a vector's channels lie: column j of row r of channel i is at First + i·Pitch + r·RowStride + j.</summary>
/// <param name="first">The first row of the first channel.</param>
/// <param name="pitch">Floats between planes.</param>
/// <param name="rowStride">Floats between rows.</param>
internal readonly unsafe struct PlaneRows(float* first, nint pitch, nint rowStride)
{
    public float* First { get; } = first;

    public nint Pitch { get; } = pitch;

    public nint RowStride { get; } = rowStride;

    /// <summary>The same, from so many columns on.</summary>
    public PlaneRows From(nint column) => new(First + column, Pitch, RowStride);
}

/// <summary>How a vector for each of four columns is read from the rows, a channel in each lane.</summary>
internal interface IPlaneLanes<V>
    where V : struct
{
    PlaneRows Rows { get; }

    /// <summary>Channels that exist.</summary>
    int Lanes { get; }

    /// <summary>Lane i of dⱼ is column j of channel i, so many floats behind the first row's beginning; lanes without a channel repeat the last one.</summary>
    void Load(nint at, out V d0, out V d1, out V d2, out V d3);
}

/// <summary>As many channels as lanes.</summary>
internal readonly unsafe struct AllLanes<S, V>(PlaneRows rows) : IPlaneLanes<V>
    where S : struct, ISimd<V>
    where V : struct
{
    public PlaneRows Rows { get; } = rows;

    public int Lanes => S.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(nint at, out V d0, out V d1, out V d2, out V d3) => S.LoadQuads(Rows.First + at, Rows.Pitch, out d0, out d1, out d2, out d3);
}

/// <summary>Fewer channels, and a pointer to the first row of each lane's.</summary>
internal readonly unsafe struct SomeLanes<S, V>(PlaneRows rows, int lanes, float** each) : IPlaneLanes<V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <param name="rows">Of the channels.</param>
    /// <param name="lanes">Channels that exist.</param>
    /// <param name="each">Width pointers, which are set.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SomeLanes<S, V> Of(in PlaneRows rows, int lanes, float** each)
    {
        for (int i = 0; i < S.Width; i++) each[i] = rows.First + (Math.Min(i, lanes - 1) * rows.Pitch);
        return new(rows, lanes, each);
    }

    public PlaneRows Rows { get; } = rows;

    public int Lanes { get; } = lanes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(nint at, out V d0, out V d1, out V d2, out V d3) => S.LoadQuads(each, at, out d0, out d1, out d2, out d3);
}
