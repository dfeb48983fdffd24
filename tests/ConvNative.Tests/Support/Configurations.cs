using ConvNative.Algorithms;
using ConvNative.Interop;
using ConvNative.Simd;

namespace ConvNative.Tests.Support;

/// <summary>Every way in which a convolution can be computed on this machine: algorithm × instruction set × GEMM engine.</summary>
internal static class Configurations
{
    /// <summary>The levels to test: all, since what the machine lacks it emulates; only up to the cap where the environment sets one.</summary>
    public static IEnumerable<Isa> Isas
    {
        get
        {
            bool capped = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(IsaSelection.Variable));
            return Enum.GetValues<Isa>().Where(isa => !capped || isa == IsaSelection.Current);
        }
    }

    public static IEnumerable<Conv2dOptions> All =>
        from algorithm in AlgorithmList.All
        from isa in Isas
        from engine in EnginesOf(algorithm.Id)
        where algorithm.Id != ConvAlgorithm.Reference || isa == Isa.Scalar || isa == Isas.First()
        select new Conv2dOptions { Algorithm = algorithm.Id, ForcedIsa = isa, Gemm = engine };

    public static string Name(Conv2dOptions options) => $"{options.Algorithm}/{options.ForcedIsa}/{options.Gemm}";

    /// <summary>The documented amplification of the error bound; for Auto the largest of those that it may choose.</summary>
    public static double Amplification(Conv2dOptions options) =>
        AlgorithmList.All.Where(algorithm => options.Algorithm is ConvAlgorithm.Auto || algorithm.Id == options.Algorithm)
            .Max(algorithm => algorithm.ErrorAmplification);

    private static GemmEngine[] EnginesOf(ConvAlgorithm algorithm)
    {
        if (algorithm != ConvAlgorithm.Im2ColGemm) return [GemmEngine.Auto];
        return OpenBlas.Find() is null ? [GemmEngine.Managed] : [GemmEngine.Managed, GemmEngine.OpenBlas];
    }
}
