namespace ConvNative.Kernels;

/// <summary>
/// How far a product is cut so that each part stays in L2: a KC × NR panel of B while the rows of A pass over it, an MC × KC block of A and a
/// KC × NC block of B (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008, with panels of B in L1: a tile of 8 rows
/// asks L2 for 4 lines of 64 bytes in 12 cycles, and reading and writing C less often saves more; one of 4 rows asks for 3 in 6, and has them in L1).
/// Made once for a plan.
/// </summary>
/// <param name="MC">Rows of a block of A; a multiple of MR.</param>
/// <param name="NC">Columns of a block of B; a multiple of NR.</param>
/// <param name="KC">Depth of both.</param>
internal readonly record struct BlockSizes(int MC, int NC, int KC)
{
    /// <summary>C is read and written so seldom then that it costs a hundredth of the products.</summary>
    private const int MostDepth = 640;

    /// <summary>Where A is read along its rows, and the columns over are sums of their own, which end with each block (measured on Zen 5).</summary>
    private const int MostDeepDepth = 1024;

    /// <summary>The sizes for a kernel on a machine with these caches; what is multiplied may be known to be less deep. isDeep: sums may be longer, with panels of B in L2.</summary>
    public static BlockSizes For(GemmKernel kernel, CacheSizes caches, int depth = int.MaxValue, bool isDeep = false)
    {
        (int most, int share) = isDeep ? (MostDeepDepth, 4) : (MostDepth, 8);
        int fitting = KeepsPanelsInL1(kernel)
            ? caches.L1 / 4 * 3 / (OperandB.LinesOf(kernel.NR) * Prefetch.Line * sizeof(float))
            : caches.L2 / share / (kernel.NR * sizeof(float));
        int KC = Math.Min(Math.Min(most, depth), RoundDown(fitting, 8));
        int MC = RoundDown(caches.L2 / 2 / (sizeof(float) * KC), kernel.MR);
        int NC = RoundDown(caches.L2 / 4 / (sizeof(float) * KC), kernel.NR);
        return new(MC, NC, KC);
    }

    /// <summary>Whether a panel of B is to stay in L1 while rows of A pass over it: a tile of few rows reads it too often for L2.</summary>
    public static bool KeepsPanelsInL1(GemmKernel kernel) => kernel.MR < 8;

    /// <summary>The smallest equal parts, multiples of <paramref name="unit"/>, that cut a length as often as <paramref name="limit"/> does.</summary>
    public static int Balance(int length, int limit, int unit)
    {
        int parts = CeilDiv(length, limit);
        return parts <= 1 ? length : Math.Min(limit, RoundUp(CeilDiv(length, parts), unit));
    }

    public static int CeilDiv(int a, int b) => (int)(((long)a + b - 1) / b);

    public static long CeilDiv(long a, long b) => (a + b - 1) / b;

    public static int RoundUp(int value, int unit) => CeilDiv(value, unit) * unit;

    public static long RoundUp(long value, int unit) => CeilDiv(value, unit) * unit;

    public static long LeastCommonMultiple(int a, int b)
    {
        int divisor = a;
        for (int rest = b; rest > 0;) (divisor, rest) = (rest, divisor % rest);
        return (long)a / divisor * b;
    }

    private static int RoundDown(long value, int unit) => (int)Math.Max(unit, value / unit * unit);
}
