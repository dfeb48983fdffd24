using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

internal sealed unsafe class TensorTests
{
    private static readonly TensorShape Shape = new(2, 3, 4, 5);

    [Test]
    public void A_new_tensor_is_zero_and_aligned([Values(1, 3, 1000, 1 << 20)] int width)
    {
        for (int i = 0; i < 3; i++)   // memory that was used before is zeroed as well
        {
            using var tensor = new Tensor(1, 1, 1, width);
            Assert.That((long)tensor.Pointer % 64, Is.Zero);
            Assert.That(tensor.Span.IndexOfAnyExcept(0f), Is.EqualTo(-1));
            tensor.Span.Fill(float.NaN);
        }
    }

    [Test]
    public void Elements_lie_in_NCHW_order()
    {
        using var tensor = new Tensor(Shape);
        Assert.That(tensor.Length, Is.EqualTo(120));
        for (int i = 0; i < 120; i++) tensor.Span[i] = i;
        Assert.That(tensor[0, 0, 0, 1], Is.EqualTo(1));
        Assert.That(tensor[0, 0, 1, 0], Is.EqualTo(5));
        Assert.That(tensor[0, 1, 0, 0], Is.EqualTo(20));
        Assert.That(tensor[1, 0, 0, 0], Is.EqualTo(60));
        tensor[1, 2, 3, 4] = -7;
        Assert.That(tensor.Pointer[119], Is.EqualTo(-7));
    }

    [TestCase(2, 0, 0, 0, "n")]
    [TestCase(-1, 0, 0, 0, "n")]
    [TestCase(0, 3, 0, 0, "c")]
    [TestCase(0, int.MinValue, 0, 0, "c")]
    [TestCase(0, 0, 4, 0, "h")]
    [TestCase(0, 0, -1, 0, "h")]
    [TestCase(0, 0, 0, 5, "w")]
    [TestCase(0, 0, 0, -1, "w")]
    public void Indices_are_checked(int n, int c, int h, int w, string name)
    {
        using var tensor = new Tensor(Shape);
        Assert.That(() => tensor[n, c, h, w], Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(name));
        Assert.That(() => tensor[n, c, h, w] = 1, Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(name));
        Assert.That(tensor.Span.IndexOfAnyExcept(0f), Is.EqualTo(-1));
    }

    [TestCase(0, 1, 1, 1)]
    [TestCase(1, -3, 1, 1)]
    [TestCase(1, 1, 0, 1)]
    [TestCase(1, 1, 1, int.MinValue)]
    [TestCase(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue)]
    [TestCase(int.MaxValue, int.MaxValue, 2, 1)]
    public void Impossible_shapes_are_refused(int n, int c, int h, int w)
    {
        var shape = new TensorShape(n, c, h, w);
        float value = 0;
        Assert.That(() => new Tensor(shape), Throws.TypeOf<ConvShapeException>());
        Assert.That(() => Tensor.From([1], shape), Throws.TypeOf<ConvShapeException>());
        Assert.That(() => Tensor.Wrap((float*)Unsafe.AsPointer(ref value), shape), Throws.TypeOf<ConvShapeException>());
    }

    [Test]
    public void Memory_that_cannot_be_had_is_told_with_its_size()
    {
        long before = ConvNativeInfo.LiveBytes;
        Assert.That(
            () => new Tensor(1 << 20, 1 << 20, 1 << 10, 1),
            Throws.TypeOf<OutOfMemoryException>().With.Message.Contains((1L << 52).ToString("N0", System.Globalization.CultureInfo.InvariantCulture)));
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
        using var next = new Tensor(Shape);
        Assert.That(next[1, 2, 3, 4], Is.Zero, "the process lives");
    }

    [Test]
    public void From_copies()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        using Tensor tensor = Tensor.From(values, new TensorShape(1, 2, 1, 3));
        values[0] = 9;
        Assert.That(tensor.Span.ToArray(), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(
            () => Tensor.From(values, Shape),
            Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("values").And.Message.Contains("6").And.Message.Contains("120"));
    }

    [Test]
    public void Wrap_borrows_memory_of_any_alignment()
    {
        float[] values = [0, 1, 2, 3, 4, 5, 6];
        long before = ConvNativeInfo.LiveBytes;
        fixed (float* p = values)
        {
            Tensor tensor = Tensor.Wrap(p + 1, new TensorShape(1, 1, 2, 3));
            Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
            tensor[0, 0, 1, 2] = -6;
            tensor.Dispose();
            Assert.That(() => tensor.Pointer, Throws.TypeOf<ObjectDisposedException>());
        }

        Assert.That(values, Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5, -6 }), "the memory is its owner's still");
        Assert.That(() => Tensor.Wrap((float*)null, Shape), Throws.ArgumentNullException);
        Assert.That(() => Tensor.Wrap((float*)0x1002, Shape), Throws.ArgumentException.With.Message.Contains("0x1002").And.Message.Contains("multiple of 4"));
    }

    [Test]
    public void Every_use_after_Dispose_throws_and_a_second_Dispose_does_nothing()
    {
        long before = ConvNativeInfo.LiveBytes;
        var tensor = new Tensor(Shape);
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before + (Shape.Length * sizeof(float))));
        tensor.Dispose();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
        tensor.Dispose();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
        Assert.That(() => tensor.Span.Length, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.Pointer, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor[0, 0, 0, 0], Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor[0, 0, 0, 0] = 1, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.SaveNpy(Path.Combine(Path.GetTempPath(), "never.npy")), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(tensor.Shape, Is.EqualTo(Shape), "its sizes are known still");
    }

    [Test]
    public void A_forgotten_tensor_is_freed_by_the_garbage_collector()
    {
        long before = ConvNativeInfo.LiveBytes;
        Forget();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before + 4096));
        Collect();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget() => _ = new Tensor(1, 1, 1, 1024);
    }

    // A few hundred small objects alone start no full collection; the 8 MB that stand behind each must.
    [Test]
    public void The_garbage_collector_knows_the_size_of_the_memory()
    {
        Collect();
        int before = GC.CollectionCount(2);
        int made = 0;
        for (; made < 5000 && GC.CollectionCount(2) == before; made++)
        {
            Forget();
            Thread.Sleep(1);   // the runtime limits the share of time that such collections take
        }

        Assert.That(GC.CollectionCount(2), Is.GreaterThan(before), $"after {made} tensors");
        Collect();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget() => _ = new Tensor(1, 1, 1, 2 << 20);
    }

    [Test]
    public void A_span_is_refused_where_it_cannot_hold_all_elements()
    {
        float value = 0;
        using Tensor tensor = Tensor.Wrap((float*)Unsafe.AsPointer(ref value), new TensorShape(2, 1 << 15, 1 << 15, 1));
        Assert.That(() => tensor.Span.Length, Throws.InvalidOperationException.With.Message.Contains("2147483648"));
    }

    private static void Collect()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
