using System.Reflection;
using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary>
/// What works on vectors is optimised at its first call, or inlined into what is: the runtime's first tier keeps each vector in memory and
/// calls each operation, which is some fifty times slower, for the hundreds of calls that it takes to be replaced.
/// </summary>
internal sealed class CompiledAtOnceTests
{
    private const MethodImplAttributes AtOnce = MethodImplAttributes.AggressiveOptimization | MethodImplAttributes.AggressiveInlining;

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Test]
    public void Kernels_over_a_vector_width_are_optimised_at_their_first_call()
    {
        IEnumerable<MethodBase> late = Kernels.Where(m => (m.MethodImplementationFlags & AtOnce) == 0);
        string[] missing = [.. late.Select(m => $"{m.DeclaringType!.Name}.{m.Name}").Distinct()];
        Assert.That(missing, Is.Empty, $"neither AggressiveOptimization nor AggressiveInlining: {string.Join(", ", missing)}");
    }

    [Test]
    public void The_kernels_are_found() => Assert.That(Kernels.Count(), Is.GreaterThan(50));

    private static IEnumerable<MethodBase> Kernels =>
        from type in typeof(Conv2d).Assembly.GetTypes()
        where type.Namespace == "ConvNative.Kernels" && !type.IsInterface
        from method in type.GetMethods(Declared).Concat<MethodBase>(HoldsVectors(type) ? type.GetConstructors(Declared) : [])
        where WorksOnData(method) && !method.IsDefined(typeof(CompilerGeneratedAttribute))
        where type.GetGenericArguments().Concat(method.IsGenericMethod ? method.GetGenericArguments() : []).Any(IsVectorWidth)
        select method;

    // The rest picks kernels, or counts.
    private static bool WorksOnData(MethodBase method) =>
        method.GetParameters().Any(p => p.ParameterType.IsPointer || p.ParameterType.ContainsGenericParameters) || (method as MethodInfo)?.ReturnType is { ContainsGenericParameters: true };

    private static bool HoldsVectors(Type type) => type.GetFields(Declared).Any(f => f.FieldType.IsGenericParameter);

    private static bool IsVectorWidth(Type argument) =>
        argument.IsGenericParameter
        && argument.GetGenericParameterConstraints().Any(c => c.IsGenericType && c.GetGenericTypeDefinition() == typeof(ISimd<>));
}
