using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ConvNative.Tests.Support;

/// <summary>
/// Floats that lie flush against a page which nobody may touch: the first access beyond that edge ends the process. They lie
/// as low as the system grants (Linux on x64: below 2 GiB), where the address of a place far before them wraps round.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private const nuint Page = 1 << 16;   // a multiple of every page size in use, and Windows' step of reservation
    private const float Sentinel = 12345.678f;

    private readonly byte* _start;
    private readonly nuint _bytes;
    private readonly Edge _edge;

    public GuardedBuffer(long length, Edge edge)
    {
        Length = length;
        _edge = edge;
        nuint usable = ((nuint)(length * sizeof(float)) + Page - 1) / Page * Page;
        _bytes = usable + Page;
        _start = Pages.Reserve(_bytes);
        Pages.Forbid(edge == Edge.End ? _start + usable : _start, Page);
        byte* first = edge == Edge.End ? _start : _start + Page;
        new Span<float>(first, (int)(usable / sizeof(float))).Fill(Sentinel);
        Pointer = (float*)(edge == Edge.End ? first + usable - ((nuint)length * sizeof(float)) : first);
    }

    /// <summary>Which side the forbidden page is on.</summary>
    public enum Edge
    {
        /// <summary>After the last element.</summary>
        End,

        /// <summary>Before the first element.</summary>
        Start,
    }

    public float* Pointer { get; }

    public long Length { get; }

    /// <summary>Nothing was written on the side without a forbidden page, as far as the buffer's own pages reach.</summary>
    public bool IsUntouchedBeside
    {
        get
        {
            byte* end = _start + _bytes;
            ReadOnlySpan<float> beside = _edge == Edge.End
                ? new(_start, (int)(Pointer - (float*)_start))
                : new(Pointer + Length, (int)((float*)end - (Pointer + Length)));
            return beside.IndexOfAnyExcept(Sentinel) < 0;
        }
    }

    /// <summary>Reads the element at an offset from the edge: inside for negative offsets, beyond it from 0 on.</summary>
    public static void Touch(Edge edge, int offset)
    {
        using var buffer = new GuardedBuffer(100, edge);
        float* p = edge == Edge.End ? buffer.Pointer + buffer.Length + offset : buffer.Pointer - 1 - offset;
        if (Volatile.Read(ref *p) != Sentinel) throw new InvalidOperationException("The buffer's own element does not hold what was written.");
    }

    public void Dispose() => Pages.Free(_start, _bytes);

    /// <summary>The system's page functions.</summary>
    private static partial class Pages
    {
        private const int ProtectionReadWrite = 3;
        private const int MapPrivateAnonymous = 0x22;
        private const int MapLow = 0x40;
        private const uint MemCommitReserve = 0x3000;
        private const uint MemRelease = 0x8000;
        private const uint PageReadWrite = 4;
        private const uint PageNoAccess = 1;

        private static int Flags =>
            RuntimeInformation.ProcessArchitecture == Architecture.X64 ? MapPrivateAnonymous | MapLow : MapPrivateAnonymous;

        public static byte* Reserve(nuint bytes)
        {
            if (OperatingSystem.IsWindows())
            {
                byte* reserved = VirtualAlloc(null, bytes, MemCommitReserve, PageReadWrite);
                return reserved != null ? reserved : throw new Win32Exception();
            }

            byte* mapped = Map(null, bytes, ProtectionReadWrite, Flags, -1, 0);
            return (nint)mapped != -1 ? mapped : throw new Win32Exception();
        }

        public static void Forbid(byte* start, nuint bytes)
        {
            bool done = OperatingSystem.IsWindows() ? VirtualProtect(start, bytes, PageNoAccess, out _) : Protect(start, bytes, 0) == 0;
            if (!done) throw new Win32Exception();
        }

        public static void Free(byte* start, nuint bytes)
        {
            bool done = OperatingSystem.IsWindows() ? VirtualFree(start, 0, MemRelease) : Unmap(start, bytes) == 0;
            if (!done) throw new Win32Exception();
        }

        [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
        private static partial byte* Map(byte* address, nuint bytes, int protection, int flags, int file, nint offset);

        [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
        private static partial int Protect(byte* address, nuint bytes, int protection);

        [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
        private static partial int Unmap(byte* address, nuint bytes);

        [LibraryImport("kernel32", SetLastError = true)]
        private static partial byte* VirtualAlloc(byte* address, nuint bytes, uint type, uint protection);

        [LibraryImport("kernel32", SetLastError = true)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static partial bool VirtualProtect(byte* address, nuint bytes, uint protection, out uint old);

        [LibraryImport("kernel32", SetLastError = true)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static partial bool VirtualFree(byte* address, nuint bytes, uint type);
    }
}
