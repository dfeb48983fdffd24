using System.Globalization;

namespace ConvNative.Kernels;

/// <summary>Data-cache sizes of one core in bytes. L3 is shared by several cores.</summary>
internal readonly record struct CacheSizes(int L1, int L2, int L3)
{
    /// <summary>Sizes that no processor with AVX2 falls below; used where the system does not tell.</summary>
    public static CacheSizes Default => new(32 << 10, 256 << 10, 8 << 20);

    private static readonly Lazy<CacheSizes> OfThisMachine = new(() => Read("/sys/devices/system/cpu/cpu0/cache"));

    /// <summary>The sizes that Linux reports for the first processor; <see cref="Default"/> for each one it does not. Read once.</summary>
    public static CacheSizes Machine => OfThisMachine.Value;

    internal static CacheSizes Read(string folder)
    {
        CacheSizes sizes = Default;
        for (int i = 0; Directory.Exists($"{folder}/index{i}"); i++)
        {
            string entry = $"{folder}/index{i}";
            if (ReadLine($"{entry}/type") == "Instruction" || ParseSize(ReadLine($"{entry}/size")) is not int bytes) continue;
            sizes = ReadLine($"{entry}/level") switch
            {
                "1" => sizes with { L1 = bytes },
                "2" => sizes with { L2 = bytes },
                "3" => sizes with { L3 = bytes },
                _ => sizes,
            };
        }

        return sizes;
    }

    /// <summary>"32K" → 32768; null for what is not a size.</summary>
    internal static int? ParseSize(string text)
    {
        int shift = text.EndsWith('K') ? 10 : text.EndsWith('M') ? 20 : 0;
        ReadOnlySpan<char> digits = shift == 0 ? text : text.AsSpan(0, text.Length - 1);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0 && value <= int.MaxValue >> shift
            ? value << shift
            : null;
    }

    // A sandbox may hide the files: then the defaults stand.
    private static string ReadLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
