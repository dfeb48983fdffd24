namespace ConvNative.Algorithms;

/// <summary>All algorithms, best first, the reference last: the order in which Auto asks them.</summary>
internal static class AlgorithmList
{
    public static IReadOnlyList<IConvAlgorithm> All { get; } =
    [
        new Depthwise(),
        new Winograd(),
        new Direct(),
        new ImplicitGemm(),
        new Im2ColGemm(),
        new Reference(),
    ];
}
