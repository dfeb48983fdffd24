using ConvNative.Kernels;

namespace ConvNative.Tests.Kernels;

/// <summary>The specification of <see cref="WinogradF4K3{S, V}"/>: the three matrices from their points, in double.</summary>
internal static class WinogradMatrices
{
    private static readonly double[] Points = [0, WinogradF4K3.A, -WinogradF4K3.A, WinogradF4K3.B, -WinogradF4K3.B];

    /// <summary>Bᵀ, 6×6.</summary>
    public static double[,] InputMatrix()
    {
        var matrix = new double[6, 6];
        for (int i = 0; i < 6; i++)
        {
            double[] row = Polynomial(Points.Where((_, j) => j != i));
            for (int k = 0; k < row.Length; k++) matrix[i, k] = row[k];
        }

        return matrix;
    }

    /// <summary>G, 6×3.</summary>
    public static double[,] FilterMatrix()
    {
        var matrix = new double[6, 3];
        for (int i = 0; i < 5; i++)
        {
            double p = Points[i], divisor = Points.Where((_, j) => j != i).Aggregate(1.0, (product, q) => product * (p - q));
            for (int k = 0; k < 3; k++) matrix[i, k] = Math.Pow(p, k) / divisor;
        }

        matrix[5, 2] = 1;
        return matrix;
    }

    /// <summary>Aᵀ, 4×6.</summary>
    public static double[,] OutputMatrix()
    {
        var matrix = new double[4, 6];
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 4; k++) matrix[k, i] = Math.Pow(Points[i], k);
        matrix[3, 5] = 1;
        return matrix;
    }

    public static double[,] Transposed(double[,] matrix)
    {
        var result = new double[matrix.GetLength(1), matrix.GetLength(0)];
        for (int i = 0; i < result.GetLength(0); i++)
        for (int j = 0; j < result.GetLength(1); j++) result[i, j] = matrix[j, i];
        return result;
    }

    /// <summary>left·value·leftᵀ, the transform in two dimensions; and the same of all absolute values.</summary>
    public static (double[,] Value, double[,] Magnitude) Transform(double[,] left, double[,] value)
    {
        int rows = left.GetLength(0), inner = left.GetLength(1);
        double[,] result = new double[rows, rows], magnitude = new double[rows, rows];
        for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++)
        for (int k = 0; k < inner; k++)
        for (int l = 0; l < inner; l++)
        {
            double term = left[i, k] * value[k, l] * left[j, l];
            result[i, j] += term;
            magnitude[i, j] += Math.Abs(term);
        }

        return (result, magnitude);
    }

    /// <summary>Coefficients of Π (x − p), the constant first.</summary>
    private static double[] Polynomial(IEnumerable<double> points)
    {
        double[] coefficients = [1];
        foreach (double p in points)
        {
            var next = new double[coefficients.Length + 1];
            for (int k = 0; k < coefficients.Length; k++)
            {
                next[k + 1] += coefficients[k];
                next[k] -= p * coefficients[k];
            }

            coefficients = next;
        }

        return coefficients;
    }
}
