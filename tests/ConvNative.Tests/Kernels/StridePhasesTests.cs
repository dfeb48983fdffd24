using ConvNative.Kernels;
using ConvNative.Planning;
using ConvNative.Simd;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class StridePhasesTests
{
    // Planes in bands of rows, in any order: no band writes beyond its own.
    [Test]
    public void Planes_hold_every_pixel_once_and_zeros([Values] Isa isa, [Values(1, 2, 3, 4, 5)] int stride, [Values(0, 1, 2, 3, 7)] int padding)
    {
        for (int size = 9; size < 90; size += size < 40 ? 1 : 7)
        {
            var problem = new ConvProblem(new TensorShape(1, 2, 9 + (size % 4), size), 1, Math.Min(9, 3 * stride), Math.Min(9, 3 * stride))
            {
                StrideH = stride, StrideW = stride, Padding = Padding.All(padding),
            };
            var phases = new StridePhases(ProblemSizes.Of(problem), 3);
            (ConvSizes s, ConvSizes unit, PhasePlanes planes) = (phases.Strided, phases.Unit, phases.Planes);
            using FencedFloats x = new FencedFloats(s.IC * s.InputPixels).FillUniform(new Random(size));
            using FencedFloats split = new FencedFloats(unit.IC * unit.InputPixels).FillUniform(new Random(stride));
            for (int row = unit.IH - 1; row >= 0; row--)
                PhasePlanesFill.Run(isa, planes, x.Pointer, s.IC, row, 1, split.Pointer + (row * unit.IW));
            var expected = new float[unit.IC * unit.InputPixels];
            for (int c = 0; c < s.IC; c++)
            for (int h = 0; h < s.IH; h++)
            for (int v = 0; v < s.IW; v++)
            {
                int row = h + phases.FirstRow, column = v + phases.FirstColumn;
                int plane = (c * stride * stride) + (row % stride * stride) + (column % stride);
                expected[(plane * unit.InputPixels) + (row / stride * unit.IW) + (column / stride)] = x.Span[(c * s.InputPixels) + (h * s.IW) + v];
            }

            if (!split.FencesHold || !split.Span.SequenceEqual(expected)) Assert.Fail($"{problem}");
        }
    }

    [Test]
    public void Weights_come_back_as_they_were([Values(2, 3, 4)] int stride, [Values(0, 1, 3)] int padding)
    {
        for (int taps = stride + 1; taps <= 3 * stride; taps++)
        {
            var problem = new ConvProblem(new TensorShape(1, 3, 20, 20), 4, taps, taps) { StrideH = stride, StrideW = stride, Padding = Padding.All(padding) };
            var phases = new StridePhases(ProblemSizes.Of(problem), 3);
            phases.ListTaps();
            using FencedFloats w = new FencedFloats((int)problem.Weights.Length).FillUniform(new Random(taps)), back = new((int)problem.Weights.Length);
            using FencedFloats split = new FencedFloats((int)phases.WeightsLength);
            phases.SplitWeights(w.Pointer, 12, split.Pointer);
            phases.JoinWeights(split.Pointer, 12, back.Pointer);
            Assert.That(split.FencesHold && back.FencesHold && back.Span.SequenceEqual(w.Span));
            Assert.That(split.Span.ToArray().Count(value => value != 0), Is.EqualTo(w.Span.Length), "the rest is zero");
        }
    }
}
