using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Rows of an operand that is summed over points: point p of run i of row r stands at Source[Rows[r] + Runs[i] + p].</summary>
internal unsafe struct PointRows
{
    public float* Source;
    public nint* Rows;
    public nint* Runs;

    /// <summary>The panel's point that run i begins with; null: they follow each other.</summary>
    public nint* Points;

    /// <summary>Runs of points.</summary>
    public int Count;

    /// <summary>Points of a run.</summary>
    public int Length;

    /// <summary>The points are two floats apart: only of rows that will be turned.</summary>
    public bool EverySecond;

    /// <summary>The same points of the rows from <paramref name="row"/> on.</summary>
    public readonly PointRows From(nint row) => this with { Rows = Rows + row };
}

/// <summary>
/// The micro-kernels of the weight gradient: MR rows by some vectors of lanes, summed over points.
/// <code>
/// C[r, j] = (accumulate ? C[r, j] : 0) + Σₖ rows[r, k] · panel[k][j],      r &lt; MR, j &lt; vectors · Width, k: the points of all runs,
///                                                                         of the panel those that the runs name (Points) or all
///
///              panel ──► vectors for point 0       panel: the rows of the other operand turned, so that they are lanes (LanePanel)
///   rows               ► vectors for point 1       rows:  read where they are, one scalar a point: x itself or its padded rows, in
///   MR scalars   ┌──────────────┐                         which a tap is a constant offset, so that no patch is ever written; or dy
///   per point    │ MR × vectors │
///                └──────────────┘
/// </code>
/// Every sum is one chain over k = 0, 1, 2 …, added to C at its end. <see cref="WeightGradientReference"/> says the same in plain loops.
/// </summary>
internal readonly unsafe struct WeightGradientKernel
{
    private readonly delegate*<in PointRows, nint*, float*, float*, nint, bool, ref PrefetchQueue, void> _one, _two, _three;
    private readonly delegate*<float*, int, int, int, float*, nint, bool, void> _store;

    private readonly int _pointsPerLine;   // of a panel of one vector

    private WeightGradientKernel(
        int mr, int width, int most, int pointsPerLine,
        delegate*<in PointRows, nint*, float*, float*, nint, bool, ref PrefetchQueue, void> one,
        delegate*<in PointRows, nint*, float*, float*, nint, bool, ref PrefetchQueue, void> two,
        delegate*<in PointRows, nint*, float*, float*, nint, bool, ref PrefetchQueue, void> three,
        delegate*<in PointRows, int, int, float*, nint, void> pack,
        delegate*<in PointRows, int, double*, void> sum,
        delegate*<float*, float*, nint, void> add,
        delegate*<float*, int, int, int, float*, nint, bool, void> store)
    {
        (MR, Width, MostVectors, _pointsPerLine) = (mr, width, most, pointsPerLine);
        _one = one;
        _two = two;
        _three = three;
        Pack = pack;
        Sum = sum;
        Add = add;
        _store = store;
    }

    public string Name => $"{MR}x{MostVectors * Width}";

    /// <summary>Rows of a tile.</summary>
    public int MR { get; }

    /// <summary>Lanes of a vector.</summary>
    public int Width { get; }

    /// <summary>The most vectors of a panel.</summary>
    public int MostVectors { get; }

    /// <inheritdoc cref="LanePanel{S, V}.Pack"/>
    public delegate*<in PointRows, int, int, float*, nint, void> Pack { get; }

    /// <inheritdoc cref="PointSums{S, V}.Sum"/>
    public delegate*<in PointRows, int, double*, void> Sum { get; }

    /// <inheritdoc cref="PointSums{S, V}.Add"/>
    public delegate*<float*, float*, nint, void> Add { get; }

    public static WeightGradientKernel For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of8x3<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of6x2<Simd256, Vector256<float>>(),
        _ => Of6x2<Simd128, Vector128<float>>(),
    };

    /// <summary>The one for rows that are a few times 9, where the registers hold it; else the same as <see cref="For"/>.</summary>
    public static WeightGradientKernel ForNines(Isa isa) => isa == Isa.Avx512 ? Of9x2<Simd512, Vector512<float>>() : For(isa);

    /// <summary>How many lines are asked for while tiles of so many points in all are computed.</summary>
    public long LinesAskedFor(long points, int vectors) => vectors == 1 ? points / _pointsPerLine : points;

    /// <summary>
    /// The tiles of all rows with one panel. <paramref name="lanes"/> of the panel's count, and C is touched nowhere else.
    /// <paramref name="sums"/>, unless null: the rows' own sums are added there, while the rows are near.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(
        in PointRows rows, int count, float* panel, int vectors, int lanes, float* c, nint ldc, bool accumulate, double* sums,
        ref PrefetchQueue ahead)
    {
        var run = vectors == 1 ? _one : vectors == 2 ? _two : _three;
        for (int r = 0; r < count; r += MR, c += MR * ldc)
        {
            int present = Math.Min(MR, count - r);
            if (present == MR && lanes == vectors * Width) run(rows, rows.Rows + r, panel, c, ldc, accumulate, ref ahead);
            else Edge(run, rows, rows.Rows + r, present, panel, vectors * Width, lanes, c, ldc, accumulate, ref ahead);
            if (sums != null) Sum(rows.From(r), present, sums + r);
        }
    }

    /// <summary>A tile of which a part counts is computed beside C. Rows that do not exist read what the last one reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private void Edge(
        delegate*<in PointRows, nint*, float*, float*, nint, bool, ref PrefetchQueue, void> run, in PointRows rows, nint* offsets, int count,
        float* panel, int width, int lanes, float* c, nint ldc, bool accumulate, ref PrefetchQueue ahead)
    {
        nint* present = stackalloc nint[MR];
        float* tile = stackalloc float[MR * width];
        for (int r = 0; r < MR; r++) present[r] = offsets[Math.Min(r, count - 1)];
        run(rows, present, panel, tile, width, false, ref ahead);
        _store(tile, width, count, lanes, c, ldc, accumulate);
    }

    private static WeightGradientKernel Of8x3<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            8, S.Width, 3, 4, &WeightGradient8x3<S, V>.Run1, &WeightGradient8x3<S, V>.Run2, &WeightGradient8x3<S, V>.Run3,
            &LanePanel<S, V>.Pack, &PointSums<S, V>.Sum, &PointSums<S, V>.Add, &PointSums<S, V>.StoreTile);

    private static WeightGradientKernel Of9x2<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            9, S.Width, 2, 1, &WeightGradient9x2<S, V>.Run1, &WeightGradient9x2<S, V>.Run2, null,
            &LanePanel<S, V>.Pack, &PointSums<S, V>.Sum, &PointSums<S, V>.Add, &PointSums<S, V>.StoreTile);

    private static WeightGradientKernel Of6x2<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(
            6, S.Width, 2, 1, &WeightGradient6x2<S, V>.Run1, &WeightGradient6x2<S, V>.Run2, null,
            &LanePanel<S, V>.Pack, &PointSums<S, V>.Sum, &PointSums<S, V>.Add, &PointSums<S, V>.StoreTile);
}
