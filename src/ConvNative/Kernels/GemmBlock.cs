using System.Runtime.CompilerServices;
namespace ConvNative.Kernels;

/// <summary>The product of packed blocks, tile by tile: what every user of the micro-kernels has inside.</summary>
internal static unsafe class GemmBlock
{
    /// <summary>
    /// C[0 … M, 0 … N] = epilogue(A·B) for A in ⌈M/MR⌉ panels and B in ⌈N/NR⌉ panels. Each panel of B stays in L1 while all
    /// of A passes over it. The epilogue's bias and addend belong to C[0, 0]; its Rows and Columns are not looked at.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        in GemmKernel kernel, int M, int N, int K, float* aPanels, float* bPanels, float* c, nint ldc, in TileStore epilogue)
    {
        for (int j = 0; j < N; j += kernel.NR, bPanels += (nint)K * kernel.NR)
            MultiplyPanel(kernel, M, Math.Min(kernel.NR, N - j), K, aPanels, bPanels, kernel.NR, c + j, ldc, AtColumn(epilogue, j));
    }

    /// <summary>
    /// The same for one panel of B, of which the first <paramref name="columns"/> columns count and whose rows are
    /// <paramref name="ldb"/> apart: a packed panel, or NR columns of a matrix as it stands.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyPanel(
        in GemmKernel kernel, int M, int columns, int K, float* aPanels, float* b, nint ldb, float* c, nint ldc, TileStore store)
    {
        store.Columns = columns;
        for (int i = 0; i < M; i += kernel.MR)
        {
            store.Rows = Math.Min(kernel.MR, M - i);
            kernel.Run(K, aPanels, b, ldb, c, ldc, &store);
            aPanels += (nint)K * kernel.MR;
            c += kernel.MR * ldc;
            if (store.Ahead.Start != null) store.Ahead.Start += store.Ahead.TileStep;
            if (store.Bias != null) store.Bias += kernel.MR;
            if (store.Addend != null) store.Addend += kernel.MR * store.AddendStride;
        }
    }

    private static TileStore AtColumn(TileStore epilogue, int j)
    {
        if (j > 0) epilogue.Ahead = default;
        if (epilogue.Addend != null) epilogue.Addend += j;
        return epilogue;
    }
}
