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

    // Every area around the vectors' widths; of large kernels some taps at a time; taps in panels of their own, one after the other.
    [Test]
    public void FromKernelsEqualsReference([Values(4, 8, 32)] int R, [Values(1, 2, 3, 4, 6, 9, 12, 15, 16, 25)] int area, [Values(false, true)] bool some)
    {
        int count = some ? Math.Max(1, area - 5) : area, offset = area - count;
        TapPanels* taps = stackalloc TapPanels[count], others = stackalloc TapPanels[count];
        for (int lanes = 1; lanes <= (2 * R) + 1; lanes++)
        {
            int length = BlockSizes.RoundUp(lanes, R);
            using FencedFloats source = new FencedFloats(area * lanes).FillUniform(new Random(lanes));
            using FencedFloats expected = new(count * length), actual = new(count * length);
            for (int t = 0; t < count; t++)
            {
                // The first half has panels of its own for each tap, the others share them.
                int half = count / 2, at = t < half ? t * length : (half * length) + ((t - half) * R);
                nint step = t < half ? R : (count - half) * R;
                (taps[t], others[t]) = (new() { First = actual.Pointer + at, Step = step }, new() { First = expected.Pointer + at, Step = step });
            }

            PanelPackingReference.FromKernels(source.Pointer + offset, area, count, lanes, R, others);
            TapPacking.FromKernels(source.Pointer + offset, 0, area, count, lanes, R, taps);
            if (!actual.Bits.SequenceEqual(expected.Bits) || !actual.FencesHold) Assert.Fail($"{lanes} lanes");
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
