using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="WinogradProducts"/> against <see cref="RowGemm"/>, which is tested against a product in double: the same chains of sums give the same bits.</summary>
internal sealed unsafe class WinogradProductsTests
{
    private const int Products = 5, MostTiles = 9, Gap = 3;

    [Test]
    public void Each_product_has_the_bits_of_its_matrix_product([Values] Isa isa, [Values(1, 2)] int vectors, [Range(0, MostTiles)] int tiles)
    {
        WinogradKernels kernels = WinogradKernels.For(isa, new() { KH = 3, KW = 3 }, 4);
        int columns = vectors * kernels.Width, aStep = WinogradProducts.Rows + Gap, bStep = columns + Gap;
        int aStride = MostTiles * aStep, bStride = MostTiles * bStep, size = WinogradProducts.Rows * columns;
        using FencedFloats a = new FencedFloats(((Products - 1) * aStride) + (MostTiles * aStep) - Gap).FillUniform(new Random(1));
        using FencedFloats b = new FencedFloats(((Products - 1) * bStride) + (MostTiles * bStep) - Gap).FillUniform(new Random(2));
        using FencedFloats c = new(Products * size), panel = new(MostTiles * columns), expected = new(size);
        int* ranges = stackalloc int[2 * Products];
        for (int f = 0; f < Products; f++) (ranges[2 * f], ranges[(2 * f) + 1]) = (Math.Min(f, MostTiles - tiles), tiles);
        kernels.Products.Multiply(vectors, Products, ranges, a.Pointer, aStride, aStep, b.Pointer, bStride, bStep, c.Pointer);
        Assert.That(a.FencesHold && b.FencesHold && c.FencesHold);
        for (int f = 0; f < Products; f++)
        {
            for (int t = 0; t < MostTiles; t++) b.Span.Slice((f * bStride) + (t * bStep), columns).CopyTo(panel.Span[(t * columns)..]);
            kernels.Gemm.Multiply(
                WinogradProducts.Rows, columns, tiles, a.Pointer + (f * aStride) + (ranges[2 * f] * aStep), 1, aStep, new(panel.Pointer, MostTiles, ranges[2 * f]),
                expected.Pointer, columns, add: false);
            Assert.That(c.Bits.Slice(f * size, size).SequenceEqual(expected.Bits), $"product {f}");
        }
    }
}
