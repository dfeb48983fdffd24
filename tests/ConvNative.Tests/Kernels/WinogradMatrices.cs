using ConvNative.Kernels;

namespace ConvNative.Tests.Kernels;

/// <summary>The specification of <see cref="WinogradPoints{S, V}"/> and its schemes: the three matrices from their points, in double.</summary>
internal static class WinogradMatrices
{
    private static readonly double[] Points = [0, WinogradPoints.A, -WinogradPoints.A, WinogradPoints.B, -WinogradPoints.B];

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

    /// <summary>G, 6×taps.</summary>
    public static double[,] FilterMatrix(int taps)
    {
        var matrix = new double[6, taps];
        for (int i = 0; i < 5; i++)
        {
            double p = Points[i], divisor = Points.Where((_, j) => j != i).Aggregate(1.0, (product, q) => product * (p - q));
            for (int k = 0; k < taps; k++) matrix[i, k] = Math.Pow(p, k) / divisor;
        }

        matrix[5, taps - 1] = 1;
        return matrix;
    }

    /// <summary>Aᵀ, tile×6 with tile = 7 − taps.</summary>
    public static double[,] OutputMatrix(int taps)
    {
        int tile = 7 - taps;
        var matrix = new double[tile, 6];
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < tile; k++) matrix[k, i] = Math.Pow(Points[i], k);
        matrix[tile - 1, 5] = 1;
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
