namespace ConvNative.Kernels;

/// <summary>The specification of <see cref="WeightGradientKernel"/> in plain loops; k counts the points of all runs.</summary>
internal static unsafe class WeightGradientReference
{
    /// <summary>rows[r, k]</summary>
    public static float At(in PointRows rows, int r, int k) => 
        rows.Source[rows.Rows[r] + rows.Runs[k / rows.Length] + (k % rows.Length * (rows.EverySecond ? 2 : 1))];

    /// <summary>panel[k·pitch + j] = rows[j, k]</summary>
    public static void Pack(in PointRows rows, int lanes, float* panel, nint pitch)
    {
        for (int k = 0; k < rows.Count * rows.Length; k++)
            for (int j = 0; j < lanes; j++) panel[(k * pitch) + j] = At(rows, j, k);
    }

    /// <summary>C[r, j] = (accumulate ? C[r, j] : 0) + Σₖ rows[r, k] · panel[k·pitch + j]</summary>
    public static void Multiply(in PointRows rows, int count, float* panel, nint pitch, int lanes, float* c, nint ldc, bool accumulate)
    {
        for (int r = 0; r < count; r++)
        for (int j = 0; j < lanes; j++)
        {
            float sum = 0;
            for (int k = 0; k < rows.Count * rows.Length; k++) sum = MathF.FusedMultiplyAdd(At(rows, r, k), panel[(k * pitch) + j], sum);
            c[(r * ldc) + j] = accumulate ? c[(r * ldc) + j] + sum : sum;
        }
    }

    /// <summary>sums[r] += Σₖ rows[r, k]</summary>
    public static void Sum(in PointRows rows, int count, double* sums)
    {
        for (int r = 0; r < count; r++)
            for (int k = 0; k < rows.Count * rows.Length; k++) sums[r] += At(rows, r, k);
    }
}
