using ConvNative.Kernels;

namespace ConvNative.Tests.Kernels;

/// <summary>The sizes that the im2col and col2im kernels are tested on.</summary>
internal static class ColumnSizes
{
    private const int WidestVector = 16;

    /// <summary>
    /// Every image width from 1 to two vectors and one, strides 1 to 4, dilations 1 to 3, with padding on either side, none,
    /// and more of it than the kernel is wide.
    /// </summary>
    public static IEnumerable<ConvSizes> Sweep()
    {
        (int Left, int Right)[] paddings = [(0, 0), (1, 0), (0, 2), (9, 19)];
        for (int IW = 1; IW <= (2 * WidestVector) + 1; IW++)
        for (int stride = 1; stride <= 4; stride++)
        for (int dilation = 1; dilation <= 3; dilation++)
        for (int KW = 1; KW <= 3; KW++)
        foreach ((int pl, int pr) in paddings)
        {
            if (Fit(1, 1, 3, IW, 2, KW, stride > 2 ? 1 : stride, stride, 1, dilation, 1, pl, 0, pr) is { } sizes)
                yield return sizes;
        }
    }

    /// <summary>Random sizes of everything; the same ones for the same seed.</summary>
    public static IEnumerable<ConvSizes> Any(int seed, int count)
    {
        var random = new Random(seed);
        while (count > 0)
        {
            ConvSizes? sizes = Fit(
                random.Next(1, 20), random.Next(1, 4), random.Next(1, 12), random.Next(1, 40), random.Next(1, 5), random.Next(1, 5),
                random.Next(1, 4), random.Next(1, 5), random.Next(1, 4), random.Next(1, 4),
                random.Next(0, 4), random.Next(0, 4), random.Next(0, 9), random.Next(0, 9));
            if (sizes is null)
                continue;
            count--;
            yield return sizes.Value;
        }
    }

    /// <summary>The sizes of a problem, or null where the kernel does not fit the padded image.</summary>
    private static ConvSizes? Fit(
        int N, int IC, int IH, int IW, int KH, int KW, int sh, int sw, int dh, int dw, int pt, int pl, int pb, int pr)
    {
        int roomH = IH + pt + pb - (dh * (KH - 1)) - 1;
        int roomW = IW + pl + pr - (dw * (KW - 1)) - 1;
        return roomH < 0 || roomW < 0
            ? null
            : new ConvSizes(N, IC, IH, IW, 1, KH, KW, (roomH / sh) + 1, (roomW / sw) + 1, sh, sw, dh, dw, pt, pl, pb, pr, 1);
    }
}
