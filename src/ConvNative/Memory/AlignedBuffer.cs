using System.Runtime.InteropServices;
using ConvNative.Interop;

namespace ConvNative.Memory;

/// <summary>A 64-byte-aligned block of unmanaged memory. The garbage collector is told of its size; freed once, whatever happens.</summary>
internal sealed unsafe class AlignedBuffer : SafeHandle
{
    public const int Alignment = 64;

    private static long s_liveBytes;

    private AlignedBuffer(long bytes)
        : base(0, ownsHandle: true) => Bytes = bytes;

    /// <summary>Bytes of all blocks that are not freed yet, in this process.</summary>
    public static long LiveBytes => Interlocked.Read(ref s_liveBytes);

    public long Bytes { get; }

    public override bool IsInvalid => handle == 0;

    public void* Pointer => (void*)handle;

    /// <summary>A block of at least one byte; zero-filled when asked for.</summary>
    /// <exception cref="OutOfMemoryException">The memory cannot be had; the message tells the size.</exception>
    public static AlignedBuffer Allocate(long bytes, bool zero)
    {
        bytes = Math.Max(bytes, 1);
        var buffer = new AlignedBuffer(bytes);
        void* p = NativeHelper.AlignedAlloc((ulong)bytes, Alignment, NativeHelper.AllocHuge | (zero ? NativeHelper.AllocZero : 0));
        if (p == null)
        {
            buffer.Dispose();
#pragma warning disable CA2201 // It is what a caller of a failed allocation expects.
            throw new OutOfMemoryException($"{bytes:N0} bytes of unmanaged memory could not be allocated.");
#pragma warning restore CA2201
        }

        buffer.SetHandle((nint)p);
        GC.AddMemoryPressure(bytes);
        Interlocked.Add(ref s_liveBytes, bytes);
        return buffer;
    }

    protected override bool ReleaseHandle()
    {
        NativeHelper.AlignedFree((void*)handle, (ulong)Bytes);
        GC.RemoveMemoryPressure(Bytes);
        Interlocked.Add(ref s_liveBytes, -Bytes);
        return true;
    }
}
