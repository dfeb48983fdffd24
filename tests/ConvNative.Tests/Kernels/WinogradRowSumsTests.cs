using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="WinogradRowSums"/> against sums and transforms in double.</summary>
internal sealed unsafe class WinogradRowSumsTests
{
    private const int Products = WinogradRowSums.Points * WinogradRowSums.Points, Gap = 5;

    // One whole tile and several; tiles of two columns, of two rows, of both at the edge; none that is whole.
    [Test]
    public void The_taps_are_those_of_the_tiles_that_have_a_product(
        [Values("4x4", "8x12", "6x8", "8x6", "6x6", "14x14", "2x4", "10x22")] string image, [Values(1, 3, 4, 9, 64)] int rows, [Values] bool turned)
    {
        int[] size = Array.ConvertAll(image.Split('x'), int.Parse);
        WinogradKernels kernels = KernelsOf(Isa.Avx512, size[0], size[1]);
        for (int columns = 1; columns <= WinogradRowSums.Vectors * kernels.Width; columns += columns is 1 or 15 or 16 or 31 ? 1 : 7) Check(kernels, rows, columns, turned);
    }

    [Test]
    public void Only_AVX512_has_registers_for_them_and_only_three_taps_in_tiles_of_4x4([Values] Isa isa, [Values(3, 4, 5)] int taps, [Values(4, 6)] int tile)
    {
        if (taps > 3 && tile > 4) return;   // there is no such scheme
        Assert.That(WinogradKernels.For(isa, new() { KH = taps, KW = taps }, tile).RowSums is not null, Is.EqualTo(isa == Isa.Avx512 && taps == 3 && tile == 4));
    }

    private static WinogradKernels KernelsOf(Isa isa, int h, int w)
    {
        var s = new ConvSizes { N = 1, IC = 1, OC = 1, IH = h, IW = w, OH = h, OW = w, KH = 3, KW = 3, sh = 1, sw = 1, dh = 1, dw = 1, G = 1 };
        return WinogradKernels.For(isa, s, 4);
    }

    private static void Check(in WinogradKernels kernels, int rows, int columns, bool turned)
    {
        const int Taps = 9;
        int tiles = (int)kernels.Grid.Tiles, aRow = BlockSizes.RoundUp(rows, kernels.Width), bRow = BlockSizes.RoundUp(columns, kernels.Width);
        (int dwRow, int dwColumn) = turned ? (Taps, (rows * Taps) + Gap) : ((columns * Taps) + Gap, Taps);
        using FencedFloats a = new FencedFloats(tiles * Products * aRow).FillUniform(new Random(1)), b = new FencedFloats(tiles * Products * bRow).FillUniform(new Random(2));
        using FencedFloats half = new(kernels.RowSums!.Value.LengthOf(aRow)), dw = new(turned ? columns * dwColumn : rows * dwRow);
        Forbid(kernels, a, aRow);
        Forbid(kernels, b, bRow);
        int untouched = dw.Bits[^1];
        kernels.RowSums!.Value.Multiply(kernels, rows, columns, a.Pointer, aRow, b.Pointer, half.Pointer, dw.Pointer, dwRow, dwColumn);
        Assert.That(a.FencesHold && b.FencesHold && half.FencesHold && dw.FencesHold);
        int used = (turned ? rows : columns) * Taps, line = used + Gap;
        for (int i = 0; i < dw.Bits.Length; i++)
            if (i % line >= used) Assert.That(dw.Bits[i], Is.EqualTo(untouched), "the gap");
        double[,] matrix = WinogradMatrices.Transposed(new WinogradMatrices(3, 4, 4, gradient: true).Filter());
        double[,] sums = new double[WinogradRowSums.Points, WinogradRowSums.Points], magnitudes = new double[WinogradRowSums.Points, WinogradRowSums.Points];
        for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++)
        {
            for (int f = 0; f < Products; f++)
            {
                (int i, int j) = Math.DivRem(f, WinogradRowSums.Points);
                (int first, int count) = kernels.TilesWith(f, 0, tiles);
                (sums[i, j], magnitudes[i, j]) = (0, 0);
                for (int t = first; t < first + count; t++)
                {
                    double product = (double)a.Span[(((t * Products) + f) * aRow) + row] * b.Span[(((t * Products) + f) * bRow) + column];
                    (sums[i, j], magnitudes[i, j]) = (sums[i, j] + product, magnitudes[i, j] + Math.Abs(product));
                }
            }

            double[,] expected = WinogradMatrices.Transform(matrix, sums, matrix).Value, magnitude = WinogradMatrices.Transform(matrix, magnitudes, matrix).Magnitude;
            for (int tap = 0; tap < Taps; tap++)
            {
                float actual = dw.Span[(row * dwRow) + (column * dwColumn) + tap];
                double bound = (tiles + 16) * magnitude[tap / 3, tap % 3] / (1 << 24);
                if (!(Math.Abs(actual - expected[tap / 3, tap % 3]) <= bound))
                    Assert.Fail($"pair {row}, {column}, tap {tap}: {actual:R} is further than {bound} from {expected[tap / 3, tap % 3]:R}");
            }
        }
    }

    /// <summary>What tiles do not have is not read.</summary>
    private static void Forbid(in WinogradKernels kernels, FencedFloats of, int row)
    {
        int tiles = (int)kernels.Grid.Tiles;
        for (int f = 0; f < Products; f++)
        {
            (int first, int count) = kernels.TilesWith(f, 0, tiles);
            for (int t = 0; t < tiles; t++)
                if (t < first || t >= first + count) of.Span.Slice(((t * Products) + f) * row, row).Fill(float.NaN);
        }
    }
}
