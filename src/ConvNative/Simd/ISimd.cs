using System.Runtime.Intrinsics;

namespace ConvNative.Simd;

/// <summary>
/// Vector operations with the width as a type parameter: a kernel is written once as
/// <c>Kernel&lt;S, V&gt;() where S : struct, ISimd&lt;V&gt; where V : struct</c> and compiled for every width.
/// V is the runtime's own vector type, so its locals live in registers; S only names the operations.
/// </summary>
internal unsafe interface ISimd<V>
    where V : struct
{
    /// <summary>Number of float lanes.</summary>
    static abstract int Width { get; }

    /// <summary>Vectors that the register file holds.</summary>
    static abstract int Registers { get; }

    /// <summary>All lanes 0.</summary>
    static abstract V Zero { get; }

    /// <summary>All lanes <paramref name="value"/>.</summary>
    static abstract V Create(float value);

    /// <summary>All lanes *p.</summary>
    static abstract V Broadcast(float* p);

    /// <summary>p[0 .. Width); no alignment needed.</summary>
    static abstract V Load(float* p);

    /// <summary>p[0 .. Width) = value; no alignment needed.</summary>
    static abstract void Store(float* p, V value);

    /// <summary>p[0 .. count) in the first lanes, 0 in the others; touches no other memory. 0 ≤ count ≤ Width.</summary>
    static abstract V LoadPartial(float* p, int count);

    /// <summary>p[0 .. count) = first lanes; touches no other memory. 0 ≤ count ≤ Width.</summary>
    static abstract void StorePartial(float* p, V value, int count);

    /// <summary>p[i] in those lanes i whose mask has all bits set; where it has none, <paramref name="otherwise"/>. Touches no other memory.</summary>
    static abstract V LoadMasked(float* p, V mask, V otherwise);

    /// <summary>p[i] in those lanes i whose mask has all bits set, 0 in the others. Touches no other memory.</summary>
    static abstract V LoadWhere(float* p, V mask);

    /// <summary>The lower half from low and the upper half from high, where the mask's lower half is on, else 0.</summary>
    static abstract V LoadHalves(float* low, float* high, V mask);

    /// <summary>p[i] = lane i where the mask has all bits set; touches no other memory.</summary>
    static abstract void StoreMasked(float* p, V mask, V value);

    /// <summary>
    /// p[i] = lane i, past the caches where a vector is half a cache line or more: a line that is stored whole need not be read before. p is aligned to the vector; a
    /// fence must follow before another thread may read.
    /// </summary>
    static abstract void StoreLine(float* p, V value);

    /// <summary>low[0 .. Width/2) = first half, high[0 .. Width/2) = second half.</summary>
    static abstract void StoreHalves(float* low, float* high, V value);

    /// <summary>*low in all lanes of the first half, *high in those of the second.</summary>
    static abstract V BroadcastHalves(float* low, float* high);

    /// <summary>Lane i goes to lane i + 1, the last to lane 0.</summary>
    static abstract V RotateUp(V a);

    /// <summary>Lane i goes to lane i − 1, the first to the last.</summary>
    static abstract V RotateDown(V a);

    /// <summary>Lane i goes to lane i + 1, the last of <paramref name="before"/> to lane 0.</summary>
    static abstract V ShiftUp(V a, V before);

    /// <summary>Lane i goes to lane i − 1, the first of <paramref name="after"/> to the last lane.</summary>
    static abstract V ShiftDown(V a, V after);

    /// <summary>p[0], p[stride] … p[(Width − 1)·stride], by scalar loads and inserts: faster than gather instructions.</summary>
    static abstract V LoadStrided(float* p, nint stride);

    /// <summary>a + b</summary>
    static abstract V Add(V a, V b);

    /// <summary>The bits of a and b: a where the mask b is on, 0 where it is off.</summary>
    static abstract V And(V a, V b);

    /// <summary>a − b</summary>
    static abstract V Subtract(V a, V b);

    /// <summary>a · b</summary>
    static abstract V Multiply(V a, V b);

    /// <summary>a · b + c, rounded once where the machine has FMA.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>The larger of each lane; NaN travels.</summary>
    static abstract V Max(V a, V b);

    /// <summary>The smaller of each lane; NaN travels.</summary>
    static abstract V Min(V a, V b);

    /// <summary>min(max(x, low), high) for bounds that are not NaN; a NaN in x travels.</summary>
    static abstract V Clamp(V x, V low, V high);

    /// <summary>Sum of all lanes, added pairwise in a fixed order.</summary>
    static abstract float Sum(V a);

    /// <summary>Lane i.</summary>
    static abstract float Lane(V a, int i);

    /// <summary>Lanes 0, 2, 4 … of the 2·Width values (low, high).</summary>
    static abstract V Even(V low, V high);

    /// <summary>Lanes 1, 3, 5 … of the 2·Width values (low, high).</summary>
    static abstract V Odd(V low, V high);

    /// <summary>In each four lanes the even ones of low, then of high: <see cref="Even"/> in the order of <see cref="Woven"/>.</summary>
    static abstract V EvenInFours(V low, V high);

    /// <summary>The same of the odd ones.</summary>
    static abstract V OddInFours(V low, V high);

    /// <summary>Twos of lanes of the lower half and of the upper half in turn.</summary>
    static abstract V Woven(V a);

    /// <summary>The same of <see cref="RotateDown"/>.</summary>
    static abstract V WovenNext(V a);

    /// <summary>In each four lanes the sums of the four that a, b, c and d have there.</summary>
    static abstract V SumFours(V a, V b, V c, V d);

    /// <summary>Fours 0, 2 … of the lanes of (low, high).</summary>
    static abstract V EvenFours(V low, V high);

    /// <summary>Fours 1, 3 … of the lanes of (low, high).</summary>
    static abstract V OddFours(V low, V high);

    /// <summary>The halves of low added up, then those of high.</summary>
    static abstract V AddHalves(V low, V high);

    /// <summary>First half of the interleaved values even₀, odd₀, even₁, odd₁ …</summary>
    static abstract V InterleaveLow(V even, V odd);

    /// <summary>Second half of the interleaved values even₀, odd₀, even₁, odd₁ …</summary>
    static abstract V InterleaveHigh(V even, V odd);

    /// <summary>Columns of 4 neighbours: lane i of cⱼ = rows[i][offset + j].</summary>
    static abstract void LoadQuads(float** rows, nint offset, out V c0, out V c1, out V c2, out V c3);

    /// <summary>Columns of 8 neighbours: lane i of cⱼ = rows[i][offset + j].</summary>
    static abstract void LoadOcts(
        float** rows, nint offset, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);

    /// <summary>Columns of 4 neighbours: lane i of cⱼ = p[i·pitch + j]. Without a pointer to read for each row.</summary>
    static abstract void LoadQuads(float* p, nint pitch, out V c0, out V c1, out V c2, out V c3);

    /// <summary>Columns of 8 neighbours: lane i of cⱼ = p[i·pitch + j].</summary>
    static abstract void LoadOcts(
        float* p, nint pitch, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);

    /// <summary>The reverse: p[i·pitch + j] = lane i of cⱼ.</summary>
    static abstract void StoreQuads(float* p, nint pitch, V c0, V c1, V c2, V c3);

    /// <summary>Columns of rows of 9 that follow each other: p[9·i + j] = lane i of cⱼ.</summary>
    static abstract void StoreNines(float* p, V c0, V c1, V c2, V c3, V c4, V c5, V c6, V c7, V c8);

    /// <summary>The reverse of <see cref="StoreNines"/>: lane i of cⱼ = p[9·i + j].</summary>
    static abstract void LoadNines(float* p, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7, out V c8);
}
