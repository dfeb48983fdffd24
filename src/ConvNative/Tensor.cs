using System.Runtime.InteropServices;
using ConvNative.Memory;

namespace ConvNative;

/// <summary>
/// A 4-D float32 tensor in NCHW order, w fastest. Owns its memory (unmanaged, 64-byte aligned) unless it borrows: from a caller
/// (<see cref="Wrap(float*, TensorShape)"/>, <see cref="Wrap(Memory{float}, TensorShape)"/>) or from another tensor (<see cref="Slice"/>).
/// Reading and writing elements is not synchronised; a run that uses the tensor keeps its memory alive even if another thread disposes
/// it meanwhile. Any use after <see cref="Dispose"/> throws <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    private readonly SafeHandle? _memory;   // what is freed or unpinned in the end; null: all of it is somebody else's
    private readonly Tensor? _parent;       // whose memory a view borrows
    private readonly float* _data;
    private volatile bool _disposed;

    /// <summary>A zero-filled tensor that owns its memory.</summary>
    /// <param name="shape">Sizes, each at least 1.</param>
    /// <exception cref="ConvShapeException">A size is below 1, or the bytes do not fit 63 bits.</exception>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public Tensor(TensorShape shape)
        : this(shape, AlignedBuffer.Allocate(CheckedLength(shape) * sizeof(float), zero: true))
    {
    }

    /// <summary>A zero-filled tensor of shape n×c×h×w that owns its memory.</summary>
    /// <exception cref="ConvShapeException">A size is below 1, or the bytes do not fit 63 bits.</exception>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public Tensor(int n, int c, int h, int w)
        : this(new TensorShape(n, c, h, w))
    {
    }

    private Tensor(TensorShape shape, AlignedBuffer buffer)
        : this(shape, (float*)buffer.Pointer, memory: buffer)
    {
    }

    private Tensor(TensorShape shape, float* data, Tensor? parent = null, SafeHandle? memory = null)
    {
        Shape = shape;
        Length = shape.Length;
        _data = data;
        _parent = parent;
        _memory = memory;
    }

    /// <summary>Sizes.</summary>
    public TensorShape Shape { get; }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>All elements in memory order; valid until the tensor is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    /// <exception cref="InvalidOperationException">More elements than a span can hold; use <see cref="Pointer"/>.</exception>
    public Span<float> Span => Length <= int.MaxValue
        ? new Span<float>(Pointer, (int)Length)
        : throw new InvalidOperationException($"The tensor has {Length} elements; a span holds at most {int.MaxValue}. Use Pointer.");

    /// <summary>The first element; valid until the tensor is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public float* Pointer
    {
        get
        {
            ThrowIfDisposed();
            return _data;
        }
    }

    /// <summary>One element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the shape.</exception>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public float this[int n, int c, int h, int w]
    {
        get => Pointer[Offset(n, c, h, w)];
        set => Pointer[Offset(n, c, h, w)] = value;
    }

    /// <summary>A tensor that owns a copy of the values.</summary>
    /// <param name="values">All elements in NCHW order.</param>
    /// <param name="shape">Sizes, each at least 1.</param>
    /// <exception cref="ConvShapeException">The number of values is not that of the shape.</exception>
    public static Tensor From(ReadOnlySpan<float> values, TensorShape shape)
    {
        CheckCount(values.Length, shape, nameof(values));
        var tensor = new Tensor(shape, AlignedBuffer.Allocate(shape.Length * sizeof(float), zero: false));
        values.CopyTo(tensor.Span);
        return tensor;
    }

    /// <summary>
    /// A tensor over memory that the caller owns and keeps valid until the tensor is disposed. No alignment is needed beyond that of float.
    /// </summary>
    /// <param name="data">N·C·H·W floats in NCHW order.</param>
    /// <param name="shape">Sizes, each at least 1.</param>
    /// <exception cref="ArgumentNullException"><paramref name="data"/> is null.</exception>
    public static Tensor Wrap(float* data, TensorShape shape)
    {
        if (data == null) throw new ArgumentNullException(nameof(data));
        CheckAlignment(data, nameof(data));
        CheckedLength(shape);
        return new Tensor(shape, data);
    }

    /// <summary>
    /// A tensor over an array or other memory of the caller's, which is pinned until the tensor is disposed. Nothing is copied: what a run
    /// writes stands in the caller's memory.
    /// </summary>
    /// <param name="values">All elements in NCHW order.</param>
    /// <param name="shape">Sizes, each at least 1.</param>
    /// <exception cref="ConvShapeException">The number of values is not that of the shape.</exception>
    public static Tensor Wrap(Memory<float> values, TensorShape shape)
    {
        CheckCount(values.Length, shape, nameof(values));
        var pin = new PinnedMemory(values);
        try
        {
            CheckAlignment(pin.Pointer, nameof(values));
            return new Tensor(shape, pin.Pointer, memory: pin);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Images <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> − 1 as a tensor that borrows this one's memory: nothing
    /// is copied, and a change of one is seen in the other. Usable until either is disposed; disposing a view frees nothing.
    /// </summary>
    /// <param name="start">The first image.</param>
    /// <param name="count">Images, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The images are not all inside this tensor.</exception>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public Tensor Slice(int start, int count)
    {
        ThrowIfDisposed();
        if (start < 0 || start >= Shape.N)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"start must be in [0, {Shape.N}) for shape {Shape}.");
        if (count < 1 || count > Shape.N - start)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"count must be in [1, {Shape.N - start}] from image {start} on, for shape {Shape}.");
        return new Tensor(Shape with { N = count }, _data + (start * (Length / Shape.N)), parent: this);
    }

    /// <summary>
    /// Reads a file that numpy wrote: format versions 1 to 3, float32 or float64 (rounded to float32), C order, up to four
    /// dimensions (leading sizes of 1 are added).
    /// </summary>
    /// <exception cref="InvalidDataException">The file is broken or holds something else; the message tells what.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder's, or may not be read.</exception>
    public static Tensor LoadNpy(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Tensor? tensor = null;
        try
        {
            Npy.Load(path, shape => (nint)(tensor = new Tensor(shape)).Pointer);
            return tensor!;
        }
        catch
        {
            tensor?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes a float32 file of four dimensions that numpy reads. Written beside the target first and moved into place, so that
    /// a failure leaves an existing file as it was.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder's, or may not be written.</exception>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public void SaveNpy(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        float* data = Acquire();
        try
        {
            Npy.Save(path, data, Shape);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Frees the memory if the tensor owns it, unpins what it pinned, ends its views; a second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        _memory?.Dispose();
    }

    /// <summary>The first element, kept alive until <see cref="Release"/> whatever other threads do.</summary>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    internal float* Acquire()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool added = false;
        _parent?.Acquire();
        _memory?.DangerousAddRef(ref added);
        return _data;
    }

    /// <summary>Ends what <see cref="Acquire"/> began.</summary>
    internal void Release()
    {
        _memory?.DangerousRelease();
        _parent?.Release();
    }

    private void ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _parent?.ThrowIfDisposed();
    }

    private static void CheckCount(int count, TensorShape shape, string name)
    {
        if (CheckedLength(shape) != count) throw new ConvShapeException($"{name} has {count} elements; shape {shape} needs {shape.Length}.", name);
    }

    private static void CheckAlignment(float* data, string name)
    {
        if ((nuint)data % sizeof(float) != 0)
            throw new ArgumentException($"{name} is at address 0x{(nuint)data:x}; it must be a multiple of {sizeof(float)}.", name);
    }

    private static long CheckedLength(TensorShape shape)
    {
        if (shape.N < 1 || shape.C < 1 || shape.H < 1 || shape.W < 1)
            throw new ConvShapeException($"Tensor shape {shape} has a size below 1; N, C, H and W must be at least 1.", nameof(shape));
        return shape.Length <= long.MaxValue / sizeof(float)
            ? shape.Length
            : throw new ConvShapeException($"Tensor shape {shape} is too large: its bytes must fit 63 bits.", nameof(shape));
    }

    private long Offset(int n, int c, int h, int w)
    {
        if ((uint)n >= (uint)Shape.N) throw OutOfRange(nameof(n), n, Shape.N);
        if ((uint)c >= (uint)Shape.C) throw OutOfRange(nameof(c), c, Shape.C);
        if ((uint)h >= (uint)Shape.H) throw OutOfRange(nameof(h), h, Shape.H);
        if ((uint)w >= (uint)Shape.W) throw OutOfRange(nameof(w), w, Shape.W);
        return ((((((long)n * Shape.C) + c) * Shape.H) + h) * Shape.W) + w;
    }

    private ArgumentOutOfRangeException OutOfRange(string name, int value, int size) =>
        new(name, value, $"The index must be in [0, {size}) for shape {Shape}.");
}
