using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class TransposeTests
{
    [Test]
    public void Every_value_is_where_it_belongs_and_nothing_else_is_written([Values] Isa isa)
    {
        foreach (int rows in (int[])[1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 70])
            for (int columns = 1; columns <= 35; columns++)
            {
                int lda = columns + (rows % 3), ldb = rows + (columns % 3);
                using FencedFloats a = new FencedFloats(((rows - 1) * lda) + columns).FillUniform(new Random(rows)), b = new FencedFloats(((columns - 1) * ldb) + rows);
                b.Span.Fill(-2);
                Transpose.Run(isa, rows, columns, a.Pointer, lda, b.Pointer, ldb);
                Assert.That(a.FencesHold && b.FencesHold, $"{rows}×{columns}");
                for (int at = 0; at < b.Length; at++)
                {
                    (int j, int i) = Math.DivRem(at, ldb);
                    float expected = i < rows ? a.Span[(i * lda) + j] : -2;
                    if (b.Span[at] != expected) Assert.Fail($"{rows}×{columns}: b[{j}, {i}] is {b.Span[at]}, not {expected}");
                }
            }
    }
}
