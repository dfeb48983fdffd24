using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>The transforms of one kind of tiles of a <see cref="WinogradGrid"/>.</summary>
internal readonly unsafe struct WinogradTileKernels(
    uint rows,
    uint columns,
    delegate*<in ConvSizes, in WinogradStrip, float*, int, float*, float*, nint, nint, void> input,
    delegate*<in ConvSizes, in WinogradStrip, float*, nint, nint, int, float*, in TileStore, void> output,
    delegate*<in ConvSizes, in WinogradStrip, float*, int, float*, nint, nint, void> outputGradient)
{
    /// <summary>The points of the scheme that the tiles have in their rows' dimension, a bit for each.</summary>
    public uint Rows { get; } = rows;

    /// <summary>In their columns' dimension.</summary>
    public uint Columns { get; } = columns;

    /// <inheritdoc cref="WinogradInput{S, V, FH, FW}.Transform"/>
    public delegate*<in ConvSizes, in WinogradStrip, float*, int, float*, float*, nint, nint, void> Input { get; } = input;

    /// <inheritdoc cref="WinogradOutput{S, V, FH, FW}.Transform"/>
    public delegate*<in ConvSizes, in WinogradStrip, float*, nint, nint, int, float*, in TileStore, void> Output { get; } = output;

    /// <inheritdoc cref="WinogradOutputGradient{S, V, FH, FW}.Transform"/>
    public delegate*<in ConvSizes, in WinogradStrip, float*, int, float*, nint, nint, void> OutputGradient { get; } = outputGradient;

    public static WinogradTileKernels Of<S, V, FH, FW>()
        where S : struct, ISimd<V>
        where V : struct
        where FH : struct, IWinogradTile<V>
        where FW : struct, IWinogradTile<V> =>
        new(
            Points<V, FH>(), Points<V, FW>(), &WinogradInput<S, V, FH, FW>.Transform,
            &WinogradOutput<S, V, FH, FW>.Transform, &WinogradOutputGradient<S, V, FH, FW>.Transform);

    private static uint Points<V, F>()
        where V : struct
        where F : struct, IWinogradTile<V>
    {
        uint points = 0;
        for (int i = 0; i < F.Reach; i++) points |= F.Has(i) ? 1u << i : 0;
        return points;
    }
}
