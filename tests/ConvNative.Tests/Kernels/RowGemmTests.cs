using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="RowGemm"/> against a product in double, for every number of rows and width of the last panel.</summary>
internal sealed unsafe class RowGemmTests
{
    private const int Gap = 5;

    [Test]
    public void The_product_is_within_the_bound_of_its_sums([Values] Isa isa, [Values] bool add)
    {
        RowGemm gemm = WinogradKernels.For(isa, new() { KH = 3, KW = 3 }, 4).Gemm;
        foreach (int K in (int[])[0, 1, 2, 7, 33])
        {
            for (int rows = 1; rows <= 23; rows++) Check(gemm, rows, gemm.NR + 1, K, add, before: 0, after: 0);
            for (int columns = 1; columns <= (2 * gemm.NR) + 1; columns += 3) Check(gemm, 7, columns, K, add, before: 2, after: 3);
        }
    }

    [Test]
    public void A_sum_in_two_parts_has_the_same_bits([Values] Isa isa, [Values(4, 6, 8, 10, 12, 20)] int rows, [Values] bool isWhole)
    {
        const int K = 20, Half = 9;
        RowGemm gemm = WinogradKernels.For(isa, new() { KH = 3, KW = 3 }, 4).Gemm;
        int n = isWhole ? gemm.NR : gemm.ColumnsOf(1);
        using FencedFloats a = new FencedFloats(rows * K).FillUniform(new Random(1)), b = new FencedFloats(K * n).FillUniform(new Random(2));
        using FencedFloats whole = new(rows * n), parts = new(rows * n);
        gemm.Multiply(rows, n, K, a.Pointer, K, 1, new(b.Pointer, K), whole.Pointer, n, add: false);
        gemm.Multiply(rows, n, Half, a.Pointer, K, 1, new(b.Pointer, K), parts.Pointer, n, add: false);
        gemm.Multiply(rows, n, K - Half, a.Pointer + Half, K, 1, new(b.Pointer, K, Half), parts.Pointer, n, add: true);
        Assert.That(parts.Bits.SequenceEqual(whole.Bits));
    }

    [Test]
    public void A_matrix_and_its_transpose_give_the_same_bits([Values] Isa isa)
    {
        const int K = 19;
        RowGemm gemm = WinogradKernels.For(isa, new() { KH = 3, KW = 3 }, 4).Gemm;
        int n = gemm.ColumnsOf(gemm.NR + 1);
        for (int rows = 1; rows <= 23; rows++)
        {
            int all = RowGemm.RowsOf(rows), step = all + Gap;
            using FencedFloats a = new FencedFloats(all * K).FillUniform(new Random(1)), b = new FencedFloats(K * n).FillUniform(new Random(2));
            using FencedFloats transposed = new((K - 1) * step + all), c = new(all * n), d = new(all * n);
            for (int r = 0; r < all; r++)
            for (int k = 0; k < K; k++) transposed.Span[(k * step) + r] = a.Span[(r * K) + k];
            gemm.Multiply(rows, gemm.NR + 1, K, a.Pointer, K, 1, new(b.Pointer, K), c.Pointer, n, add: false);
            gemm.Multiply(rows, gemm.NR + 1, K, transposed.Pointer, 1, step, new(b.Pointer, K), d.Pointer, n, add: false);
            Assert.That(d.Bits.SequenceEqual(c.Bits) && transposed.FencesHold && d.FencesHold);
        }
    }

    private static void Check(in RowGemm gemm, int rows, int columns, int K, bool add, int before, int after)
    {
        int allRows = RowGemm.RowsOf(rows), allColumns = gemm.ColumnsOf(columns), lda = K + Gap, ldc = allColumns + Gap;
        Assert.That(allRows, Is.InRange(rows, Math.Max(4, rows + 1)));
        using FencedFloats a = new FencedFloats(allRows * lda).FillUniform(new Random(rows)), b = new FencedFloats((before + K + after) * allColumns).FillUniform(new Random(columns));
        using FencedFloats c = new FencedFloats(allRows * ldc).FillUniform(new Random(K));
        float[] start = c.Span.ToArray();
        gemm.Multiply(rows, columns, K, a.Pointer, lda, 1, new(b.Pointer, before + K + after, before), c.Pointer, ldc, add);
        Assert.That(a.FencesHold && b.FencesHold && c.FencesHold);
        for (int r = 0; r < allRows; r++)
        {
            for (int j = allColumns; j < ldc; j++) Assert.That(c.Span[(r * ldc) + j], Is.EqualTo(start[(r * ldc) + j]), "the gap");
            for (int j = 0; j < columns; j++)
            {
                int panel = j / gemm.NR * gemm.NR, width = gemm.PanelWidth(columns - panel);
                double sum = add ? start[(r * ldc) + j] : 0, magnitude = Math.Abs(sum);
                for (int k = 0; k < K; k++)
                {
                    double term = (double)a.Span[(r * lda) + k] * b.Span[(panel * (before + K + after)) + ((before + k) * width) + j - panel];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                double bound = (K + 2) * magnitude / (1 << 24);
                if (!(Math.Abs(c.Span[(r * ldc) + j] - sum) <= bound)) Assert.Fail($"{rows}x{columns}x{K}: C[{r}, {j}] is {c.Span[(r * ldc) + j]:R}, not {sum:R}");
            }
        }
    }
}
