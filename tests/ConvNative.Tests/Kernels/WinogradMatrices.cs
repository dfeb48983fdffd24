using ConvNative.Kernels;

namespace ConvNative.Tests.Kernels;

/// <summary>The specification of <see cref="WinogradPoints"/> and its schemes: the three matrices from their points, in double.</summary>
internal static class WinogradMatrices
{
    /// <summary>The finite points for kernels of so many taps.</summary>
    private static double[] Points(int taps) => taps switch
    {
        3 => [0, 0.75, -0.75, 1.5, -1.5],
        4 => [0.375, -0.375, 0.875, -0.875, 1.75, -1.75],
        _ => [0, 0.5, -0.5, 1, -1, 2, -2],
    };

    /// <summary>Bᵀ.</summary>
    public static double[,] InputMatrix(int taps)
    {
        double[] points = Points(taps);
        var matrix = new double[points.Length + 1, points.Length + 1];
        for (int i = 0; i <= points.Length; i++)
        {
            double[] row = Polynomial(points.Where((_, j) => j != i));
            for (int k = 0; k < row.Length; k++) matrix[i, k] = SignOf(i, taps) * row[k];
        }

        return matrix;
    }

    /// <summary>G.</summary>
    public static double[,] FilterMatrix(int taps)
    {
        double[] points = Points(taps);
        var matrix = new double[points.Length + 1, taps];
        for (int i = 0; i < points.Length; i++)
        {
            double p = points[i], divisor = points.Where((_, j) => j != i).Aggregate((double)SignOf(i, taps), (product, q) => product * (p - q));
            for (int k = 0; k < taps; k++) matrix[i, k] = Math.Pow(p, k) / divisor;
        }

        matrix[points.Length, taps - 1] = 1;
        return matrix;
    }

    /// <summary>Aᵀ.</summary>
    public static double[,] OutputMatrix(int taps)
    {
        const int Tile = WinogradPoints.Tile;
        double[] points = Points(taps);
        var matrix = new double[Tile, points.Length + 1];
        for (int i = 0; i < points.Length; i++)
            for (int k = 0; k < Tile; k++) matrix[k, i] = Math.Pow(points[i], k);
        matrix[Tile - 1, points.Length] = 1;
        return matrix;
    }

    /// <summary>Row 0 of Bᵀ and G, where N(0) is negative, has the other sign.</summary>
    private static int SignOf(int row, int taps) => row == 0 && taps == 5 ? -1 : 1;

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
