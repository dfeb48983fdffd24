using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Simd;

/// <summary>Instruction-set levels that the kernels are compiled for, weakest first.</summary>
internal enum Isa
{
    /// <summary>Portable 128-bit vectors: SSE, NEON or plain scalar code.</summary>
    Scalar,

    /// <summary>AVX2 with FMA.</summary>
    Avx2,

    /// <summary>AVX-512F.</summary>
    Avx512,
}

/// <summary>Which instruction set runs: what the machine has, capped by CONVNATIVE_MAX_ISA (scalar, avx2, avx512).</summary>
internal static class IsaSelection
{
    public const string Variable = "CONVNATIVE_MAX_ISA";

    /// <summary>The best level that this machine executes.</summary>
    public static Isa Supported =>
        Avx512F.IsSupported ? Isa.Avx512 : Avx2.IsSupported && Fma.IsSupported ? Isa.Avx2 : Isa.Scalar;

    /// <summary>Whether AVX-512 may be asked for: a program that is compiled before it runs, for processors without it, need not carry what has many forms for it.</summary>
    public static bool MayBeAvx512
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx512F.IsSupported || RuntimeFeature.IsDynamicCodeSupported;
    }

    /// <summary>The level to use: <see cref="Supported"/>, not above the environment's cap.</summary>
    /// <exception cref="ArgumentException">The environment variable names no known level.</exception>
    public static Isa Current => Cap(Environment.GetEnvironmentVariable(Variable));

    internal static Isa Cap(string? cap) => string.IsNullOrEmpty(cap) ? Supported : (Isa)Math.Min((int)Supported, (int)Parse(cap));

    private static Isa Parse(string name) => name.ToLowerInvariant() switch
    {
        "scalar" => Isa.Scalar,
        "avx2" => Isa.Avx2,
        "avx512" => Isa.Avx512,
        _ => throw new ArgumentException($"{Variable} is '{name}'; it must be scalar, avx2 or avx512."),
    };
}
