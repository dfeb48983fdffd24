namespace ConvNative.Kernels;

/// <summary>
/// Columns of so many taps each, which stand a step's row under one another: taps [<see cref="First"/>, First + Length·Count) of
/// <see cref="DepthwiseStencil.Offsets"/>, column after column.
/// </summary>
/// <param name="Length">Taps of a column, 1 to <see cref="Longest"/>.</param>
/// <param name="First">The first tap.</param>
/// <param name="Count">Columns.</param>
/// <param name="WeightStep">From the weight of a tap to that of the next one in its column.</param>
internal readonly record struct TapColumns(int Length, int First, int Count, int WeightStep)
{
    /// <summary>What is in registers at once.</summary>
    public const int Longest = 7;

    /// <summary>
    /// The taps of a phase in such an order: those that one column of the source meets, a step apart, as columns as equal as
    /// <paramref name="longest"/> allows, columns of one length together.
    /// </summary>
    public static IReadOnlyList<StencilTap[]> Cut(IEnumerable<StencilTap> taps, int stepLength, int longest)
    {
        var columns = new List<StencilTap[]>();
        foreach (IGrouping<(long, long), StencilTap> group in taps.GroupBy(tap => (tap.Column, tap.Row % stepLength)))
        {
            StencilTap[] rows = [.. group.OrderBy(tap => tap.Row)];
            for (int start = 0, end; start < rows.Length; start = end)
            {
                end = start + 1;
                while (end < rows.Length && rows[end].Row == rows[end - 1].Row + stepLength) end++;
                columns.AddRange(rows[start..end].Chunk(BlockSizes.CeilDiv(end - start, BlockSizes.CeilDiv(end - start, longest))));
            }
        }

        return [.. columns.OrderByDescending(column => column.Length).ThenBy(column => column[0].Column)];
    }

    /// <summary>The columns of one length, which begin at this tap.</summary>
    public static TapColumns Of(IReadOnlyList<StencilTap[]> columns, int first)
    {
        StencilTap[] column = columns[0];
        return new TapColumns(column.Length, first, columns.Count, column.Length > 1 ? column[1].Weight - column[0].Weight : 0);
    }
}

/// <summary>A tap where it meets the padded source at step 0, and which weight it is.</summary>
internal readonly record struct StencilTap(long Row, long Column, int Weight);
