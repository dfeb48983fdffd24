using System.Runtime.CompilerServices;
namespace ConvNative.Kernels;

/// <summary>A product tile by tile: what every user of the micro-kernels has inside.</summary>
internal static unsafe class GemmBlock
{
    /// <summary>
    /// C[0 … M, 0 … N] = epilogue(A·B). Each panel of B stays near while all of A passes over it. The epilogue's bias and addend belong to
    /// C[0, 0]; its Rows and Columns are not looked at.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in GemmKernel kernel, int M, int N, int K, in OperandA a, in OperandB b, float* c, nint ldc, in TileStore epilogue)
    {
        float* panel = b.Data;
        TileStore store = epilogue;
        store.LastColumn = b.LastColumns;
        for (int j = 0; j < N; j += kernel.NR)
        {
            store.Columns = Math.Min(kernel.NR, N - j);
            PrefetchWalk next = b.Next(panel, j + kernel.NR >= N, kernel.NR, K);
            if (store.Columns < kernel.NR && b.Edge != null) MultiplyPanel(kernel, M, K, a, b.Edge, kernel.NR, next, c + j, ldc, store);
            else MultiplyPanel(kernel, M, K, a, panel, b.Ld, next, c + j, ldc, store);
            panel += b.PanelStep;
            if (store.LastColumn != null) store.LastColumn += K;
            if (store.Addend != null) store.Addend += kernel.NR;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPanel(
        in GemmKernel kernel, int M, int K, in OperandA a, float* b, nint ldb, in PrefetchWalk next, float* c, nint ldc, TileStore store)
    {
        store.Segment = a.Segment;
        float* panel = a.Data;
        var run = a.IsByRows ? kernel.RunRows : kernel.Run;
        // Where A stands in segments, the walk is bound to them.
        int askForNext = next.Start == null || a.Skip != 0 ? 0 : OperandB.LinesOf(kernel.NR);
        for (int i = 0, tile = 0; i < M; i += kernel.MR, tile++)
        {
            store.Ahead = tile < askForNext ? next.Of(tile) : a.Ahead.Of(tile);
            store.Rows = Math.Min(kernel.MR, M - i);
            bool isEdge = store.Rows < kernel.MR && a.Edge != null;
            store.SkipA = isEdge ? 0 : a.Skip;
            run(K, isEdge ? a.Edge : panel, isEdge ? a.EdgeLd : a.Ld, b, ldb, c, ldc, &store);
            panel += a.PanelStep;
            c += kernel.MR * ldc;
            if (store.Bias != null) store.Bias += kernel.MR;
            if (store.Addend != null) store.Addend += kernel.MR * store.AddendStride;
        }
    }
}
