using System.Globalization;
using System.Text;

namespace ConvNative.Planning;

/// <summary>benchdnn's descriptor language (oneDNN, tests/benchdnn): text to <see cref="ConvProblem"/> and back.</summary>
internal static class ConvDescriptor
{
    private const int DefaultBatch = 2;   // benchdnn's

    private static readonly string[] Keys =
    [
        "g", "mb", "ic", "oc", "ih", "iw", "oh", "ow", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw",
    ];

    public static ConvProblem Parse(string descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Dictionary<string, int> sizes = ReadSizes(descriptor, out string? name);
        int? Get(string key) => sizes.TryGetValue(key, out int value) ? value : null;
        int Need(string key) => Get(key) ?? throw new FormatException($"Descriptor '{descriptor}' has no {key}; it must be given.");

        // Only w values: one row. Otherwise a lone h value serves both axes.
        bool oneRow = Get("ih") is null && Get("iw") is not null;
        Axis h = oneRow
            ? new Axis(1, 1, 1, 1, 0, 0)
            : new Axis(Need("ih"), Need("kh"), Get("oh"), Get("sh") ?? 1, Get("ph"), Get("dh") ?? 0);
        Axis w = oneRow
            ? new Axis(Need("iw"), Need("kw"), Get("ow"), Get("sw") ?? 1, Get("pw"), Get("dw") ?? 0)
            : new Axis(
                Get("iw") ?? h.Input,
                Get("kw") ?? h.Kernel,
                Get("ow") ?? (Get("iw") is null ? h.Output : null),
                Get("sw") ?? h.Stride,
                Get("pw") ?? (Get("iw") is null || Get("ow") is null ? h.Padding : null),
                Get("dw") ?? h.Dilation);

        var problem = new ConvProblem(new TensorShape(Get("mb") ?? DefaultBatch, Need("ic"), h.Input, w.Input), Need("oc"), h.Kernel, w.Kernel)
        {
            StrideH = h.Stride,
            StrideW = w.Stride,
            DilationH = h.Dilation + 1,
            DilationW = w.Dilation + 1,
            Groups = Get("g") ?? 1,
            Name = name,
        };
        (int pt, int pb) = h.ResolvePadding("h");
        (int pl, int pr) = w.ResolvePadding("w");
        problem = problem with { Padding = new Padding(pt, pl, pb, pr) };
        _ = problem.Output;
        return problem;
    }

    public static string Format(ConvProblem problem)
    {
        (TensorShape x, TensorShape w) = (problem.Input, problem.Weights);
        var text = new StringBuilder();
        if (problem.Groups != 1) text.Append(CultureInfo.InvariantCulture, $"g{problem.Groups}");
        text.Append(CultureInfo.InvariantCulture, $"mb{x.N}ic{x.C}ih{x.H}iw{x.W}oc{w.N}");
        if (TryOutput(problem) is { } y) text.Append(CultureInfo.InvariantCulture, $"oh{y.H}ow{y.W}");
        text.Append(CultureInfo.InvariantCulture, $"kh{w.H}kw{w.W}sh{problem.StrideH}sw{problem.StrideW}");
        text.Append(CultureInfo.InvariantCulture, $"ph{problem.Padding.Top}pw{problem.Padding.Left}");
        text.Append(CultureInfo.InvariantCulture, $"dh{problem.DilationH - 1}dw{problem.DilationW - 1}");
        if (problem.Name is not null) text.Append(CultureInfo.InvariantCulture, $"n\"{problem.Name}\"");
        return text.ToString();
    }

    // A problem whose kernel does not fit has no output, but must still print in an error message.
    private static TensorShape? TryOutput(ConvProblem problem)
    {
        try
        {
            return problem.Output;
        }
        catch (ConvShapeException)
        {
            return null;
        }
    }

    private static Dictionary<string, int> ReadSizes(string descriptor, out string? name)
    {
        var sizes = new Dictionary<string, int>();
        string text = descriptor.Trim();
        name = null;
        for (int i = 0; i < text.Length;)
        {
            if (text[i] == '_')
            {
                i++;
                continue;
            }

            if (text[i] == 'n')
            {
                name = ReadName(descriptor, text[(i + 1)..]);
                break;
            }

            string key = Keys.FirstOrDefault(k => text.AsSpan(i).StartsWith(k) && k.Length < text.Length - i && char.IsAsciiDigit(text[i + k.Length]))
                ?? throw new FormatException(
                    $"Descriptor '{descriptor}', column {i + 1}: '{text[i..Math.Min(text.Length, i + 8)]}' is not a size; " +
                    $"it must be one of {string.Join(", ", Keys)} and a number, or n\"name\".");
            int end = i + key.Length;
            while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
            int most = key is "dh" or "dw" ? int.MaxValue - 1 : int.MaxValue;   // counted from zero
            if (!int.TryParse(text.AsSpan(i + key.Length, end - i - key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value > most)
                throw new FormatException($"Descriptor '{descriptor}', column {i + 1}: the number after {key} must be at most {most}.");
            if (!sizes.TryAdd(key, value))
                throw new FormatException($"Descriptor '{descriptor}', column {i + 1}: {key} stands twice.");
            i = end;
        }

        return sizes;
    }

    private static string ReadName(string descriptor, string text)
    {
        if (!text.StartsWith('"')) return text;
        int end = text.IndexOf('"', 1);
        if (end < 0) throw new FormatException($"Descriptor '{descriptor}': the name has no closing quote.");
        if (text[(end + 1)..].Trim('_', ' ').Length > 0)
            throw new FormatException($"Descriptor '{descriptor}': '{text[(end + 1)..]}' stands after the name, which must come last.");
        return text[1..end];
    }

    /// <summary>The sizes along one axis as written; null: not given.</summary>
    private readonly record struct Axis(int Input, int Kernel, int? Output, int Stride, int? Padding, int Dilation)
    {
        /// <summary>Padding before and after.</summary>
        public (int Before, int After) ResolvePadding(string axis)
        {
            if (Input < 1 || Kernel < 1 || Stride < 1) return (0, 0);   // ConvProblem has named the size already
            if (Output is not { } output) return (Padding ?? 0, Padding ?? 0);

            // The padding in all that makes the output size exactly whole; benchdnn gives the smaller half to the start.
            long extent = ((long)(Dilation + 1) * (Kernel - 1)) + 1;
            long all = ((output - 1L) * Stride) + extent - Input;
            long before = Padding ?? Math.Max(0, all) / 2;
            bool symmetricFits = FloorOutput(before + before, extent) == output;
            long after = symmetricFits ? before : Math.Max(0, all - before);
            return FloorOutput(before + after, extent) == output && after <= int.MaxValue
                ? ((int)before, (int)after)
                : throw new ConvShapeException(
                    $"i{axis}{Input} o{axis}{output} k{axis}{Kernel} s{axis}{Stride} p{axis}{before} d{axis}{Dilation} contradict each other: " +
                    $"no padding after the image gives o{axis}{output}.");
        }

        private long FloorOutput(long padding, long extent)
        {
            long room = Input + padding - extent;
            return room < 0 ? 0 : (room / Stride) + 1;
        }
    }
}
