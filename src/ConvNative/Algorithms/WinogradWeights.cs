using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>for group, panel of MR output channels: U, of which the layout is [group][product][panel][ic][MR].</summary>
internal readonly unsafe struct WinogradWeights(
    ConvSizes s, WinogradKernels kernels, int MR, bool transposed, float* w, float* packed) : IParallelTask
{
    private const int Taps = 9;

    public long Count => (long)s.G * Panels(s, MR);

    /// <summary>Floats between products: a line more than the matrix, so that the 36 streams written at once do not meet in L1.</summary>
    public static nint ProductStride(in ConvSizes s, int MR) => BlockSizes.RoundUp(Panels(s, MR) * MR * s.GroupIC, 16) + 16;

    public static nint GroupLength(in ConvSizes s, int MR) => WinogradF4K3.Products * ProductStride(s, MR);

    public void Run(long index, int worker)
    {
        (long group, long panel) = Math.DivRem(index, Panels(s, MR));
        long row = panel * MR;
        // w is [OC][IC/G][9] of the problem; its roles are exchanged where s is the convolution from dy to dx.
        WinogradFilterOrder order = transposed
            ? new(Taps, (nint)s.GroupOC * Taps, Flipped: true)
            : new((nint)s.GroupIC * Taps, Taps, Flipped: false);
        float* from = w + (group * s.GroupOC * s.GroupIC * Taps) + (row * order.RowStride);
        float* to = packed + (group * GroupLength(s, MR)) + (row * s.GroupIC);
        kernels.Filter(from, order, (int)Math.Min(MR, s.GroupOC - row), s.GroupIC, MR, to, ProductStride(s, MR));
    }

    private static int Panels(in ConvSizes s, int MR) => BlockSizes.CeilDiv(s.GroupOC, MR);
}
