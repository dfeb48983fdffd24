using System.Runtime.Intrinsics;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary>
/// <see cref="WinogradRows"/> against what it stands for, <see cref="RowGemm"/> with <see cref="WinogradFilter{S, V, F}"/>'s U, which are tested in double: the
/// same operations in the same order give the same bits, so that results do not depend on which of them a plan takes.
/// </summary>
internal sealed unsafe class WinogradRowsTests
{
    private const int Gap = 3;

    // 1, 2, 3 … tiles, all whole; of 3 taps with two columns, two rows and both at the edge; one tile that is a corner.
    [Test]
    public void The_products_have_the_bits_of_those_with_transformed_kernels(
        [Values] Isa isa, [Values("4, 3", "6, 3", "4, 5")] string tileAndTaps,
        [Values("4x4", "4x8", "4x12", "8x8", "4x20", "12x12", "8x20", "6x8", "8x6", "6x6", "2x2", "14x14", "10x22", "18x18", "6x30", "12x18", "16x16")] string image, [Values] bool flipped)
    {
        int[] sizes = Array.ConvertAll(tileAndTaps.Split(','), int.Parse);
        (int tile, int taps) = (sizes[0], sizes[1]);
        int[] size = Array.ConvertAll(image.Split('x'), int.Parse);
        var s = new ConvSizes { N = 1, IC = 1, OC = 1, IH = size[0], IW = size[1], OH = size[0], OW = size[1], KH = taps, KW = taps, sh = 1, sw = 1, dh = 1, dw = 1, G = 1 };
        WinogradKernels kernels = WinogradKernels.For(isa, s, tile);
        WinogradRows rows = RowsOf(isa, kernels.Grid);
        Assert.That(rows.Vectors, Is.EqualTo(taps == 3 ? 2 : 1));
        foreach (int K in (int[])[1, 2, 17, 40])
        for (int vectors = 1; vectors <= rows.Vectors; vectors++)
        for (int lanes = 1; lanes <= kernels.Width; lanes += Math.Min(5, kernels.Width - 1)) Check(kernels, rows, K, vectors, lanes, flipped, near: (lanes + K) % 2 == 0);
    }

    [Test]
    public void Only_AVX512_has_registers_for_them_and_only_three_or_five_taps([Values] Isa isa, [Values(3, 4, 5)] int taps, [Values(4, 6)] int tile)
    {
        if (taps > 3 && tile > 4) return;   // there is no such scheme
        Assert.That(WinogradKernels.For(isa, new() { KH = taps, KW = taps }, tile).Rows is not null, Is.EqualTo(isa == Isa.Avx512 && taps != 4));
    }

    /// <summary>The products of K input channels, in one part and in two, for vectors of output channels of which the last has so many lanes. Near: the kernels
    /// of neighbouring output channels follow each other, as dx has them.</summary>
    private static void Check(in WinogradKernels kernels, in WinogradRows rows, int K, int vectors, int lanes, bool flipped, bool near)
    {
        int tiles = (int)kernels.Grid.Tiles, width = kernels.Width, products = kernels.Grid.Products, reach = kernels.Grid.Reach, OCs = ((vectors - 1) * width) + lanes;
        int vRow = K + Gap, vStride = (tiles * vRow) + Gap, mRow = (vectors * width) + Gap, mStride = (tiles * mRow) + Gap, taps = kernels.Grid.Taps * kernels.Grid.Taps;
        int columnsRow = (K * kernels.Grid.Taps * width) + Gap, columnsStride = (reach * columnsRow) + Gap;
        var order = near ? new FilterOrder(taps, OCs * taps, flipped) : new FilterOrder(K * taps, taps, flipped);
        using FencedFloats w = new FencedFloats(OCs * K * taps).FillUniform(new Random(1));
        using FencedFloats v = new FencedFloats(((products - 1) * vStride) + ((tiles - 1) * vRow) + K).FillUniform(new Random(2));
        using FencedFloats columns = new((vectors * columnsStride) - (2 * Gap)), m = new(((products - 1) * mStride) + ((tiles - 1) * mRow) + (vectors * width));
        int untouched = m.Bits[0];
        for (int vector = 0; vector < vectors; vector++)
        {
            float* kernel = w.Pointer + (vector * width * order.LaneStride);
            rows.Filter(kernel, order, Math.Min(width, OCs - (vector * width)), K, columns.Pointer + (vector * columnsStride), columnsRow);
        }

        for (int row = 0; row < reach; row++)
        {
            float* from = v.Pointer + (row * reach * vStride), to = m.Pointer + (row * reach * mStride), kernel = columns.Pointer + (row * columnsRow);
            int first = K / 3;
            if (first > 0) rows.Multiply(kernels, row, first, vectors, kernel, columnsStride, from, vStride, vRow, to, mStride, mRow, add: false);
            kernel += first * kernels.Grid.Taps * width;
            rows.Multiply(kernels, row, K - first, vectors, kernel, columnsStride, from + first, vStride, vRow, to, mStride, mRow, add: first > 0);
        }

        Assert.That(w.FencesHold && v.FencesHold && columns.FencesHold && m.FencesHold);
        using FencedFloats u = new(products * K * width), expected = new(RowGemm.RowsOf(tiles) * width), a = new(RowGemm.RowsOf(tiles) * K);
        for (int vector = 0; vector < vectors; vector++)
        {
            kernels.Filter(w.Pointer + (vector * width * order.LaneStride), order, Math.Min(width, OCs - (vector * width)), K, u.Pointer, K * width, width);
            for (int f = 0; f < products; f++)
            {
                (int first, int count) = kernels.TilesWith(f, 0, tiles);
                a.Span.Clear();
                for (int t = 0; t < count; t++) v.Span.Slice((f * vStride) + ((first + t) * vRow), K).CopyTo(a.Span[(t * K)..]);
                if (count > 0) kernels.Gemm.Multiply(count, width, K, a.Pointer, K, 1, new(u.Pointer + (f * K * width), K), expected.Pointer, width, add: false);
                for (int t = 0; t < tiles; t++)
                {
                    ReadOnlySpan<int> actual = m.Bits.Slice((f * mStride) + (t * mRow) + (vector * width), width);
                    if (t < first || t >= first + count) Assert.That(actual.IndexOfAnyExcept(untouched), Is.EqualTo(-1), $"product {f}, which tile {t} does not have");
                    else Assert.That(actual.SequenceEqual(expected.Bits.Slice((t - first) * width, width)), $"product {f}, tile {t}, {K} channels, vector {vector}, {lanes} lanes");
                }
            }
        }
    }

    private static WinogradRows RowsOf(Isa isa, in WinogradGrid grid) => isa switch
    {
        Isa.Avx512 => RowsOf<Simd512, Vector512<float>>(grid),
        Isa.Avx2 => RowsOf<Simd256, Vector256<float>>(grid),
        _ => RowsOf<Simd128, Vector128<float>>(grid),
    };

    private static WinogradRows RowsOf<S, V>(in WinogradGrid grid)
        where S : struct, ISimd<V>
        where V : struct => (grid.Taps, grid.Tile, grid.RightColumns) switch
        {
            (5, _, _) => WinogradRows.OfFiveTaps<S, V>(),
            (_, 4, 0) => WinogradRows.Of<S, V, WinogradF4K3<S, V>>(),
            (_, 4, _) => WinogradRows.Of<S, V, WinogradEdgeF2K3<S, V, WinogradEdgeOfF4K3>>(),
            (_, _, 0) => WinogradRows.OfLargeTiles<S, V, WinogradF6K3<S, V>>(),
            (_, _, 2) => WinogradRows.OfLargeTiles<S, V, WinogradEdgeF2K3<S, V, WinogradEdgeOfF6K3>>(),
            _ => WinogradRows.OfLargeTiles<S, V, WinogradEdgeF4K3<S, V>>(),
        };
}
