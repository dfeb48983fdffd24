namespace ConvNative.Tests.Kernels;

/// <summary>
/// The specification of the transforms in one dimension, in double: the three matrices of tiles of so many outputs from the points of their scheme. Rows and
/// columns of points that a tile does not have are zero.
/// </summary>
internal sealed class WinogradMatrices
{
    private readonly int _taps, _outputs;
    private readonly bool _gradient;
    private readonly double[] _scheme;
    private readonly bool[] _has;

    /// <param name="taps">Of a kernel.</param>
    /// <param name="tile">Outputs of whole tiles.</param>
    /// <param name="outputs">Outputs of these tiles.</param>
    /// <param name="gradient">For that of the weights, G has all factors 1/N(p).</param>
    public WinogradMatrices(int taps, int tile, int outputs, bool gradient = false)
    {
        (_taps, _outputs, _gradient) = (taps, outputs, gradient);
        _scheme = PointsOf(taps, tile);
        double[] own = outputs == tile ? _scheme : EdgePointsOf(taps, tile, outputs);
        _has = Array.ConvertAll(_scheme, p => own.Contains(p));
        Assert.That(own, Is.SubsetOf(_scheme));
        Assert.That(own.Length, Is.EqualTo(outputs + taps - 2));
    }

    /// <summary>Points of the scheme, with ∞.</summary>
    public int Reach => _scheme.Length + 1;

    /// <summary>Inputs of a tile.</summary>
    public int Inputs => _outputs + _taps - 1;

    /// <summary>The finite points.</summary>
    private static double[] PointsOf(int taps, int tile) => (taps, tile) switch
    {
        (3, 4) => [0, 0.75, -0.75, 1.5, -1.5],
        (4, 4) => [0.375, -0.375, 0.875, -0.875, 1.75, -1.75],
        (3, 6) or (5, 4) => [0, 0.5, -0.5, 1, -1, 2, -2],
        _ => throw new ArgumentOutOfRangeException(nameof(taps)),
    };

    /// <summary>Those of tiles at an image's edge.</summary>
    private static double[] EdgePointsOf(int taps, int tile, int outputs) => (taps, tile, outputs) switch
    {
        (3, 4, 2) => [0, 0.75, -0.75],
        (3, 6, 2) => [0, 1, -1],
        (3, 6, 4) => [0, 0.5, -0.5, 2, -2],
        _ => throw new ArgumentOutOfRangeException(nameof(outputs)),
    };

    public bool Has(int point) => point == _scheme.Length || _has[point];

    /// <summary>Bᵀ: what N(p) has of points that the tile does not have, is here.</summary>
    public double[,] Input()
    {
        var matrix = new double[Reach, Inputs];
        for (int i = 0; i < Reach; i++)
        {
            if (!Has(i)) continue;
            double[] row = Polynomial(_scheme.Where((_, j) => _has[j] && j != i));
            double rest = i == _scheme.Length ? 1 : _scheme.Where((_, j) => !_has[j]).Aggregate(1.0, (product, q) => product * (_scheme[i] - q));
            for (int k = 0; k < row.Length; k++) matrix[i, k] = SignOf(i) * rest * row[k];
        }

        return matrix;
    }

    /// <summary>G.</summary>
    public double[,] Filter()
    {
        var matrix = new double[Reach, _taps];
        for (int i = 0; i < _scheme.Length; i++)
        {
            for (int k = 0; k < _taps; k++) matrix[i, k] = Math.Pow(_scheme[i], k) / (Divisor(i) * FactorOf(i));
        }

        matrix[_scheme.Length, _taps - 1] = 1 / FactorOf(_scheme.Length);
        return matrix;
    }

    /// <summary>Aᵀ.</summary>
    public double[,] Output()
    {
        var matrix = new double[_outputs, Reach];
        for (int i = 0; i < _scheme.Length; i++)
            for (int k = 0; k < _outputs; k++) matrix[k, i] = _has[i] ? FactorOf(i) * Math.Pow(_scheme[i], k) : 0;
        matrix[_outputs - 1, _scheme.Length] = FactorOf(_scheme.Length);
        return matrix;
    }

    /// <summary>N(p), with the sign that G has.</summary>
    private double Divisor(int row) => _scheme.Where((_, j) => j != row).Aggregate((double)SignOf(row), (product, q) => product * (_scheme[row] - q));

    /// <summary>
    /// What Aᵀ has of a row of G: of 5 taps 1/N(p); of 3 taps the row is one of small whole numbers for taps (1, a, a²)·scale, a the smallest point, so that the factor at ∞ is
    /// 1 of F(4, 3), at ±1 of F(6, 3).
    /// </summary>
    private double FactorOf(int row)
    {
        if (_taps == 4 || _gradient) return 1;
        if (_taps == 5) return row == _scheme.Length ? 1 : 1 / Divisor(row);
        double a = _scheme[1], scale = Reach == 6 ? 1 / (a * a) : 1 / Divisor(3);
        return row == _scheme.Length ? 1 / (scale * a * a) : 1 / (scale * Divisor(row));
    }

    /// <summary>Row 0 of Bᵀ and G of eight points, where N(0) is negative, has the other sign.</summary>
    private int SignOf(int row) => row == 0 && Reach == 8 ? -1 : 1;

    public static double[,] Transposed(double[,] matrix)
    {
        var result = new double[matrix.GetLength(1), matrix.GetLength(0)];
        for (int i = 0; i < result.GetLength(0); i++)
        for (int j = 0; j < result.GetLength(1); j++) result[i, j] = matrix[j, i];
        return result;
    }

    /// <summary>left·value·rightᵀ, the transform in two dimensions; and the same of all absolute values.</summary>
    public static (double[,] Value, double[,] Magnitude) Transform(double[,] left, double[,] value, double[,] right)
    {
        double[,] turned = Transposed(right);
        return (Multiply(Multiply(left, value), turned), Multiply(Multiply(Absolute(left), Absolute(value)), Absolute(turned)));
    }

    private static double[,] Multiply(double[,] a, double[,] b)
    {
        var product = new double[a.GetLength(0), b.GetLength(1)];
        for (int i = 0; i < product.GetLength(0); i++)
        for (int k = 0; k < b.GetLength(0); k++)
        for (int j = 0; j < product.GetLength(1); j++) product[i, j] += a[i, k] * b[k, j];
        return product;
    }

    private static double[,] Absolute(double[,] matrix)
    {
        var result = (double[,])matrix.Clone();
        for (int i = 0; i < result.GetLength(0); i++)
        for (int j = 0; j < result.GetLength(1); j++) result[i, j] = Math.Abs(result[i, j]);
        return result;
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
