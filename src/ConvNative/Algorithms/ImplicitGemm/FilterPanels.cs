using System.Runtime.CompilerServices;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The weights as the matrix A of <see cref="ImplicitGemm"/>, in panels of MR rows or as they stand: forward A[oc, (ic, tap)], backward-data A[ic, (oc, tap)],
/// both w[oc][ic][kernel[tap]].
/// </summary>
/// <param name="packer">Lays out one block.</param>
/// <param name="MR">Rows of a panel.</param>
/// <param name="s">Sizes.</param>
/// <param name="kernel">Flat kernel position (kh·KW + kw) of each tap.</param>
/// <param name="forward">Which of the two.</param>
internal readonly unsafe struct FilterPanels(PanelPacker packer, int MR, ConvSizes s, int[] kernel, bool forward)
{
    private int Area => s.KH * s.KW;

    /// <summary>Not so where strides make several classes: <see cref="ClassPanels"/> packs these.</summary>
    public bool HasAllTaps => kernel.Length == Area;

    /// <summary>The kernel can step through the weights as they are. By columns a tile takes half a line of each row at least.</summary>
    public bool StandsInPlace => IsByRows || (HasAllTaps && MR >= Prefetch.Line / 2);

    /// <summary>How the kernel takes A. All taps of an input channel lie side by side, backward-data too.</summary>
    public bool IsByRows => forward || (HasAllTaps && Area > 1);

    /// <summary>The same for all parts of a product: backward-data with strides has some without all taps.</summary>
    public static bool AreByRows(in ConvSizes s, bool forward) => forward || (s.KH * s.KW > 1 && s.sh * s.sw == 1);

    /// <summary>
    /// Rows [row, row + rows) and summed channels [first, first + channels) of a group's weights, in panels of
    /// [MR][(channel, tap)] by rows, [(channel, tap)][MR] by columns. All taps are there.
    /// </summary>
    public void Pack(float* group, int row, int rows, int first, int channels, float* panels)
    {
        if (IsByRows) CopyRows(At(group, row, first), rows, channels, panels);
        else packer.FromRows(At(group, row, first), s.PatchLength, channels, rows, MR, panels);
    }

    /// <summary>What <see cref="Pack"/> made, K long.</summary>
    public OperandA Packed(float* panels, int K) => IsByRows ? OperandA.PackedRows(panels, MR, K, forward ? 0 : Area) : OperandA.PackedColumns(panels, MR, K);

    /// <summary>The rows from <paramref name="row"/> on as they stand; the last of them, where they fill no panel, in <paramref name="edge"/>.</summary>
    public OperandA InPlace(float* group, int row, int first, int K, float* edge)
    {
        float* a = At(group, row, first);
        if (forward) return OperandA.Rows(a, s.PatchLength, MR, edge, K);
        return IsByRows ? OperandA.Segments(a, Area, Area, s.PatchLength, MR, edge, K) : OperandA.Columns(a, s.PatchLength, MR, edge);
    }

    private float* At(float* group, int row, int first) => forward
        ? group + ((nint)row * s.PatchLength) + ((nint)first * Area)
        : group + ((nint)first * s.PatchLength) + ((nint)row * Area);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyRows(float* source, int rows, int channels, float* panels)
    {
        // Forward, a row is one piece.
        int K = channels * Area, pieces = forward ? 1 : channels, length = K / pieces;
        nint rowStep = forward ? s.PatchLength : Area;
        for (int r = 0; r < rows; r++, source += rowStep)
        {
            float* from = source;
            for (int c = 0; c < pieces; c++, from += s.PatchLength, panels += length)
                new Span<float>(from, length).CopyTo(new Span<float>(panels, length));
        }

        new Span<float>(panels, (BlockSizes.RoundUp(rows, MR) - rows) * K).Clear();
    }
}
