using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// U in chunks of OCs output × ICs input channels: [group][chunk of oc][chunk of ic][product][panel of oc][ic][panel's width], so that a
/// chunk can be made where it is used as well as long before. Of products by rows, G·g: [group][chunk of oc][chunk of ic][vector of oc][row][ic][column][vector].
/// </summary>
internal readonly unsafe struct WinogradWeights(ConvSizes s, WinogradKernels kernels, WinogradTiling tiling, bool transposed, float* w)
{
    private readonly ConvSizes _s = s;

    private int Taps => _s.KH * _s.KW;

    /// <summary>Where a chunk begins in the weights that were transformed before.</summary>
    public nint Offset(long group, int ocChunk, int icChunk) =>
        (nint)((((group * tiling.OCChunks) + ocChunk) * tiling.ICChunks) + icChunk) * (nint)tiling.ULength;

    /// <summary>Input channels of a chunk.</summary>
    public int ICs(int icChunk) => Math.Min(tiling.ICs, _s.GroupIC - (icChunk * tiling.ICs));

    /// <summary>One vector of output channels of a chunk, if it has so many.</summary>
    public void Transform(long group, int ocChunk, int icChunk, int vector, float* u)
    {
        if (tiling.ByRows)
        {
            TransformColumns(group, ocChunk, icChunk, vector, u + (vector * tiling.ColumnsLength));
            return;
        }

        int width = kernels.Width, inChunk = vector * width, oc = (ocChunk * tiling.OCs) + inChunk;
        int ics = ICs(icChunk), panel = inChunk / kernels.Gemm.NR * kernels.Gemm.NR;
        int panelWidth = kernels.Gemm.PanelWidth(Math.Min(tiling.OCs, _s.GroupOC - (ocChunk * tiling.OCs)) - panel);
        if (oc >= _s.GroupOC) return;
        kernels.Filter(
            From(group, oc, icChunk), Order, Math.Min(width, _s.GroupOC - oc), ics, u + ((nint)panel * ics) + (inChunk - panel), tiling.UStride, panelWidth);
    }

    /// <summary>G·g of one vector of output channels of a chunk, if it has so many.</summary>
    public void TransformColumns(long group, int ocChunk, int icChunk, int vector, float* columns)
    {
        int oc = (ocChunk * tiling.OCs) + (vector * kernels.Width);
        if (oc >= _s.GroupOC) return;
        kernels.Rows!.Value.Filter(From(group, oc, icChunk), Order, Math.Min(kernels.Width, _s.GroupOC - oc), ICs(icChunk), columns, tiling.ColumnsRow);
    }

    // w is [OC][IC/G][KH·KW] of the problem; its roles are exchanged where s is the convolution from dy to dx.
    private FilterOrder Order => transposed ? new(Taps, (nint)_s.GroupOC * Taps, Flipped: true) : new((nint)_s.GroupIC * Taps, Taps, Flipped: false);

    /// <summary>The kernel of an output channel and the first input channel of a chunk.</summary>
    private float* From(long group, int oc, int icChunk) =>
        w + (group * _s.GroupOC * _s.GroupIC * Taps) + (oc * Order.LaneStride) + ((nint)icChunk * tiling.ICs * Order.KStride);

    /// <summary>for group, chunks, vector of output channels: U, in packed weights.</summary>
    internal readonly struct PackTask(WinogradWeights weights, ConvSizes s, WinogradTiling tiling, int vectors, float* packed) : IParallelTask
    {
        public long Count => (long)s.G * tiling.OCChunks * tiling.ICChunks * vectors;

        public void Run(long index, int worker)
        {
            (long chunk, long vector) = Math.DivRem(index, vectors);
            (long outer, long icChunk) = Math.DivRem(chunk, tiling.ICChunks);
            (long group, long ocChunk) = Math.DivRem(outer, tiling.OCChunks);
            weights.Transform(group, (int)ocChunk, (int)icChunk, (int)vector, packed + weights.Offset(group, (int)ocChunk, (int)icChunk));
        }
    }
}
