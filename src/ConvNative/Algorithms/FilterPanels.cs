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

    /// <summary>
    /// Rows [row, row + rows) and summed channels [first, first + channels) of a group's weights, in panels of
    /// [MR][(channel, tap)] forward, [(channel, tap)][MR] backward.
    /// </summary>
    public void Pack(float* group, int row, int rows, int first, int channels, float* panels)
    {
        if (forward) CopyRows(group + ((nint)row * s.PatchLength) + ((nint)first * kernel.Length), rows, channels * kernel.Length, panels);
        else if (Area == 1) packer.FromRows(group + ((nint)first * s.PatchLength) + row, s.PatchLength, channels, rows, MR, panels);
        else PackTaps(group + ((nint)first * s.PatchLength) + ((nint)row * Area), rows, channels, panels);
    }

    /// <summary>What <see cref="Pack"/> made, K long.</summary>
    public OperandA Packed(float* panels, int K) => forward ? OperandA.PackedRows(panels, MR, K) : OperandA.PackedColumns(panels, MR, K);

    /// <summary>The rows from <paramref name="row"/> on as they stand; the last of them, where they fill no panel, in <paramref name="edge"/>.</summary>
    public OperandA InPlace(float* group, int row, int first, int K, float* edge) => forward
        ? OperandA.Rows(group + ((nint)row * s.PatchLength) + ((nint)first * kernel.Length), s.PatchLength, MR, edge, K)
        : OperandA.Columns(group + ((nint)first * s.PatchLength) + row, s.PatchLength, MR, edge);

    private void CopyRows(float* source, int rows, int K, float* panels)
    {
        for (int r = 0; r < rows; r++, source += s.PatchLength, panels += K) new Span<float>(source, K).CopyTo(new Span<float>(panels, K));
        new Span<float>(panels, (BlockSizes.RoundUp(rows, MR) - rows) * K).Clear();
    }

    // All positions of an input channel lie side by side, so that MR input channels of one oc are a small matrix in columns.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackTaps(float* source, int rows, int channels, float* panels)
    {
        int taps = kernel.Length, area = Area;
        for (int c = 0; c < channels; c++, source += s.PatchLength, panels += (nint)taps * MR)
        {
            float* from = source, panel = panels;
            for (int i = 0; i < rows; i += MR, from += MR * area, panel += (nint)channels * taps * MR)
            {
                for (int line = 0; line < MR * area; line += Prefetch.Line) Prefetch.ToL1(from + s.PatchLength + line);
                int present = Math.Min(MR, rows - i);
                if (taps == area) packer.FromColumns(from, area, area, present, MR, panel);
                else Gather(from, present, panel);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Gather(float* source, int rows, float* panel)
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
