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
    /// Appends the taps of a phase, so many to a row, in ascending order, in such an order: those that one column of the source meets, a step apart, as columns as
    /// equal as <paramref name="longest"/> allows, long columns first.
    /// </summary>
    public static TapColumns[] Append(StencilTap[] taps, int inRow, int stepLength, int longest, List<StencilTap> ordered)
    {
        var columns = new List<TapColumns>();
        if (taps.Length == 0) return [];
        List<int[]> runs = Runs([.. Enumerable.Range(0, taps.Length / inRow).Select(row => taps[row * inRow].Row)], stepLength, longest);
        for (int length = longest; length > 0; length--)
        {
            int first = ordered.Count;
            for (int column = 0; column < inRow; column++)
            {
                foreach (int[] run in runs)
                {
                    if (run.Length != length) continue;
                    foreach (int row in run) ordered.Add(taps[(row * inRow) + column]);
                }
            }

            int count = (ordered.Count - first) / length;
            if (count > 0) columns.Add(new TapColumns(length, first, count, length > 1 ? ordered[first + 1].Weight - ordered[first].Weight : 0));
        }

        return [.. columns];
    }

    /// <summary>Rows, given in ascending order, of which each stands a step under the one before, cut as said above.</summary>
    private static List<int[]> Runs(long[] rows, int stepLength, int longest)
    {
        var runs = new List<int[]>();
        var isInside = new bool[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            if (isInside[i]) continue;
            var run = new List<int> { i };
            for (int next = i; (next = Array.BinarySearch(rows, rows[next] + stepLength)) >= 0; isInside[next] = true) run.Add(next);
            runs.AddRange(run.Chunk(BlockSizes.CeilDiv(run.Count, BlockSizes.CeilDiv(run.Count, longest))));
        }

        return runs;
    }
}

/// <summary>A tap where it meets the padded source at step 0, and which weight it is.</summary>
internal readonly record struct StencilTap(long Row, long Column, int Weight);
