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
/// Threads of the native helper that share out the items of a loop. Safe to use from several threads at once. Denormal
/// numbers count as zero while an item runs; every thread's own floating-point state is restored after.
/// </summary>
internal sealed unsafe class WorkerPool : SafeHandle
{
    private static readonly Lock Gate = new();
    private static WorkerPool? s_shared;

    private WorkerPool(int threads)
        : base(0, ownsHandle: true)
    {
        Threads = threads;
        SetHandle(NativeHelper.PoolCreate(threads));
        if (IsInvalid) throw new InvalidOperationException($"A pool of {threads} threads could not be created; the system must allow {threads - 1} more threads.");
    }

    /// <summary>Workers in all, the calling thread included.</summary>
    public int Threads { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// The process's pool, with at least so many threads: created on first use, replaced by a larger one when asked for
    /// more. The caller's reference keeps it usable until <see cref="Return"/>.
    /// </summary>
    public static WorkerPool Rent(int threads)
    {
        lock (Gate)
        {
            if (s_shared is null || s_shared.Threads < threads)
            {
                var larger = new WorkerPool(threads);
                s_shared?.Dispose();
                s_shared = larger;
            }

            bool added = false;
            s_shared.DangerousAddRef(ref added);
            return s_shared;
        }
    }

    /// <summary>Gives back what <see cref="Rent"/> gave.</summary>
    public void Return() => DangerousRelease();

    /// <summary>Keeps the threads until the lease is disposed, whoever returns the pool meanwhile.</summary>
    public Lease Hold() => new(this);

    /// <summary>Ends the shared pool's threads as soon as nobody uses them; the next <see cref="Rent"/> makes new ones.</summary>
    public static void ReleaseShared()
    {
        lock (Gate)
        {
            s_shared?.Dispose();
            s_shared = null;
        }
    }

    /// <summary>
    /// <c>for (long index = 0; index &lt; count; index++) task.Run(index, worker);</c> shared among at most maxWorkers
    /// threads, worker in [0, maxWorkers). The first exception ends the loop and is thrown here.
    /// </summary>
    public void For<TTask>(int maxWorkers, long count, ref TTask task)
        where TTask : struct, IParallelTask
    {
        if (maxWorkers <= 1 || count <= 1)
        {
            RunInline(count, ref task);
            return;
        }

        // The job lives on this thread's stack for as long as the native call runs, so raw pointers into it are safe.
        Job job = default;
        job.Invoke = &Invoke<TTask>;
        job.Task = Unsafe.AsPointer(ref task);
        int failed = NativeHelper.PoolRun(handle, maxWorkers, count, &RunItem, Unsafe.AsPointer(ref job), NativeHelper.RunFlushDenormals);
        if (failed != 0) ExceptionDispatchInfo.Throw(job.Error!);
    }

    protected override bool ReleaseHandle()
    {
        NativeHelper.PoolDestroy(handle);
        return true;
    }

    private static void RunInline<TTask>(long count, ref TTask task)
        where TTask : struct, IParallelTask
    {
        uint state = NativeHelper.FlushDenormals();
        try
        {
            for (long index = 0; index < count; index++) task.Run(index, 0);
        }
        finally
        {
            NativeHelper.RestoreFloatingPoint(state);
        }
    }

    private static void Invoke<TTask>(void* task, long index, int worker)
        where TTask : struct, IParallelTask => Unsafe.AsRef<TTask>(task).Run(index, worker);

    // No exception may cross native frames: it is kept in the job, and the non-zero result ends the loop.
    [UnmanagedCallersOnly]
    private static int RunItem(void* context, long index, int worker)
    {
        ref Job job = ref Unsafe.AsRef<Job>(context);
        try
        {
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
        private readonly WorkerPool _pool;

        public Lease(WorkerPool pool)
        {
            bool added = false;
            pool.DangerousAddRef(ref added);
            _pool = pool;
        }

        public void Dispose() => _pool.DangerousRelease();
    }

    private struct Job
    {
        public delegate*<void*, long, int, void> Invoke;
        public void* Task;
        public Exception? Error;
    }
}
