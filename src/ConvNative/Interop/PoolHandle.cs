using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>Threads of the native helper. One such pool serves the whole process; whoever holds a reference keeps its threads.</summary>
internal sealed class PoolHandle : SafeHandle
{
    private static readonly Lock Gate = new();
    private static PoolHandle? s_shared;

    private PoolHandle(int threads)
        : base(0, ownsHandle: true)
    {
        Threads = threads;
        SetHandle(NativeHelper.PoolCreate(threads));
        if (IsInvalid) throw new InvalidOperationException($"A pool of {threads} threads could not be created; the system must allow {threads - 1} more threads.");
    }

    /// <summary>Workers in all, the calling thread included.</summary>
    public int Threads { get; }

    /// <summary>The helper's cn_pool; valid while a reference is held.</summary>
    public nint Pool => handle;

    /// <summary>How far apart its threads run.</summary>
    public CoreDistance Distance { get; } = new();

    public override bool IsInvalid => handle == 0;

    /// <summary>The shared pool, with one more reference and at least so many threads: a larger one takes the place of a smaller.</summary>
    public static PoolHandle Rent(int threads)
    {
        lock (Gate)
        {
            if (s_shared is null || s_shared.Threads < threads)
            {
                var larger = new PoolHandle(threads);
                s_shared?.Dispose();
                s_shared = larger;
            }

            bool added = false;
            s_shared.DangerousAddRef(ref added);
            return s_shared;
        }
    }

    /// <summary>Ends the shared pool's threads as soon as nobody holds a reference.</summary>
    public static void ReleaseShared()
    {
        lock (Gate)
        {
            s_shared?.Dispose();
            s_shared = null;
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeHelper.PoolDestroy(handle);
        return true;
    }
}
