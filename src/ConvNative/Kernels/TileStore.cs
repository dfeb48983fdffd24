using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Element-wise function at the end of a tile. ReLU is <see cref="Clip"/> with bounds 0 and +∞.</summary>
internal enum Activation
{
    /// <summary>y = x</summary>
    None,

    /// <summary>y = min(max(x, Low), High)</summary>
    Clip,

    /// <summary>y = x where x ≥ 0, else Slope·x</summary>
    LeakyRelu,
}

/// <summary>
/// What becomes of a tile of A·B on its way from the registers to memory:
/// <code>C[r, j] = activation(tile[r, j] + Bias[r] + Addend[r, j]),  r &lt; Rows, j &lt; Columns</code>
/// A product that is summed over several blocks of K takes bias and residual with the first block, C itself as the addend
/// of each later one, and the activation with the last. Nothing is read or written outside Rows × Columns.
/// </summary>
internal unsafe struct TileStore
{
    /// <summary>Rows of the tile that exist, 1 … MR.</summary>
    public int Rows;

    /// <summary>Columns of the tile that exist, 1 … NR + Tail.</summary>
    public int Columns;

    /// <summary>One value for each row, or null.</summary>
    public float* Bias;

    /// <summary>A matrix that is added, or null; it may be C itself.</summary>
    public float* Addend;

    /// <summary>Distance between the addend's rows, in floats.</summary>
    public nint AddendStride;

    public Activation Activation;

    /// <summary>Lower bound of <see cref="Activation.Clip"/>.</summary>
    public float Low;

    /// <summary>Upper bound of <see cref="Activation.Clip"/>.</summary>
    public float High;

    /// <summary>Factor below zero of <see cref="Activation.LeakyRelu"/>.</summary>
    public float Slope;

    /// <summary>
    /// What B has beyond its last whole vector: of a tile of one column more whose A is read by rows, K floats side by side; of a tile with a tail,
    /// [K][<see cref="GemmTail.Columns"/>].
    /// </summary>
    public float* LastColumn;

    /// <summary>The last columns, and a narrow tile, are summed over so many values of k at a time; 0: over all of them.</summary>
    public nint Segment;

    /// <summary>Floats of A that are left out after every segment; where it is not 0, Ahead.Count is the segment.</summary>
    public nint SkipA;

    /// <summary>
    /// Whole tiles go past the caches: what they are stored to is not read before. All their rows must begin with cache lines and be whole lines (but for those of
    /// <see cref="Epilogue"/> and of Winograd's windows), and a fence must follow before another thread reads them.
    /// </summary>
    public bool Streams;

    /// <summary>What is asked for while the tile is computed; a hint.</summary>
    public PrefetchWalk Ahead;

    /// <summary>The product is stored as it is.</summary>
    public readonly bool IsNothing => Bias == null && Addend == null && Activation == Activation.None;

    /// <summary>The activation of one vector; NaN travels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly V Activate<S, V>(V x)
        where S : struct, ISimd<V>
        where V : struct => Activation switch
    {
        Activation.Clip => S.Clamp(x, S.Create(Low), S.Create(High)),
        Activation.LeakyRelu => LeakyRelu<S, V>(x, S.Create(Slope)),
        _ => x,
    };

    /// <summary>max(x, 0) + slope·min(x, 0)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LeakyRelu<S, V>(V x, V slope)
        where S : struct, ISimd<V>
        where V : struct =>
        S.MultiplyAdd(
            slope,
            S.Clamp(x, S.Create(float.NegativeInfinity), S.Zero),
            S.Clamp(x, S.Zero, S.Create(float.PositiveInfinity)));

    /// <summary>
    /// Stores a product that lies in a buffer of row length <paramref name="stride"/> (a whole number of vectors): the way of
    /// edge tiles, which may not write whole vectors into C.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void StoreFrom<S, V>(float* tile, nint stride, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (int r = 0; r < Rows; r++)
        {
            V bias = Bias == null ? S.Create(-0f) : S.Broadcast(Bias + r);   // x + (−0) is x, also where that is −0
            for (int j = 0; j < Columns; j += S.Width)
            {
                int count = Math.Min(Columns - j, S.Width);
                V x = S.Add(S.Load(tile + r * stride + j), bias);
                if (Addend != null) x = S.Add(x, S.LoadPartial(Addend + r * AddendStride + j, count));
                x = Activate<S, V>(x);
                // Masked stores are slow on some machines (AMD: dozens of micro-operations).
                if (count == S.Width) S.Store(c + r * ldc + j, x);
                else S.StorePartial(c + r * ldc + j, x, count);
            }
        }
    }
}
