using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace ConvNative.Simd;

/// <summary>What the processor calls itself.</summary>
internal static class ProcessorName
{
    private static readonly Lazy<string> OfThisMachine = new(() =>
        (X86Base.IsSupported ? FromCpuid(X86Base.CpuId) : null) ?? RuntimeInformation.ProcessArchitecture.ToString());

    /// <summary>The brand string of an x86 processor, else the architecture. Read once.</summary>
    public static string Machine => OfThisMachine.Value;

    /// <summary>Leaves 80000002 to 80000004: 48 characters, zeros and spaces at the end. Null where they are missing or empty.</summary>
    internal static string? FromCpuid(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid)
    {
        const int First = unchecked((int)0x80000002), Last = unchecked((int)0x80000004);
        if ((uint)cpuid(unchecked((int)0x80000000), 0).Eax < unchecked((uint)Last)) return null;
        var text = new StringBuilder();
        for (int leaf = First; leaf <= Last; leaf++)
        {
            (int a, int b, int c, int d) = cpuid(leaf, 0);
            text.Append(Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>([a, b, c, d])));
        }

        string name = text.ToString().Split('\0')[0].Trim();
        return name.Length > 0 ? name : null;
    }
}
