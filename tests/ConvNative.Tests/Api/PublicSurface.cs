using System.Reflection;
using System.Runtime.CompilerServices;

namespace ConvNative.Tests.Api;

/// <summary>What other assemblies can see of one, as sorted lines: a type, then its members, in C#'s words.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    public static IEnumerable<string> Of(Assembly assembly) =>
        from type in assembly.GetExportedTypes()
        where IsSpeakable(type.FullName!)
        orderby type.FullName, StringComparer.Ordinal
        from line in (string[])[TypeLine(type), .. MemberLines(type).Order(StringComparer.Ordinal).Select(line => $"    {line}")]
        select line;

    private static string TypeLine(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => $"enum {type.Namespace}.{type.Name} : {TypeNames.Of(type.GetEnumUnderlyingType())}",
            { IsInterface: true } => $"interface {type.Namespace}.{type.Name}",
            { IsValueType: true } => $"{(IsMarked<IsReadOnlyAttribute>(type) ? "readonly " : "")}{(type.IsByRefLike ? "ref " : "")}struct {type.Namespace}.{type.Name}",
            { IsAbstract: true, IsSealed: true } => $"static class {type.Namespace}.{type.Name}",
            _ => $"{(type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")}class {type.Namespace}.{type.Name}",
        };
        if (type.IsEnum) return kind;
        IEnumerable<Type> bases = type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []).Where(one => one.IsPublic).OrderBy(one => one.FullName, StringComparer.Ordinal);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) bases = bases.Prepend(parent);
        string list = string.Join(", ", bases.Select(TypeNames.Of));
        return list.Length > 0 ? $"{kind} : {list}" : kind;
    }

    private static IEnumerable<string> MemberLines(Type type)
    {
        if (type.IsEnum)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static)) yield return $"{field.Name} = {field.GetRawConstantValue()}";
            yield break;
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(IsVisible))
            yield return $"{Modifiers(constructor)}{type.Name}({Parameters(constructor)})";
        foreach (MethodInfo method in type.GetMethods(Declared).Where(method => IsVisible(method) && IsSpeakable(method.Name) && !IsAccessor(method)))
            yield return $"{Modifiers(method)}{TypeNames.Of(method.ReturnParameter)} {method.Name}({Parameters(method)})";
        foreach (PropertyInfo property in type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsVisible)))
            yield return Property(property);
        foreach (FieldInfo field in type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
            yield return $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{TypeNames.Of(field)} {field.Name}{(field.IsLiteral ? $" = {Value(field.GetRawConstantValue())}" : "")}";
        foreach (EventInfo one in type.GetEvents(Declared).Where(one => IsVisible(one.AddMethod!))) yield return $"event {TypeNames.Of(one.EventHandlerType!)} {one.Name}";
    }

    private static string Property(PropertyInfo property)
    {
        MethodInfo accessor = property.GetAccessors(true).First(IsVisible);
        string name = property.GetIndexParameters() is { Length: > 0 } indices ? $"this[{string.Join(", ", indices.Select(Parameter))}]" : property.Name;
        string set = property.SetMethod is { } setter && IsVisible(setter)
            ? setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;"
            : "";
        return $"{Modifiers(accessor)}{TypeNames.Of(property)} {name} {{{(property.GetMethod is { } getter && IsVisible(getter) ? " get;" : "")}{set} }}";
    }

    private static string Modifiers(MethodBase method) =>
        (method.IsFamily || method.IsFamilyOrAssembly ? "protected " : "") +
        (method.IsStatic ? "static " : "") +
        (method switch
        {
            { IsVirtual: false } or { DeclaringType.IsInterface: true } => "",
            MethodInfo one when one.GetBaseDefinition() != one => "override ",
            { IsAbstract: true } => "abstract ",
            { IsFinal: false, DeclaringType.IsSealed: false } => "virtual ",
            _ => "",
        });

    private static string Parameters(MethodBase method) =>
        (IsMarked<ExtensionAttribute>(method) ? "this " : "") + string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string by = parameter switch
        {
            { IsOut: true } => "out ",
            { IsIn: true, ParameterType.IsByRef: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when IsMarked<ParamArrayAttribute>(parameter) || IsMarked<ParamCollectionAttribute>(parameter) => "params ",
            _ => "",
        };
        return $"{by}{TypeNames.Of(parameter)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Value(parameter.DefaultValue)}" : "")}";
    }

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        Enum one => $"{one.GetType().Name}.{one}",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}"),
    };

    private static bool IsVisible(MethodBase method) =>
        method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed && method.Name != "Finalize");

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static bool IsSpeakable(string name) => !name.Contains('<', StringComparison.Ordinal);

    private static bool IsMarked<T>(ICustomAttributeProvider what)
        where T : Attribute => what.IsDefined(typeof(T), inherit: false);
}
