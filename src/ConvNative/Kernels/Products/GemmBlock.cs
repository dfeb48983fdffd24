using System.Runtime.CompilerServices;
namespace ConvNative.Kernels;

/// <summary>A product tile by tile: what every user of the micro-kernels has inside.</summary>
internal static unsafe class GemmBlock
{
    /// <summary>
    /// C[0 … M, 0 … N] = epilogue(A·B). Each panel of B stays near while all of A passes over it; with rows in the lanes the other way round. The
    /// epilogue's bias and addend belong to C[0, 0]; its Rows and Columns are not looked at. <paramref name="fromLast"/>: the rows of A from the last
    /// to the first.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in GemmKernel kernel, int M, int N, int K, in OperandA a, in OperandB b, float* c, nint ldc, in TileStore epilogue, bool fromLast = false)
    {
        if (kernel.HasRowsInLanes)
        {
            MultiplyLanes(kernel, M, N, K, a, b, c, ldc, epilogue, fromLast);
            return;
        }

        float* panel = b.Data;
        TileStore store = epilogue;
        store.LastColumn = b.LastColumns;
        for (int j = 0; j < N; j += store.Columns)
        {
            store.Columns = kernel.PanelOf(N - j);
            PrefetchWalk next = b.Next(panel, j + store.Columns >= N, kernel.NR, K);
            if (store.Columns < kernel.NR && b.Edge != null) MultiplyPanel(kernel, M, K, a, b.Edge, kernel.NR, next, c + j, ldc, store, fromLast);
            else MultiplyPanel(kernel, M, K, a, panel, b.Ld, next, c + j, ldc, store, fromLast);
            panel += b.PanelStep;
            if (store.LastColumn != null && kernel.Tail == 0) store.LastColumn += K;
            if (store.Addend != null) store.Addend += kernel.NR;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPanel(
        in GemmKernel kernel, int M, int K, in OperandA a, float* b, nint ldb, in PrefetchWalk next, float* c, nint ldc, in TileStore epilogue, bool fromLast)
    {
        TileStore store = epilogue;
        store.Segment = a.Segment;
        store.Ahead = next;
        var run = a.IsByRows ? kernel.RunRows : kernel.Run;
        // Where A stands in segments, the walk is bound to them.
        int askForNext = next.Start == null || a.Skip != 0 ? 0 : OperandB.LinesOf(kernel.NR);
        int tiles = BlockSizes.CeilDiv(M, kernel.MR), back = fromLast ? a.TilesBack : 0;
        for (int done = 0; done < tiles; done++)
        {
            int tile = fromLast ? tiles - 1 - done : done, row = tile * kernel.MR;
            store.Rows = Math.Min(kernel.MR, M - row);
            bool isEdge = store.Rows < kernel.MR && a.Edge != null;
            store.SkipA = isEdge ? 0 : a.Skip;
            if (done == askForNext) store.Ahead = a.Ahead;
            store.Ahead.Start = done < askForNext ? next.StartOf(done) : a.Ahead.StartOf(tile - back);   // all of it, copied, would wait for this store
            if (epilogue.Bias != null) store.Bias = epilogue.Bias + row;
            if (epilogue.Addend != null) store.Addend = epilogue.Addend + (row * epilogue.AddendStride);
            run(K, isEdge ? a.Edge : a.Data + (tile * a.PanelStep), isEdge ? a.EdgeLd : a.Ld, b, ldb, c + (row * ldc), ldc, &store);
        }
    }

    /// <summary>
    /// Rows in the lanes, B as it stands. Columns may be far away when the first rows are multiplied with them, and are asked for a panel ahead; the
    /// other tiles ask for their own lines of C.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyLanes(
        in GemmKernel kernel, int M, int N, int K, in OperandA a, in OperandB b, float* c, nint ldc, in TileStore epilogue, bool fromLast)
    {
        TileStore store = epilogue;
        int tiles = BlockSizes.CeilDiv(M, kernel.MR);
        for (int done = 0; done < tiles; done++)
        {
            int tile = fromLast ? tiles - 1 - done : done, row = tile * kernel.MR;
            store.Rows = Math.Min(kernel.MR, M - row);
            bool isEdge = store.Rows < kernel.MR && a.Edge != null;
            float* panel = isEdge ? a.Edge : a.Data + (tile * a.PanelStep);
            if (epilogue.Bias != null) store.Bias = epilogue.Bias + row;
            for (int j = 0; j < N; j += store.Columns)
            {
                store.Columns = kernel.PanelOf(N - j);
                float* to = c + (row * ldc) + j;
                if (epilogue.Addend != null) store.Addend = epilogue.Addend + (row * epilogue.AddendStride) + j;
                store.Ahead = done == 0
                    ? new() { Start = b.Data + j + store.Columns + kernel.NR - 1, Step = b.Ld, Count = K }
                    : new() { Start = to + store.Columns - 1, Step = ldc, Count = store.Rows, Jump = -store.Rows * ldc };
                kernel.Run(K, panel, isEdge ? a.EdgeLd : a.Ld, b.Data + j, b.Ld, to, ldc, &store);
            }
        }
    }
}
