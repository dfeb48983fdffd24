using System.Numerics.Tensors;

namespace ConvNative;

/// <summary>
/// Between <see cref="Tensor"/> and the tensor spans of System.Numerics.Tensors. A span has up to four dimensions; a tensor made of one with
/// fewer has leading sizes of 1.
/// </summary>
public static unsafe class TensorSpanExtensions
{
    private const int Rank = 4;

    extension(Tensor tensor)
    {
        /// <summary>The tensor's memory as a span of lengths N, C, H, W; valid until the tensor is disposed.</summary>
        /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
        public TensorSpan<float> AsTensorSpan() => new(tensor.Pointer, (nint)tensor.Length, Lengths(tensor.Shape, stackalloc nint[Rank]));

        /// <summary>The tensor's memory as a span of lengths N, C, H, W that cannot be written; valid until the tensor is disposed.</summary>
        /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
        public ReadOnlyTensorSpan<float> AsReadOnlyTensorSpan() => new(tensor.Pointer, (nint)tensor.Length, Lengths(tensor.Shape, stackalloc nint[Rank]));

        /// <summary>
        /// A tensor over the span's memory, which the caller owns and keeps valid until the tensor is disposed. Nothing is copied, so that
        /// the span must be row-major without gaps, over native or pinned memory.
        /// </summary>
        /// <param name="values">What to borrow.</param>
        /// <exception cref="ArgumentException">The layout is another, or the memory may move; the message tells what it was.</exception>
        /// <exception cref="ConvShapeException">A size is 0 or does not fit an int.</exception>
        public static Tensor Wrap(TensorSpan<float> values) => Borrow(values, nameof(values));

        /// <summary>
        /// A tensor over the span's memory for reading: as the input of a run, not as its output, and not to be written through its elements.
        /// Otherwise as <see cref="Wrap(TensorSpan{float})"/>.
        /// </summary>
        /// <param name="values">What to borrow.</param>
        /// <exception cref="ArgumentException">The layout is another, or the memory may move; the message tells what it was.</exception>
        /// <exception cref="ConvShapeException">A size is 0 or does not fit an int.</exception>
        public static Tensor Wrap(ReadOnlyTensorSpan<float> values) => Borrow(values, nameof(values));

        /// <summary>A tensor that owns a copy of the values, whatever their layout and wherever they lie.</summary>
        /// <param name="values">What to copy.</param>
        /// <exception cref="ArgumentException">It has more than four dimensions, or none.</exception>
        /// <exception cref="ConvShapeException">A size is 0 or does not fit an int.</exception>
        public static Tensor From(ReadOnlyTensorSpan<float> values)
        {
            var copy = new Tensor(ShapeOf(values, nameof(values)));
            values.CopyTo(new TensorSpan<float>(copy.Pointer, (nint)copy.Length, values.Lengths));
            return copy;
        }
    }

    private static Tensor Borrow(ReadOnlyTensorSpan<float> values, string name)
    {
        TensorShape shape = ShapeOf(values, name);
        if (!IsRowMajor(values))
            throw new ArgumentException($"{name} has {Layout(values)}; it must be row-major without gaps. Tensor.From copies any layout.", name);
        if (!values.IsPinned)
        {
            throw new ArgumentException(
                $"{name} has {Layout(values)} in managed memory that may move; it must be native or pinned. " +
                "Tensor.Wrap pins a Memory<float>; Tensor.From copies.", name);
        }

        fixed (float* data = &values.GetPinnableReference()) return Tensor.Wrap(data, shape);
    }

    /// <summary>Whether each element follows the one before it, the last index fastest. Along a dimension of length 1 nobody steps.</summary>
    private static bool IsRowMajor(in ReadOnlyTensorSpan<float> values)
    {
        nint step = 1;
        for (int i = values.Rank - 1; i >= 0; i--)
        {
            if (values.Lengths[i] > 1 && values.Strides[i] != step) return false;
            step *= values.Lengths[i];
        }

        return true;
    }

    private static TensorShape ShapeOf(in ReadOnlyTensorSpan<float> values, string name)
    {
        if (values.Rank is < 1 or > Rank)
            throw new ArgumentException($"{name} has {values.Rank} dimensions; it must have 1 to {Rank}.", name);
        Span<int> sizes = [1, 1, 1, 1];
        for (int i = 0; i < values.Rank; i++)
        {
            nint length = values.Lengths[i];
            if (length is < 1 or > int.MaxValue)
                throw new ConvShapeException($"{name} has lengths {Text(values.Lengths)}; each must be in [1, {int.MaxValue}].", name);
            sizes[Rank - values.Rank + i] = (int)length;
        }

        return new TensorShape(sizes[0], sizes[1], sizes[2], sizes[3]);
    }

    private static Span<nint> Lengths(TensorShape shape, Span<nint> lengths)
    {
        (lengths[0], lengths[1], lengths[2], lengths[3]) = (shape.N, shape.C, shape.H, shape.W);
        return lengths;
    }

    private static string Layout(in ReadOnlyTensorSpan<float> values) => $"lengths {Text(values.Lengths)} and strides {Text(values.Strides)}";

    private static string Text(ReadOnlySpan<nint> values) => $"[{string.Join(", ", values.ToArray())}]";
}
