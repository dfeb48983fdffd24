using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Tensors that borrow: slices of other tensors and pinned memory of callers.</summary>
internal sealed unsafe class TensorViewTests
{
    private static readonly TensorShape Shape = new(5, 2, 3, 4);

    [TestCase(0, 5)]
    [TestCase(1, 3)]
    [TestCase(4, 1)]
    public void A_slice_is_the_same_memory(int start, int count)
    {
        using var whole = new Tensor(Shape);
        for (int i = 0; i < whole.Length; i++) whole.Span[i] = i;
        long live = ConvNativeInfo.LiveBytes;
        using Tensor slice = whole.Slice(start, count);
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(live));
        Assert.That(slice.Shape, Is.EqualTo(Shape with { N = count }));
        Assert.That(slice.Span.SequenceEqual(whole.Span.Slice(start * 24, count * 24)));
        slice[count - 1, 1, 2, 3] = -1;
        Assert.That(whole[start + count - 1, 1, 2, 3], Is.EqualTo(-1));
    }

    [TestCase(-1, 1, "start")]
    [TestCase(5, 1, "start")]
    [TestCase(0, 0, "count")]
    [TestCase(0, 6, "count")]
    [TestCase(4, 2, "count")]
    [TestCase(2, int.MaxValue, "count")]
    public void A_slice_outside_is_refused(int start, int count, string name)
    {
        using var whole = new Tensor(Shape);
        Assert.That(
            () => whole.Slice(start, count),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(name).And.Message.Contains(Shape.ToString()));
    }

    [Test]
    public void A_slice_ends_with_its_parent_and_frees_nothing_itself()
    {
        using var whole = new Tensor(Shape);
        Tensor first = whole.Slice(0, 3), second = whole.Slice(1, 4), inner = first.Slice(1, 2);
        first.Dispose();
        first.Dispose();
        AssertEnded(first);
        AssertEnded(inner);
        second[0, 0, 0, 0] = 7;
        Assert.That(whole[1, 0, 0, 0], Is.EqualTo(7));
        whole.Dispose();
        AssertEnded(second);
        second.Dispose();

        static void AssertEnded(Tensor tensor)
        {
            Assert.That(() => tensor.Pointer, Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => tensor.Span.Length, Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => tensor[0, 0, 0, 0], Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => tensor.Slice(0, 1), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => tensor.Acquire(), Throws.TypeOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void A_run_on_a_slice_keeps_the_memory_though_the_parent_is_disposed()
    {
        var whole = new Tensor(Shape);
        Tensor slice = whole.Slice(1, 2);
        long live = ConvNativeInfo.LiveBytes;
        float* data = slice.Acquire();
        whole.Dispose();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(live));
        data[0] = 1;
        slice.Release();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(live - (Shape.Length * sizeof(float))));
    }

    [Test]
    public void A_slice_keeps_a_forgotten_parent()
    {
        Tensor slice = OfForgotten();
        Collect();
        Assert.That(slice[0, 0, 0, 0], Is.EqualTo(3));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Tensor OfForgotten() => Tensors.Filled(Shape, 3).Slice(2, 2);
    }

    [Test]
    public void A_batch_in_parts_gives_the_same_bits()
    {
        var whole = new ConvProblem(new TensorShape(4, 3, 9, 8), outputChannels: 5, kernelH: 3, kernelW: 3) { Padding = Padding.All(1) };
        var half = new ConvProblem(whole.Input with { N = 2 }, outputChannels: 5, kernelH: 3, kernelW: 3) { Padding = Padding.All(1) };
        var options = new Conv2dOptions { Algorithm = ConvAlgorithm.Reference };
        using Conv2d all = new(whole, options), part = new(half, options);
        using Tensor x = Tensors.Random(whole.Input, 1), w = Tensors.Random(whole.Weights, 2), expected = new(whole.Output), y = new(whole.Output);
        all.Forward(x, w, null, expected);
        for (int n = 0; n < 4; n += 2)
        {
            using Tensor images = x.Slice(n, 2), results = y.Slice(n, 2);
            part.Forward(images, w, null, results);
        }

        Assert.That(y.Span.SequenceEqual(expected.Span));
        using Tensor overlapping = x.Slice(0, 2);
        Assert.That(() => part.Forward(overlapping, w, null, Tensor.Wrap(x.Pointer + 1, half.Output)), Throws.ArgumentException.With.Message.Contains("overlaps"));
    }

    [Test]
    public void Memory_is_pinned_until_the_tensor_is_disposed_and_no_run_uses_it()
    {
        using var owner = new CountingMemory(6);
        Tensor tensor = Tensor.Wrap(owner.Memory, new TensorShape(1, 1, 2, 3));
        tensor[0, 0, 1, 2] = 5;
        Assert.That(owner.Memory.Span[5], Is.EqualTo(5));
        Assert.That(owner.Pins, Is.EqualTo(1));
        float* data = tensor.Acquire();
        tensor.Dispose();
        tensor.Dispose();
        Assert.That(owner.Pins, Is.EqualTo(1));
        tensor.Release();
        Assert.That(owner.Pins, Is.Zero);
        Assert.That(() => tensor.Span.Length, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void An_array_stays_in_its_place()
    {
        float[] values = new float[6];
        using Tensor tensor = Tensor.Wrap(values, new TensorShape(1, 2, 1, 3));
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        tensor[0, 1, 0, 2] = 8;
        Assert.That(values[5], Is.EqualTo(8));
        Assert.That((nint)tensor.Pointer, Is.EqualTo((nint)Unsafe.AsPointer(ref values[0])));
    }

    [Test]
    public void Memory_of_another_size_is_refused_and_not_pinned()
    {
        using var owner = new CountingMemory(7);
        Assert.That(() => Tensor.Wrap(owner.Memory, new TensorShape(1, 1, 2, 3)), Throws.TypeOf<ConvShapeException>().With.Message.Contains("values has 7 elements"));
        Assert.That(() => Tensor.Wrap(owner.Memory, new TensorShape(1, 1, 0, 3)), Throws.TypeOf<ConvShapeException>());
        Assert.That(owner.Pins, Is.Zero);
    }

    [Test]
    public void Forgotten_memory_is_unpinned_by_the_garbage_collector()
    {
        using var owner = new CountingMemory(6);
        Forget(owner.Memory);
        Collect();
        Assert.That(owner.Pins, Is.Zero);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(Memory<float> memory) => _ = Tensor.Wrap(memory, new TensorShape(1, 1, 2, 3));
    }

    private static void Collect()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Native memory that counts how often it is pinned.</summary>
    private sealed class CountingMemory(int length) : MemoryManager<float>
    {
        private readonly float* _data = (float*)NativeMemory.AllocZeroed((nuint)length, sizeof(float));
        private int _pins;

        public int Pins => Volatile.Read(ref _pins);

        public override Span<float> GetSpan() => new(_data, length);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Interlocked.Increment(ref _pins);
            return new MemoryHandle(_data + elementIndex, pinnable: this);
        }

        public override void Unpin() => Interlocked.Decrement(ref _pins);

        protected override void Dispose(bool disposing) => NativeMemory.Free(_data);
    }
}
