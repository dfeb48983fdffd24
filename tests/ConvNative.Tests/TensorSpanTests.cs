using System.Numerics.Tensors;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>ConvNative.Tensors: the tensor spans of the base library, in and out.</summary>
internal sealed unsafe class TensorSpanTests
{
    private static readonly TensorShape Shape = new(2, 3, 4, 5);

    [Test]
    public void A_tensor_as_a_span_is_the_same_memory()
    {
        using Tensor tensor = Tensors.Random(Shape, 1);
        TensorSpan<float> span = tensor.AsTensorSpan();
        Assert.That(span.Lengths.ToArray(), Is.EqualTo(new nint[] { 2, 3, 4, 5 }));
        Assert.That(span.IsDense);
        Assert.That(tensor.AsReadOnlyTensorSpan()[1, 2, 3, 4], Is.EqualTo(tensor[1, 2, 3, 4]));
        span[1, 0, 2, 3] = 9;
        Assert.That(tensor[1, 0, 2, 3], Is.EqualTo(9));
        tensor.Dispose();
        Assert.That(() => tensor.AsTensorSpan().Rank, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.AsReadOnlyTensorSpan().Rank, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void A_span_over_native_memory_is_borrowed()
    {
        using Tensor owner = Tensors.Random(Shape, 2);
        using Tensor whole = Tensor.Wrap(owner.AsTensorSpan()), read = Tensor.Wrap(owner.AsReadOnlyTensorSpan());
        Assert.That((nint)whole.Pointer, Is.EqualTo((nint)owner.Pointer));
        Assert.That((nint)read.Pointer, Is.EqualTo((nint)owner.Pointer));
        Assert.That(whole.Shape, Is.EqualTo(Shape));

        // One image, and one image's middle channel: parts without gaps, which begin inside the memory.
        using Tensor image = Tensor.Wrap(owner.AsTensorSpan()[1..2, .., .., ..]), channel = Tensor.Wrap(owner.AsTensorSpan()[1..2, 1..2, .., ..]);
        Assert.That((nint)image.Pointer, Is.EqualTo((nint)(owner.Pointer + 60)));
        Assert.That((nint)channel.Pointer, Is.EqualTo((nint)(owner.Pointer + 80)));
        Assert.That(channel.Shape, Is.EqualTo(new TensorShape(1, 1, 4, 5)));
        channel.Dispose();
        Assert.That(owner[0, 0, 0, 0], Is.Not.NaN, "the memory is its owner's still");
    }

    [Test]
    public void Fewer_dimensions_get_leading_sizes_of_one()
    {
        using var owner = new Tensor(Shape);
        using Tensor bias = Tensor.Wrap(new TensorSpan<float>(owner.Pointer, 7, [7])), copy = Tensor.From(new ReadOnlyTensorSpan<float>([1, 2, 3, 4, 5, 6], [2, 3]));
        Assert.That(bias.Shape, Is.EqualTo(new TensorShape(1, 1, 1, 7)));
        Assert.That(copy.Shape, Is.EqualTo(new TensorShape(1, 1, 2, 3)));
        Assert.That(copy.Span.ToArray(), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
    }

    [Test]
    public void A_layout_that_cannot_be_borrowed_is_told_and_copied()
    {
        using Tensor owner = Tensors.Random(Shape, 3);
        AssertRefusedAndCopied(owner.AsTensorSpan()[.., .., .., 1..3], "lengths [2, 3, 4, 2] and strides [60, 20, 5, 1]; it must be row-major");
        AssertRefusedAndCopied(owner.AsTensorSpan()[.., 1..3, .., ..], "lengths [2, 2, 4, 5] and strides [60, 20, 5, 1]");
        AssertRefusedAndCopied(new TensorSpan<float>(owner.Pointer, 120, [2, 3, 4, 5], [60, 1, 15, 3]), "strides [60, 1, 15, 3]");   // NHWC
        AssertRefusedAndCopied(new TensorSpan<float>(owner.Pointer, 120, [2, 3, 4, 5], [0, 20, 5, 1]), "strides [0, 20, 5, 1]");   // one image twice
    }

    [Test]
    public void Managed_memory_is_refused_unless_pinned_and_copied()
    {
        float[] values = [.. Enumerable.Range(0, 120).Select(i => (float)i)];
        AssertRefusedAndCopied(new TensorSpan<float>(values, [2, 3, 4, 5]), "managed memory that may move; it must be native or pinned");
        float[] still = GC.AllocateArray<float>(120, pinned: true);
        fixed (float* p = still)
        {
            using Tensor tensor = Tensor.Wrap(new TensorSpan<float>(p, 120, [2, 3, 4, 5]));
            tensor[1, 2, 3, 4] = 6;
        }

        Assert.That(still[119], Is.EqualTo(6));
    }

    [Test]
    public void Other_ranks_and_empty_spans_are_refused()
    {
        Assert.That(() => Tensor.From(new ReadOnlyTensorSpan<float>(new float[32], [2, 2, 2, 2, 2])), Throws.ArgumentException.With.Message.Contains("values has 5 dimensions"));
        Assert.That(() => Tensor.Wrap(new TensorSpan<float>(new float[32], [2, 2, 2, 2, 2])), Throws.ArgumentException.With.Message.Contains("1 to 4"));
        Assert.That(() => Tensor.Wrap(ReadOnlyTensorSpan<float>.Empty), Throws.InstanceOf<ArgumentException>());
        using var owner = new Tensor(Shape);
        Assert.That(() => Tensor.From(owner.AsTensorSpan()[.., 1..1, .., ..]), Throws.TypeOf<ConvShapeException>().With.Message.Contains("[2, 0, 4, 5]"));
    }

    private static void AssertRefusedAndCopied(ReadOnlyTensorSpan<float> span, string message)
    {
        string? refusal = null;
        try
        {
            Tensor.Wrap(span).Dispose();
        }
        catch (ArgumentException e)
        {
            refusal = e.Message;
        }

        Assert.That(refusal, Does.Contain(message).And.Contain("Tensor.From"));
        using Tensor copy = Tensor.From(span);
        float[] expected = new float[span.FlattenedLength];
        span.FlattenTo(expected);
        Assert.That(copy.Span.ToArray(), Is.EqualTo(expected));
        Assert.That(copy.Shape, Is.EqualTo(new TensorShape((int)span.Lengths[0], (int)span.Lengths[1], (int)span.Lengths[2], (int)span.Lengths[3])));
    }
}
