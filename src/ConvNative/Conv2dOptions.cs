namespace ConvNative;

/// <summary>How a convolution is computed (docs/architecture.md).</summary>
public enum ConvAlgorithm
{
    /// <summary>The best of the others for the problem and direction.</summary>
    Auto,

    /// <summary>The definition as nested loops: slow, for comparison.</summary>
    Reference,

    /// <summary>A column matrix in tiles, and one matrix product per tile: the article's method.</summary>
    Im2ColGemm,

    /// <summary>Matrix product on patches packed straight from the image; no column matrix.</summary>
    ImplicitGemm,

    /// <summary>Winograd's minimal filtering for 3×3 to 5×5 kernels, dilated too, and larger ones with strides.</summary>
    Winograd,

    /// <summary>Loops over the image itself, for few channels.</summary>
    Direct,

    /// <summary>One input channel per group.</summary>
    Depthwise,
}

/// <summary>Who computes the matrix products of <see cref="ConvAlgorithm.Im2ColGemm"/>.</summary>
public enum GemmEngine
{
    /// <summary>OpenBLAS if it is found, else this library; weight gradients by this library from AVX2 on, which measured faster there.</summary>
    Auto,

    /// <summary>OpenBLAS's sgemm.</summary>
    OpenBlas,

    /// <summary>This library's own kernels.</summary>
    Managed,
}

/// <summary>Instruction sets that the kernels are written for.</summary>
public enum InstructionSet
{
    /// <summary>The best that the machine has, capped by the environment variable CONVNATIVE_MAX_ISA.</summary>
    Auto,

    /// <summary>Portable 128-bit vectors: every platform.</summary>
    Scalar,

    /// <summary>AVX2 with FMA.</summary>
    Avx2,

    /// <summary>AVX-512F.</summary>
    Avx512,
}

/// <summary>How a <see cref="Conv2d"/> is planned. Every value has a sensible default.</summary>
public sealed record Conv2dOptions
{
    /// <summary>The default of <see cref="MaxWorkspaceBytes"/>: 32 MiB.</summary>
    public const long DefaultMaxWorkspaceBytes = 32L << 20;

    private const int MostThreads = 4096;

    /// <summary>The algorithm of all three directions; one that cannot do a direction refuses it with a reason.</summary>
    public ConvAlgorithm Algorithm
    {
        get;
        init => field = Defined(value, nameof(Algorithm));
    }

    /// <summary>Threads that a run may use, the caller included; 0 = the CPU budget of the process (affinity and container quota).</summary>
    public int Threads
    {
        get;
        init => field = value is >= 0 and <= MostThreads
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Threads), value, $"Threads must be in [0, {MostThreads}].");
    }

    /// <summary>
    /// The most scratch memory that one run may hold, in bytes, besides packed weights; fewer threads or smaller tiles are used to
    /// stay below. Runs that overlap in time each hold their own.
    /// </summary>
    public long MaxWorkspaceBytes
    {
        get;
        init => field = value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxWorkspaceBytes), value, "MaxWorkspaceBytes must be at least 0.");
    } = DefaultMaxWorkspaceBytes;

    /// <summary>Who computes matrix products in <see cref="ConvAlgorithm.Im2ColGemm"/>.</summary>
    public GemmEngine Gemm
    {
        get;
        init => field = Defined(value, nameof(Gemm));
    }

    /// <summary>The most capable instruction set that may be used.</summary>
    public InstructionSet MaxInstructionSet
    {
        get;
        init => field = Defined(value, nameof(MaxInstructionSet));
    }

    /// <summary>
    /// Whether <see cref="ConvAlgorithm.Auto"/> may use Winograd's minimal filtering, for 3×3 to 5×5 kernels, dilated too, with strides larger ones: 4 to 6.25
    /// times fewer multiplications. Its transforms of 6×6 to 8×8 tiles make errors relative to the tile: at most 4·(n + 2)·2⁻²⁴·s, n = KH·KW·IC/G (dx:
    /// KH·KW·OC/G, dw: N·OH·OW), where s is the largest Σ|x·w| of the results; measured, at most 0.25·(n + 2)·2⁻²⁴·s from 16 channels on.
    /// Some kinds of data exceed it: one to three channels with a few taps that are 10⁴ times the others (4.7 measured in place of 4) or with numbers over
    /// many orders of magnitude, and dw of data that is
    /// zero but for a few spikes. A NaN or an infinity reaches all results of its tiles. Asking for <see cref="ConvAlgorithm.Winograd"/>
    /// itself overrides this.
    /// </summary>
    public bool AllowWinograd { get; init; } = true;

    /// <summary>
    /// What <see cref="Conv2d.Tune"/> measured; null: nothing. <see cref="ConvAlgorithm.Auto"/> takes the algorithm that was fastest for a direction
    /// where this holds times of the same problem, taken on the same kind of processor by the same version with the same threads, instruction
    /// set, workspace limit, GEMM engine and <see cref="AllowWinograd"/>.
    /// </summary>
    public ConvTuning? Tuning { get; init; }

    /// <summary>What a forward run applies to its result at the end: y = activation(x ⋆ w + b + residual).</summary>
    public ConvActivation Activation { get; init; }

    /// <summary>For tests: exactly this level, even where the machine has to emulate it.</summary>
    internal Simd.Isa? ForcedIsa { get; init; }

    private static T Defined<T>(T value, string name)
        where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}.");
}
