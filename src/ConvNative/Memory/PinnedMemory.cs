using System.Buffers;
using System.Runtime.InteropServices;

namespace ConvNative.Memory;

/// <summary>Memory of the caller's, held in its place until this is disposed and no run uses it, or the garbage collector finds it forgotten.</summary>
internal sealed unsafe class PinnedMemory : SafeHandle
{
    private MemoryHandle _pin;

    public PinnedMemory(Memory<float> values)
        : base(0, ownsHandle: true)
    {
        _pin = values.Pin();
        SetHandle((nint)_pin.Pointer);
    }

    public override bool IsInvalid => handle == 0;

    public float* Pointer => (float*)handle;

    protected override bool ReleaseHandle()
    {
        _pin.Dispose();
        return true;
    }
}
