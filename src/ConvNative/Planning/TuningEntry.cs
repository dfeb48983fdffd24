using ConvNative.Algorithms;
using ConvNative.Simd;

namespace ConvNative.Planning;

/// <summary>What a measured choice holds for: one direction of a problem, on a machine, under the options that an algorithm depends on.</summary>
internal sealed record TuningKey(string Machine, string Settings, string Problem, Direction Direction)
{
    public static TuningKey For(ConvProblem problem, PlanContext context, Direction direction) => new(
        $"{ProcessorName.Machine}, ConvNative {typeof(TuningKey).Assembly.GetName().Version?.ToString(3)}",
        $"{context.Isa}, {context.Threads} threads, {context.Gemm.Name}, workspace {context.MaxWorkspaceBytes}{(context.AllowWinograd ? "" : ", no Winograd")}",
        (problem with { Name = null }).ToString(),
        direction);
}

/// <summary>The least time of a run by an algorithm.</summary>
internal sealed record TunedTime(ConvAlgorithm Algorithm, double Milliseconds);
