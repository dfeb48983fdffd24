using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// What a direct tile computes, MR rows × some vectors of neighbouring points, and stores at its place in the output:
/// <code>C[r, j] = clip(Start[r] + Σ over k &lt; K of A[k, r] · B[Offsets[k] + j])</code>
/// </summary>
internal unsafe struct DirectTileProduct
{
    /// <summary>Weights, [K][MR].</summary>
    public float* A;

    /// <summary>The first point in <see cref="PhasePlanes"/>; whole vectors are read from each of its taps on.</summary>
    public float* B;

    /// <summary>Distance from a point to each of its taps in each channel.</summary>
    public nint* Offsets;

    /// <summary>Channels × taps.</summary>
    public nint K;

    /// <summary>What the sums begin with, MR values: the bias.</summary>
    public float* Start;

    public float* C;

    /// <summary>Floats from a row of C to the next.</summary>
    public nint StrideC;

    /// <summary>What will be read soon: a line is asked for with each k. A hint.</summary>
    public float* Ahead;

    /// <summary>Results are clipped to Low … High.</summary>
    public bool Clips;

    public float Low;

    public float High;

    /// <summary>Tiles of 8 rows go past the caches, as <see cref="TileStore.Streams"/> says; others, and parts of a tile, do not.</summary>
    public bool Streams;
}

/// <summary>
/// Tiles that go from the registers into the output: all that is summed over is at hand. Every sum is one chain over k = 0, 1, 2 …, in edge tiles too.
/// Rows of points are longer than a vector, so that equal shares of them are two or three.
/// </summary>
internal readonly unsafe struct DirectTile(
    int mr,
    int width,
    delegate*<DirectTileProduct*, void> two,
    delegate*<DirectTileProduct*, void> three)
{
    /// <summary>Rows of a tile.</summary>
    public int MR { get; } = mr;

    /// <summary>Floats of a vector.</summary>
    public int Width { get; } = width;

    /// <summary>The most vectors of a tile.</summary>
    public const int MostVectors = 3;

    public static DirectTile For(Isa isa) => isa switch
    {
        Isa.Avx512 => Of8x3<Simd512, Vector512<float>>(),
        Isa.Avx2 => Of4x3<Simd256, Vector256<float>>(),
        _ => Of4x3<Simd128, Vector128<float>>(),
    };

    /// <summary>
    /// All tiles of a row of points, as equal as vectors allow: Rows × Columns of <paramref name="store"/>, whose bias is in Start.
    /// B, C and Ahead are moved.
    /// <paramref name="mayOverrun"/>: less than a vector behind the row is written again later.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Row(DirectTileProduct* product, in TileStore store, bool mayOverrun)
    {
        int columns = store.Columns, vectors = BlockSizes.CeilDiv(columns, Width);
        bool isPlain = store.Rows == MR && store.Addend == null && store.Activation != Activation.LeakyRelu;
        (product->Clips, product->Low, product->High) = (isPlain && store.Activation == Activation.Clip, store.Low, store.High);
        for (int tiles = BlockSizes.CeilDiv(vectors, MostVectors), done = 0; tiles > 0; tiles--)
        {
            int count = BlockSizes.CeilDiv(vectors, tiles), length = count * Width;
            var run = count == 2 ? two : three;
            if (isPlain && (mayOverrun || columns - done >= length)) run(product);
            else Beside(run, *product with { C = product->C - done }, store, done, length, 1, int.MaxValue);
            product->B += length;
            product->C += length;
            product->Ahead += product->K * Prefetch.Line;
            vectors -= count;
            done += length;
        }
    }

    /// <summary>
    /// A tile of vectors [<paramref name="first"/>, <paramref name="end"/>) of a strip, whose rows stand <paramref name="pitch"/> points apart in B and
    /// side by side in C; what is computed between rows is thrown away. B and C: of the first point; MR rows × Columns of <paramref name="store"/> a row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Across(in DirectTileProduct product, in TileStore store, int first, int end, int rows, int pitch)
    {
        int point = first * Width, count = end - first;
        Beside(count == 2 ? two : three, product with { B = product.B + point }, store, point, count * Width, rows, pitch);
    }

    /// <summary>Any other tile, of points from <paramref name="point"/> on, is computed beside C and copied from there, row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private void Beside(
        delegate*<DirectTileProduct*, void> run, DirectTileProduct product, TileStore store, int point, int length, int rows, int pitch)
    {
        float* tile = stackalloc float[(MR * length) + Width], c = product.C, addend = store.Addend;
        nint ldc = product.StrideC, columns = store.Columns;
        product.C = tile;
        product.StrideC = length;
        product.Clips = product.Streams = false;
        run(&product);
        (int row, int column) = Math.DivRem(point, pitch);
        for (int done = 0; done < length && row < rows; done += pitch - column, column = 0, row++)
        {
            store.Columns = Math.Min((int)columns - column, length - done);
            nint at = (row * columns) + column;
            if (addend != null) store.Addend = addend + at;
            switch (Width)
            {
                case 16: store.StoreFrom<Simd512, Vector512<float>>(tile + done, length, c + at, ldc); break;
                case 8: store.StoreFrom<Simd256, Vector256<float>>(tile + done, length, c + at, ldc); break;
                default: store.StoreFrom<Simd128, Vector128<float>>(tile + done, length, c + at, ldc); break;
            }
        }
    }

    private static DirectTile Of8x3<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(8, S.Width, &DirectTile8x3<S, V>.Run2, &DirectTile8x3<S, V>.Run3);

    private static DirectTile Of4x3<S, V>()
        where S : struct, ISimd<V>
        where V : struct => new(4, S.Width, &DirectTile4x3<S, V>.Run2, &DirectTile4x3<S, V>.Run3);
}
