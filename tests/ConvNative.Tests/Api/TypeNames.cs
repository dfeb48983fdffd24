using System.Reflection;
using System.Runtime.CompilerServices;

namespace ConvNative.Tests.Api;

/// <summary>Types as C# writes them, with what a signature adds to them: nullability and the names of a tuple's elements.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(byte)] = "byte",
        [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint", [typeof(float)] = "float", [typeof(double)] = "double",
    };

    public static string Of(ParameterInfo parameter) => Write(parameter.ParameterType, new NullabilityInfoContext().Create(parameter), TupleNames(parameter));

    public static string Of(PropertyInfo property) => Write(property.PropertyType, new NullabilityInfoContext().Create(property), TupleNames(property));

    public static string Of(FieldInfo field) => Write(field.FieldType, new NullabilityInfoContext().Create(field), TupleNames(field));

    public static string Of(Type type) => Write(type, null, []);

    private static IList<string?> TupleNames(ICustomAttributeProvider what) =>
        what.GetCustomAttributes(typeof(TupleElementNamesAttribute), false) is [TupleElementNamesAttribute names] ? names.TransformNames : [];

    private static string Write(Type type, NullabilityInfo? info, IList<string?> names)
    {
        if (type.IsByRef) return Write(type.GetElementType()!, info, names);
        if (Nullable.GetUnderlyingType(type) is { } value) return $"{Of(value)}?";
        string nullable = info is { ReadState: NullabilityState.Nullable } && !type.IsValueType ? "?" : "";
        return Name(type, info, names) + nullable;
    }

    private static string Name(Type type, NullabilityInfo? info, IList<string?> names)
    {
        if (Keywords.TryGetValue(type, out string? keyword)) return keyword;
        if (type.IsPointer) return $"{Of(type.GetElementType()!)}*";
        if (type.IsArray) return $"{Write(type.GetElementType()!, info?.ElementType, [])}[]";
        if (!type.IsGenericType) return type.Name;
        string[] arguments = [.. type.GetGenericArguments().Select((argument, i) => Write(argument, info?.GenericTypeArguments.ElementAtOrDefault(i), []))];
        return type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true
            ? $"({string.Join(", ", arguments.Select((argument, i) => names.ElementAtOrDefault(i) is { } name ? $"{argument} {name}" : argument))})"
            : $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", arguments)}>";
    }
}
