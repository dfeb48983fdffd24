using System.Runtime.CompilerServices;
namespace ConvNative.Kernels;

/// <summary>A product tile by tile: what every user of the micro-kernels has inside.</summary>
internal static unsafe class GemmBlock
{
    /// <summary>
    /// C[0 … M, 0 … N] = epilogue(A·B). Each panel of B stays in L1 while all of A passes over it. The epilogue's bias and addend belong to
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
            if (store.Columns < kernel.NR && b.Edge != null) MultiplyPanel(kernel, M, K, a, b.Edge, kernel.NR, c + j, ldc, store);
            else MultiplyPanel(kernel, M, K, a, panel, b.Ld, c + j, ldc, store);
            panel += b.PanelStep;
            if (store.LastColumn != null) store.LastColumn += K;
            if (store.Addend != null) store.Addend += kernel.NR;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPanel(in GemmKernel kernel, int M, int K, in OperandA a, float* b, nint ldb, float* c, nint ldc, TileStore store)
    {
        (store.Ahead, store.Segment) = (a.Ahead, a.Segment);
        float* panel = a.Data;
        var run = a.IsByRows ? kernel.RunRows : kernel.Run;
        for (int i = 0; i < M; i += kernel.MR)
        {
            store.Rows = Math.Min(kernel.MR, M - i);
            bool isEdge = store.Rows < kernel.MR && a.Edge != null;
            store.SkipA = isEdge ? 0 : a.Skip;
            run(K, isEdge ? a.Edge : panel, isEdge ? a.EdgeLd : a.Ld, b, ldb, c, ldc, &store);
            panel += a.PanelStep;
            c += kernel.MR * ldc;
            store.Ahead.Start += store.Ahead.TileStep;
            if (store.Bias != null) store.Bias += kernel.MR;
            if (store.Addend != null) store.Addend += kernel.MR * store.AddendStride;
        }
    }
}
