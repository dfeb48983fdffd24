using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

internal sealed unsafe class DilationSplitTests
{
    private const int Channels = 3, Others = 2;   // channels that are split, and that stand beside them

    // Every phase first, rows that fill vectors and that do not, and images lower than the dilation.
    [Test]
    public void Planes_hold_every_pixel_once_and_zeros_and_give_them_back([Values] Isa isa, [Values(1, 2, 3, 4, 5, 6, 9)] int dw, [Values(1, 2, 5)] int dh)
    {
        for (int width = (3 * dw) + 1; width < (3 * dw) + 150; width += width < (3 * dw) + 40 ? 1 : 13)
        {
            int top = width % dh, left = (width / 2) % dw, height = 1 + (width % 11);
            var planes = new DilationPlanes(Channels + Others, height, width, dh, dw, top, left);
            int area = planes.Rows * planes.Columns;
            using FencedFloats image = new FencedFloats(Channels * height * width).FillUniform(new Random(width)), back = new(image.Length);
            for (int phase = 0; phase < dh; phase++)
            {
                using FencedFloats split = new FencedFloats(planes.Length - (Others * area)).FillUniform(new Random(dw));
                float[] expected = split.Span.ToArray();
                for (int b = 0; b < dw; b++)
                for (int c = 0; c < Channels; c++)
                for (int i = 0; i < planes.Rows; i++)
                for (int j = 0; j < planes.Columns; j++)
                {
                    int row = (i * dh) + phase - top, column = (j * dw) + b - left;
                    bool isInside = row >= 0 && row < height && column >= 0 && column < width;
                    expected[(((b * (Channels + Others)) + c) * area) + (i * planes.Columns) + j] = isInside ? image.Span[(((c * height) + row) * width) + column] : 0;
                }

                DilationSplit.Run(isa, planes, phase, image.Pointer, Channels, split.Pointer);
                if (!split.FencesHold || !split.Span.SequenceEqual(expected)) Assert.Fail($"{width} columns, phase {phase}");
                DilationSplit.Join(isa, planes, phase, split.Pointer, Channels, back.Pointer);
            }

            if (!back.FencesHold || !back.Span.SequenceEqual(image.Span)) Assert.Fail($"{width} columns come back");
        }
    }
}
