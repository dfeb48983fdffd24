using ConvNative.Interop;

namespace ConvNative.Tests.Support;

/// <summary>The shared pool, whose threads count as near or far apart until this is disposed; then there is another one.</summary>
internal sealed class PretendedDistance : IDisposable
{
    public PretendedDistance(bool isFar, int threads)
    {
        Pool = WorkerPool.Rent(threads);
        Pool.Distance.Pretend(isFar);
    }

    public WorkerPool Pool { get; }

    public void Dispose()
    {
        Pool.Return();
        WorkerPool.ReleaseShared();
    }
}
