using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class PanelPackingTests
{
    private static readonly int[] Depths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];

    [Test]
    public void ReferenceGivesTheWorkedExample()
    {
        // Two lanes of three values in panels of... one lane more than there are: the padding is 0.
        using FencedFloats source = Filled(1, 2, 3, 4, 5, 6);
        using var panels = new FencedFloats(18);
        PanelPackingReference.FromColumns(source.Pointer, 3, 3, 2, 6, panels.Pointer);
        Assert.That(panels.Span.ToArray(), Is.EqualTo((float[])[1, 4, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 3, 6, 0, 0, 0, 0]));
        PanelPackingReference.FromRows(source.Pointer, 2, 3, 2, 6, panels.Pointer);
        Assert.That(panels.Span.ToArray(), Is.EqualTo((float[])[1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0]));
    }

    [Test]
    public void FromRowsEqualsReference([Values] Isa isa, [Values(4, 8, 16, 24, 48)] int R) =>
        ForEverySize(R, (K, lanes, gap) =>
        {
            int ld = lanes + gap;
            using FencedFloats source = new FencedFloats(((K - 1) * ld) + lanes).FillUniform(new Random(K));
            using var expected = new FencedFloats(PanelsLength(K, lanes, R));
            using var actual = new FencedFloats(expected.Length);
            PanelPackingReference.FromRows(source.Pointer, ld, K, lanes, R, expected.Pointer);
            PanelPacker.For(isa).FromRows(source.Pointer, ld, K, lanes, R, actual.Pointer);
            return actual.Bits.SequenceEqual(expected.Bits) && actual.FencesHold;
        });

    [Test]
    public void FromColumnsEqualsReference([Values] Isa isa, [Values(4, 8, 16, 24, 48)] int R) =>
        ForEverySize(R, (K, lanes, gap) =>
        {
            int ld = K + gap;
            using FencedFloats source = new FencedFloats(((lanes - 1) * ld) + K).FillUniform(new Random(K));
            using var expected = new FencedFloats(PanelsLength(K, lanes, R));
            using var actual = new FencedFloats(expected.Length);
            PanelPackingReference.FromColumns(source.Pointer, ld, K, lanes, R, expected.Pointer);
            PanelPacker.For(isa).FromColumns(source.Pointer, ld, K, lanes, R, actual.Pointer);
            return actual.Bits.SequenceEqual(expected.Bits) && actual.FencesHold;
        });

    [Test]
    public void FromNinesEqualsReference([Values] Isa isa, [Values(8, 16, 24)] int R)
    {
        int[][] lists = [[4], [3, 5], [0, 2, 6, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8]];
        foreach (int[] list in lists)
        {
            ForEverySize(R, (rows, lanes, gap) =>
            {
                int ld = (9 * lanes) + gap;
                using FencedFloats source = new FencedFloats(((rows - 1) * ld) + (9 * lanes)).FillUniform(new Random(rows));
                using var expected = new FencedFloats(PanelsLength(rows * list.Length, lanes, R));
                using var actual = new FencedFloats(expected.Length);
                fixed (int* taps = list)
                {
                    PanelPackingReference.FromNines(source.Pointer, ld, rows, taps, list.Length, lanes, R, expected.Pointer);
                    PanelPacker.For(isa).FromNines(source.Pointer, ld, rows, taps, list.Length, lanes, R, actual.Pointer);
                }

                return actual.Bits.SequenceEqual(expected.Bits) && actual.FencesHold;
            });
        }
    }

    private static void ForEverySize(int R, Func<int, int, int, bool> holds)
    {
        for (int lanes = 1; lanes <= (2 * Math.Max(R, Prefetch.Line)) + 1; lanes++)
        foreach (int K in Depths)
        {
            int gap = (lanes + K) % 4;
            if (!holds(K, lanes, gap)) Assert.Fail($"K {K}, {lanes} lanes, gap {gap}");
        }
    }

    private static long PanelsLength(int K, int lanes, int R) => (long)K * BlockSizes.RoundUp(lanes, R);

    private static FencedFloats Filled(params ReadOnlySpan<float> values)
    {
        var floats = new FencedFloats(values.Length);
        values.CopyTo(floats.Span);
        return floats;
    }
}
