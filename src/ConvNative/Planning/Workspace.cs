using ConvNative.Memory;

namespace ConvNative.Planning;

/// <summary>Scratch memory of a plan: each run borrows a block of its own; blocks are kept for the next runs. Thread-safe.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly Lock _gate = new();
    private AlignedBuffer?[] _idle = new AlignedBuffer?[4];
    private bool _disposed;

    /// <summary>A block of at least so many bytes: an idle one that is large enough, else a new one. Null for none.</summary>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public AlignedBuffer? Borrow(long bytes)
    {
        if (bytes == 0) return null;
        lock (_gate)
        {
            for (int i = 0; i < _idle.Length; i++)
            {
                if (_idle[i] is not { } block) continue;
                _idle[i] = null;
                if (block.Bytes >= bytes) return block;
                block.Dispose();   // too small for a direction that runs now: its successor will do for both
            }
        }

        return AlignedBuffer.Allocate(bytes, zero: false);
    }

    /// <summary>Gives back what <see cref="Borrow"/> gave.</summary>
    public void Return(AlignedBuffer? block)
    {
        if (block is null) return;
        lock (_gate)
        {
            if (!_disposed)
            {
                int free = Array.IndexOf(_idle, null);
                if (free < 0)
                {
                    free = _idle.Length;
                    Array.Resize(ref _idle, 2 * free);
                }

                _idle[free] = block;
                return;
            }
        }

        block.Dispose();
    }

    /// <summary>Frees the idle blocks now, and borrowed ones when they come back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (AlignedBuffer? block in _idle) block?.Dispose();
            Array.Clear(_idle);
        }
    }
}
