using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Memory;
using ConvNative.Planning;
using ConvNative.Simd;

namespace ConvNative;

/// <summary>How the columns of a column matrix are ordered, the last index fastest.</summary>
public enum ColumnOrder
{
    /// <summary>(oh, ow, n): the article's order, as its numpy functions lay it out.</summary>
    BatchInnermost,

    /// <summary>(n, oh, ow): one image after the other.</summary>
    ImageMajor,
}

/// <summary>
/// im2col and col2im: a convolution as a matrix product, Y = W_col · im2col(X) with W_col = W as OC × (IC·KH·KW). The functions
/// of the article "Convnet: Implementing Convolution Layer with Numpy", for any stride, dilation and padding. A problem's output
/// channels play no part. With groups the rows of all groups stand below each other: group g has rows
/// [g·IC/G·KH·KW, (g+1)·IC/G·KH·KW). All functions run on the process's CPU budget of threads, give the same bits for any number of
/// them, and may be called from several threads at once as long as nobody writes the argument meanwhile.
/// </summary>
public static unsafe class Columns
{
    /// <summary>
    /// Element ((c, kh, kw), (n, oh, ow)) = x[n, c, oh·sh − pt + kh·dh, ow·sw − pl + kw·dw], or 0 where that lies in the padding.
    /// </summary>
    /// <param name="x">N×IC×IH×IW, as <see cref="ConvProblem.Input"/> says.</param>
    /// <param name="problem">Sizes, strides, dilations, padding.</param>
    /// <param name="order">Order of the columns.</param>
    /// <returns>A new tensor of shape (1, 1, IC·KH·KW, N·OH·OW) that the caller disposes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="x"/> or <paramref name="problem"/> is null.</exception>
    /// <exception cref="ConvShapeException">
    /// <paramref name="x"/> has another shape than the problem's input, the kernel is larger than the padded image, or the padded image or a
    /// side of the matrix does not fit 31 bits.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="order"/> is no value of its enumeration.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="x"/> is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public static Tensor Im2Col(Tensor x, ConvProblem problem, ColumnOrder order = ColumnOrder.BatchInnermost) =>
        Im2Col(x, problem, order, IsaSelection.Current, NativeHelper.CpuBudget());

    /// <summary>
    /// The adjoint of <see cref="Im2Col(Tensor, ConvProblem, ColumnOrder)"/>: every element is added to the pixel that im2col takes it
    /// from; what came from the padding is dropped. A pixel's terms are added in the order of (kh, kw); denormal numbers count as zero.
    /// </summary>
    /// <param name="columns">(1, 1, IC·KH·KW, N·OH·OW).</param>
    /// <param name="problem">Sizes, strides, dilations, padding.</param>
    /// <param name="order">Order of the columns.</param>
    /// <returns>A new N×IC×IH×IW tensor that the caller disposes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="columns"/> or <paramref name="problem"/> is null.</exception>
    /// <exception cref="ConvShapeException">
    /// <paramref name="columns"/> has another shape than the problem's column matrix, the kernel is larger than the padded image, or the
    /// padded image or a side of the matrix does not fit 31 bits.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="order"/> is no value of its enumeration.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="columns"/> is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public static Tensor Col2Im(Tensor columns, ConvProblem problem, ColumnOrder order = ColumnOrder.BatchInnermost) =>
        Col2Im(columns, problem, order, IsaSelection.Current, NativeHelper.CpuBudget());

    internal static Tensor Im2Col(Tensor x, ConvProblem problem, ColumnOrder order, Isa isa, int threads)
    {
        ConvSizes sizes = Check(x, problem, order, nameof(x));
        ThrowUnlessShaped(x, problem.Input, "the problem's input", nameof(x));
        return Run(x, ProblemSizes.ColumnMatrix(sizes), sizes, order, isa, threads, toColumns: true);
    }

    internal static Tensor Col2Im(Tensor columns, ConvProblem problem, ColumnOrder order, Isa isa, int threads)
    {
        ConvSizes sizes = Check(columns, problem, order, nameof(columns));
        ThrowUnlessShaped(columns, ProblemSizes.ColumnMatrix(sizes), "(1, 1, IC·KH·KW, N·OH·OW)", nameof(columns));
        return Run(columns, problem.Input, sizes, order, isa, threads, toColumns: false);
    }

    private static ConvSizes Check(Tensor tensor, ConvProblem problem, ColumnOrder order, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        ArgumentNullException.ThrowIfNull(problem);
        if (!Enum.IsDefined(order))
            throw new ArgumentOutOfRangeException(nameof(order), order, "The order must be BatchInnermost or ImageMajor.");
        return ProblemSizes.Of(problem);
    }

    private static void ThrowUnlessShaped(Tensor tensor, TensorShape shape, string what, string name)
    {
        if (tensor.Shape != shape)
            throw new ConvShapeException($"{name} has shape {tensor.Shape}; it must have {shape}, {what}.", name);
    }

    /// <summary>A new tensor made from <paramref name="source"/>: columns from an image batch, or the other way round.</summary>
    private static Tensor Run(Tensor source, TensorShape target, in ConvSizes sizes, ColumnOrder order, Isa isa, int threads, bool toColumns)
    {
        float* from = source.Acquire();
        Tensor? result = null;
        try
        {
            result = new Tensor(target);
            float* image = toColumns ? from : result.Pointer;
            float* columns = toColumns ? result.Pointer : from;
            // The orders differ only where there is more than one image.
            if (order == ColumnOrder.ImageMajor || sizes.N == 1)
                RunPerPlane(sizes, isa, threads, toColumns, image, columns);
            else
                RunPerChannel(sizes, isa, threads, toColumns, image, columns);
            return result;
        }
        catch
        {
            result?.Dispose();
            throw;
        }
        finally
        {
            source.Release();
        }
    }

    private static void RunPerPlane(in ConvSizes sizes, Isa isa, int threads, bool toColumns, float* image, float* columns)
    {
        var task = new PlaneTask(sizes, isa, toColumns, image, columns);
        Share(threads, (long)sizes.N * sizes.IC, ref task);
    }

    private static void RunPerChannel(in ConvSizes sizes, Isa isa, int threads, bool toColumns, float* image, float* columns)
    {
        threads = Math.Min(threads, sizes.IC);
        using AlignedBuffer scratch = AlignedBuffer.Allocate(threads * ChannelTask.ScratchLength(sizes) * sizeof(float), zero: false);
        var task = new ChannelTask(sizes, isa, toColumns, image, columns, (float*)scratch.Pointer);
        Share(threads, sizes.IC, ref task);
    }

    private static void Share<TTask>(int threads, long count, ref TTask task)
        where TTask : struct, IParallelTask
    {
        WorkerPool pool = WorkerPool.Rent(threads);
        try
        {
            pool.For(threads, count, ref task);
        }
        finally
        {
            pool.Return();
        }
    }

    /// <summary>Item (n, c): one plane of one image, with its KH·KW rows and OH·OW columns.</summary>
    private readonly struct PlaneTask(ConvSizes sizes, Isa isa, bool toColumns, float* image, float* columns) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            (long n, long c) = Math.DivRem(index, sizes.IC);
            nint ld = (nint)sizes.N * sizes.OutputPixels;
            float* plane = image + (index * sizes.InputPixels);
            float* block = columns + (c * sizes.KH * sizes.KW * ld) + (n * sizes.OutputPixels);
            if (toColumns)
                Kernels.Im2Col.Tile(isa, sizes, plane, 1, 0, sizes.OutputPixels, block, ld);
            else
                Kernels.Col2Im.Tile(isa, sizes, block, ld, 1, 0, sizes.OutputPixels, plane);
        }
    }

    /// <summary>Item c: one channel of all images, with its KH·KW rows.</summary>
    private readonly struct ChannelTask(ConvSizes sizes, Isa isa, bool toColumns, float* image, float* columns, float* scratch)
        : IParallelTask
    {
        public static long ScratchLength(in ConvSizes sizes) => (long)sizes.N * sizes.InputPixels;

        public void Run(long index, int worker)
        {
            nint ld = (nint)sizes.N * sizes.OutputPixels;
            float* plane = image + (index * sizes.InputPixels);
            float* rows = columns + (index * sizes.KH * sizes.KW * ld);
            float* own = scratch + (worker * ScratchLength(sizes));
            if (toColumns)
                Kernels.Im2Col.BatchInnermost(isa, sizes, plane, own, rows, ld);
            else
                Kernels.Col2Im.BatchInnermost(isa, sizes, rows, ld, own, plane);
        }
    }
}
