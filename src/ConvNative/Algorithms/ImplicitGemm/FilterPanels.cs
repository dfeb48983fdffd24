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

    private bool HasAllTaps => kernel.Length == Area;

    /// <summary>The kernel can step through the weights as they are. By columns a tile takes half a line of each row at least.</summary>
    public bool StandsInPlace => IsByRows || (HasAllTaps && MR >= Prefetch.Line / 2);

    /// <summary>How the kernel takes A. All taps of an input channel lie side by side, backward-data too.</summary>
    public bool IsByRows => forward || (HasAllTaps && Area > 1);

    /// <summary>The same for all parts of a product: backward-data with strides has some without all taps.</summary>
    public static bool AreByRows(in ConvSizes s, bool forward) => forward || (s.KH * s.KW > 1 && s.sh * s.sw == 1);

    /// <summary>
    /// Rows [row, row + rows) and summed channels [first, first + channels) of a group's weights, in panels of
    /// [MR][(channel, tap)] by rows, [(channel, tap)][MR] by columns.
    /// </summary>
    public void Pack(float* group, int row, int rows, int first, int channels, float* panels)
    {
        if (IsByRows) CopyRows(At(group, row, first), rows, channels, panels);
        else if (Area == 1) packer.FromRows(At(group, row, first), s.PatchLength, channels, rows, MR, panels);
        else Gather(At(group, row, first), rows, channels, panels);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(float* source, int rows, int channels, float* panels)
    {
        if (Area == 9 && MR % 8 == 0)
        {
            fixed (int* positions = kernel) packer.FromNines(source, s.PatchLength, channels, positions, kernel.Length, rows, MR, panels);
            return;
        }

        int taps = kernel.Length, area = Area;
        for (int c = 0; c < channels; c++, source += s.PatchLength, panels += (nint)taps * MR)
        {
            float* from = source, panel = panels;
            for (int i = 0; i < rows; i += MR, from += MR * area, panel += (nint)channels * taps * MR)
            {
                for (int line = 0; line < MR * area; line += Prefetch.Line) Prefetch.ToL1(from + s.PatchLength + line);
                GatherTile(from, Math.Min(MR, rows - i), panel);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GatherTile(float* source, int rows, float* panel)
    {
        int area = Area;
        foreach (int position in kernel)
        {
            float* from = source + position;
            for (int r = 0; r < rows; r++) panel[r] = from[r * area];
            for (int r = rows; r < MR; r++) panel[r] = 0;
            panel += MR;
        }
    }
}
