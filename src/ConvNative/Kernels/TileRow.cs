using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>A row of a tile, in as many vectors as the registers hold: what the micro-kernels do to each of theirs.</summary>
internal static unsafe class TileRow<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>c += a·b</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(V a, V b0, ref V c0) => c0 = S.MultiplyAdd(a, b0, c0);

    /// <inheritdoc cref="MultiplyAdd(V, V, ref V)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(V a, V b0, V b1, ref V c0, ref V c1)
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        c1 = S.MultiplyAdd(a, b1, c1);
    }

    /// <inheritdoc cref="MultiplyAdd(V, V, ref V)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(V a, V b0, V b1, V b2, ref V c0, ref V c1, ref V c2)
    {
        c0 = S.MultiplyAdd(a, b0, c0);
        c1 = S.MultiplyAdd(a, b1, c1);
        c2 = S.MultiplyAdd(a, b2, c2);
    }

    /// <summary>Stores whole lines past the caches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLines(float* c, V x0, V x1)
    {
        S.StoreLine(c, x0);
        S.StoreLine(c + S.Width, x1);
    }

    /// <inheritdoc cref="StoreLines(float*, V, V)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLines(float* c, V x0, V x1, V x2)
    {
        S.StoreLine(c, x0);
        S.StoreLine(c + S.Width, x1);
        S.StoreLine(c + (2 * S.Width), x2);
    }

    /// <summary>x += the row's bias</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddBias(float* bias, ref V x0, ref V x1, ref V x2)
    {
        V b = S.Broadcast(bias);
        x0 = S.Add(x0, b);
        x1 = S.Add(x1, b);
        x2 = S.Add(x2, b);
    }

    /// <summary>x += addend[0 …]</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* addend, ref V x0, ref V x1, ref V x2)
    {
        x0 = S.Add(x0, S.Load(addend));
        x1 = S.Add(x1, S.Load(addend + S.Width));
        x2 = S.Add(x2, S.Load(addend + (2 * S.Width)));
    }

    /// <summary>x = activation(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Activate(TileStore* store, ref V x0, ref V x1, ref V x2)
    {
        x0 = store->Activate<S, V>(x0);
        x1 = store->Activate<S, V>(x1);
        x2 = store->Activate<S, V>(x2);
    }

    /// <summary>low ≤ x ≤ high</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clamp(V low, V high, ref V x0, ref V x1)
    {
        x0 = S.Clamp(x0, low, high);
        x1 = S.Clamp(x1, low, high);
    }

    /// <inheritdoc cref="Clamp(V, V, ref V, ref V)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clamp(V low, V high, ref V x0, ref V x1, ref V x2)
    {
        x0 = S.Clamp(x0, low, high);
        x1 = S.Clamp(x1, low, high);
        x2 = S.Clamp(x2, low, high);
    }

    /// <summary>c[0 …] = x</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* c, V x0, V x1)
    {
        S.Store(c, x0);
        S.Store(c + S.Width, x1);
    }

    /// <inheritdoc cref="Store(float*, V, V)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* c, V x0, V x1, V x2)
    {
        S.Store(c, x0);
        S.Store(c + S.Width, x1);
        S.Store(c + (2 * S.Width), x2);
    }

    /// <summary>c[0 …] = x, or that added to it</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* c, V x0, bool accumulate) => S.Store(c, accumulate ? S.Add(x0, S.Load(c)) : x0);

    /// <inheritdoc cref="Store(float*, V, bool)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* c, V x0, V x1, bool accumulate)
    {
        Store(c, x0, accumulate);
        Store(c + S.Width, x1, accumulate);
    }

    /// <inheritdoc cref="Store(float*, V, bool)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* c, V x0, V x1, V x2, bool accumulate)
    {
        Store(c, x0, accumulate);
        Store(c + S.Width, x1, accumulate);
        Store(c + (2 * S.Width), x2, accumulate);
    }
}
