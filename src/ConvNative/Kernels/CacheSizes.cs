using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Kernels;

/// <summary>
/// Data-cache sizes of one core in bytes. L3 is shared by at most so many logical processors; 1 where that is not known. Which of them a thread runs on is not
/// known either: the number tells what is faster, never what is right.
/// </summary>
internal readonly record struct CacheSizes(int L1, int L2, int L3, int L3Sharers = 1)
{
    /// <summary>Floats that streams lie further apart than a power of two: some dozens that lie a multiple of 4 KiB apart evict each other from L1.</summary>
    public const int Skew = Prefetch.Line;

    private const int Way = 4096;        // of L1: a page, in these processors, which look up the place while they look up the page
    private const int Instruction = 2;   // CPUID's type of an instruction cache

    /// <summary>Sizes that no processor with AVX2 falls below; used where the system does not tell.</summary>
    public static CacheSizes Default => new(32 << 10, 256 << 10, 8 << 20);

    private static readonly Lazy<CacheSizes> OfThisMachine = new(() =>
        X86Base.IsSupported ? FromCpuid(X86Base.CpuId) : Read("/sys/devices/system/cpu/cpu0/cache"));

    /// <summary>What the processor (x86) or Linux reports; <see cref="Default"/> for each size that neither does. Read once.</summary>
    public static CacheSizes Machine => OfThisMachine.Value;

    /// <summary>Whether so many threads can share the L3.</summary>
    public bool HaveL3InCommon(int threads) => threads <= L3Sharers;

    /// <summary>
    /// Whether lines that lie so many bytes apart push each other out of L1 although it has room for them: planes of 32², 64² or 128² are whole pages, and have one place
    /// in it, which holds 8 or 12. There are <see cref="Way"/> ÷ d places for L1 ÷ Way lines each, d ≥ 64 the largest power of two in the distance.
    /// </summary>
    public bool Collide(long lines, long bytesApart) => lines * Math.Min(bytesApart & -bytesApart, Way) > L1;

    /// <summary>
    /// The sizes by CPUID: its list of caches (Intel's leaf 4, AMD's 8000001D), else AMD's leaves 80000005 and 80000006, which virtual
    /// machines tell when they hide the list (AMD64 Architecture Programmer's Manual, volume 3, appendix E).
    /// </summary>
    internal static CacheSizes FromCpuid(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid)
    {
        const int Extended = unchecked((int)0x80000000);
        int last = cpuid(0, 0).Eax, lastExtended = cpuid(Extended, 0).Eax;
        CacheSizes sizes = Default;
        if (lastExtended >= Extended + 6)
        {
            uint l1 = (uint)cpuid(Extended + 5, 0).Ecx, l2 = (uint)cpuid(Extended + 6, 0).Ecx, l3 = (uint)cpuid(Extended + 6, 0).Edx;
            sizes = sizes.With(1, (l1 >> 24) << 10).With(2, (l2 >> 16) << 10).With(3, (long)(l3 >> 18) << 19);
        }

        int list = lastExtended >= Extended + 0x1D && (cpuid(Extended + 0x1D, 0).Eax & 31) != 0 ? Extended + 0x1D : 4;
        for (int i = 0; list < 0 || list <= last; i++)
        {
            (int eax, int ebx, int sets, _) = cpuid(list, i);
            int type = eax & 31, level = (eax >> 5) & 7;
            if (type == 0) break;
            long ways = (uint)ebx >> 22, partitions = (ebx >> 12) & 1023, line = ebx & 4095;
            if (type != Instruction) sizes = sizes.With(level, (ways + 1) * (partitions + 1) * (line + 1) * ((long)(uint)sets + 1));
            if (level == 3) sizes = sizes with { L3Sharers = ((eax >> 14) & 4095) + 1 };
        }

        return sizes;
    }

    internal static CacheSizes Read(string folder)
    {
        CacheSizes sizes = Default;
        for (int i = 0; Directory.Exists($"{folder}/index{i}"); i++)
        {
            string entry = $"{folder}/index{i}";
            if (ReadLine($"{entry}/type") == "Instruction" || ParseSize(ReadLine($"{entry}/size")) is not int bytes) continue;
            sizes = sizes.With(int.TryParse(ReadLine($"{entry}/level"), NumberStyles.None, CultureInfo.InvariantCulture, out int level) ? level : 0, bytes);
            if (level == 3) sizes = sizes with { L3Sharers = CountOf(ReadLine($"{entry}/shared_cpu_list")) };
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

    /// <summary>"0-3,8" → 5; 1 for what is not a list.</summary>
    internal static int CountOf(string list)
    {
        int count = 0;
        foreach (string range in list.Split(','))
        {
            string[] ends = range.Split('-');
            bool isRange = int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                & int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last);
            if (!isRange || last < first) return 1;
            count += last - first + 1;
        }

        return count;
    }

    private CacheSizes With(int level, long bytes) => bytes is <= 0 or > int.MaxValue ? this : level switch
    {
        1 => this with { L1 = (int)bytes },
        2 => this with { L2 = (int)bytes },
        3 => this with { L3 = (int)bytes },
        _ => this,
    };

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
