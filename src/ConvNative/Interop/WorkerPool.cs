using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace ConvNative.Interop;

/// <summary>The body of a parallel loop: a struct, so that a run allocates nothing.</summary>
internal interface IParallelTask
{
    /// <summary>Does item <paramref name="index"/>. No two running items share a worker number: it may index scratch memory.</summary>
    void Run(long index, int worker);
}

/// <summary>
/// The process's threads as one user sees them: they share out the items of a loop, and stop between two items when the user's token
/// says so. Safe to use from several threads at once. Denormal numbers count as zero while an item runs; every thread's own
/// floating-point state is restored after.
/// </summary>
internal readonly unsafe struct WorkerPool
{
    private readonly PoolHandle _handle;
    private readonly CancellationToken _cancellation;

    private WorkerPool(PoolHandle handle, CancellationToken cancellation) => (_handle, _cancellation) = (handle, cancellation);

    /// <summary>Workers in all, the calling thread included.</summary>
    public int Threads => _handle.Threads;

    /// <summary>How far apart the threads run.</summary>
    public CoreDistance Distance => _handle.Distance;

    /// <summary>Whether the threads have ended.</summary>
    public bool IsClosed => _handle.IsClosed;

    /// <summary>
    /// The process's pool, with at least so many threads: created on first use, replaced by a larger one when asked for
    /// more. The caller's reference keeps it usable until <see cref="Return"/>.
    /// </summary>
    public static WorkerPool Rent(int threads) => new(PoolHandle.Rent(threads), CancellationToken.None);

    /// <summary>Ends the shared pool's threads as soon as nobody uses them; the next <see cref="Rent"/> makes new ones.</summary>
    public static void ReleaseShared() => PoolHandle.ReleaseShared();

    /// <summary>Gives back what <see cref="Rent"/> gave; nothing to do for a default value.</summary>
    public void Return() => _handle?.DangerousRelease();

    /// <summary>Keeps the threads until the lease is disposed, whoever returns the pool meanwhile.</summary>
    public Lease Hold() => new(_handle);

    /// <summary>The same threads; loops end early with an <see cref="OperationCanceledException"/> once the token is cancelled.</summary>
    public WorkerPool Until(CancellationToken cancellation) => new(_handle, cancellation);

    /// <summary>Measures how far apart the threads run, if that is a while ago, whatever the token says: a run that is complete does not end with an exception.</summary>
    public void WatchDistance() => Distance.Watch(Until(CancellationToken.None));

    /// <summary>
    /// <c>for (long index = 0; index &lt; count; index++) task.Run(index, worker);</c> shared among at most maxWorkers
    /// threads, worker in [0, maxWorkers). The first exception ends the loop and is thrown here.
    /// </summary>
    public void For<TTask>(int maxWorkers, long count, ref TTask task)
        where TTask : struct, IParallelTask
    {
        // The job lives on this thread's stack until the loop has ended, so raw pointers into it are safe.
        Job job = default;
        job.Invoke = &Invoke<TTask>;
        job.Task = Unsafe.AsPointer(ref task);
        job.Cancellation = _cancellation;
        int failed = maxWorkers <= 1 || count <= 1
            ? RunInline(ref job, count)
            : NativeHelper.PoolRun(_handle.Pool, maxWorkers, count, &RunItem, Unsafe.AsPointer(ref job), NativeHelper.RunFlushDenormals);
        if (failed != 0) ExceptionDispatchInfo.Throw(job.Error!);
    }

    private static int RunInline(ref Job job, long count)
    {
        int failed = 0;
        uint state = NativeHelper.FlushDenormals();
        for (long index = 0; index < count && failed == 0; index++) failed = Attempt(ref job, index, 0);

        // An exception is thrown on only after this: Windows resumes with the floating-point state of the place that threw, after any finally.
        NativeHelper.RestoreFloatingPoint(state);
        return failed;
    }

    private static void Invoke<TTask>(void* task, long index, int worker)
        where TTask : struct, IParallelTask => Unsafe.AsRef<TTask>(task).Run(index, worker);

    [UnmanagedCallersOnly]
    private static int RunItem(void* context, long index, int worker) => Attempt(ref Unsafe.AsRef<Job>(context), index, worker);

    // No exception may cross native frames: it is kept in the job, and the non-zero result ends the loop.
    private static int Attempt(ref Job job, long index, int worker)
    {
        try
        {
            job.Cancellation.ThrowIfCancellationRequested();
            job.Invoke(job.Task, index, worker);
            return 0;
        }
#pragma warning disable CA1031 // Whatever it is, the caller of For gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            job.Error ??= e;
            return 1;
        }
    }

    /// <summary>A reference for the time of a run.</summary>
    internal readonly ref struct Lease
    {
        private readonly PoolHandle _handle;

        public Lease(PoolHandle handle)
        {
            bool added = false;
            handle.DangerousAddRef(ref added);
            _handle = handle;
        }

        public void Dispose() => _handle.DangerousRelease();
    }

    private struct Job
    {
        public delegate*<void*, long, int, void> Invoke;
        public void* Task;
        public CancellationToken Cancellation;
        public Exception? Error;
    }
}
