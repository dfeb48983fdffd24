using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>The contract of the article's two functions; their numbers are tested by <see cref="ConformanceTests"/>.</summary>
internal sealed class ConvLayerTests
{
    [Test]
    public void Gradients_have_the_shapes_of_what_they_are_gradients_of()
    {
        using Tensor x = Tensors.Random(new TensorShape(5, 1, 10, 10), 1), w = Tensors.Random(new TensorShape(20, 1, 3, 3), 2);
        using Tensor b = Tensors.Random(new TensorShape(20, 1, 1, 1), 3);
        (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, b);
        Assert.That(y.Shape, Is.EqualTo(new TensorShape(5, 20, 10, 10)), "stride 1 and padding 1 are the defaults");
        (Tensor dx, Tensor dw, Tensor db) = ConvLayer.Backward(y, cache);
        Assert.That((dx.Shape, dw.Shape, db.Shape), Is.EqualTo((x.Shape, w.Shape, new TensorShape(1, 20, 1, 1))));
        Assert.That(cache.Problem.Rounding, Is.EqualTo(OutputRounding.Exact));
        foreach (Tensor tensor in new[] { y, dx, dw, db }) tensor.Dispose();
    }

    [Test]
    public void The_cache_may_be_used_again_and_holds_references()
    {
        using Tensor x = Tensors.Random(new TensorShape(2, 2, 5, 5), 1), w = Tensors.Random(new TensorShape(3, 2, 3, 3), 2);
        (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, null);
        using (y)
        {
            (Tensor dx, Tensor dw, Tensor db) first = ConvLayer.Backward(y, cache), second = ConvLayer.Backward(y, cache);
            Assert.That(second.dx.Span.SequenceEqual(first.dx.Span));
            Assert.That(second.dw.Span.SequenceEqual(first.dw.Span));
            x.Span.Clear();
            (Tensor dx, Tensor dw, Tensor db) third = ConvLayer.Backward(y, cache);
            Assert.That(third.dw.Span.IndexOfAnyExcept(0f), Is.EqualTo(-1), "dw is computed from the x that is there now");
            foreach ((Tensor dx, Tensor dw, Tensor db) in new[] { first, second, third })
            {
                dx.Dispose();
                dw.Dispose();
                db.Dispose();
            }
        }
    }

    // Finalizers would give it back too, some time.
    [Test]
    public void Released_plans_give_back_their_workspace_at_once()
    {
        ConvNativeInfo.ReleaseResources();
        long before = ConvNativeInfo.LiveBytes;
        Run(new TensorShape(1, 64, 28, 28));
        Assert.That(ConvNativeInfo.LiveBytes, Is.GreaterThan(before));
        ConvNativeInfo.ReleaseResources();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
    }

    [Test]
    public void A_plan_that_falls_out_gives_back_its_workspace()
    {
        const int MostPlans = 64;
        ConvNativeInfo.ReleaseResources();
        long before = ConvNativeInfo.LiveBytes;
        Run(new TensorShape(1, 64, 28, 28));
        long first = ConvNativeInfo.LiveBytes - before;
        for (int size = 1; size < MostPlans; size++) Run(new TensorShape(1, 1, 3, size));
        long all = ConvNativeInfo.LiveBytes;
        Run(new TensorShape(1, 1, 3, MostPlans));
        Assert.That(all - ConvNativeInfo.LiveBytes, Is.InRange(first / 2, first), "the first plan's, less what the last one takes");
        ConvNativeInfo.ReleaseResources();
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
    }

    private static void Run(TensorShape shape)
    {
        using Tensor x = new(shape), w = new(shape.C, shape.C, 3, 3);
        ConvLayer.Forward(x, w, null).Y.Dispose();
    }

    [TestCase(10, 3, 2, 1, "5.5")]
    [TestCase(9, 2, 3, 0, "3.333")]
    [TestCase(4, 7, 1, 1, "larger")]
    public void Output_sizes_that_are_not_whole_are_an_error(int size, int kernel, int stride, int padding, string reason)
    {
        using Tensor x = new(1, 1, size, size), w = new(1, 1, kernel, kernel);
        long before = ConvNativeInfo.LiveBytes;
        ConvShapeException error = Assert.Throws<ConvShapeException>(() => ConvLayer.Forward(x, w, null, stride, padding))!;
        Assert.That(error.Message, Does.StartWith("Invalid output dimension").And.Contain(reason));
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
    }

    [Test]
    public void Bad_arguments_are_named()
    {
        using Tensor x = new(1, 2, 6, 6), w = new(3, 2, 3, 3), other = new(3, 4, 3, 3), b = new(1, 2, 1, 1);
        Assert.That(() => ConvLayer.Forward(null!, w, null), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("x"));
        Assert.That(() => ConvLayer.Forward(x, null!, null), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("w"));
        Assert.That(
            () => ConvLayer.Forward(x, other, null),
            Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("w").And.Message.Contains("3×4×3×3").And.Message.Contains("1×2×6×6"));
        Assert.That(() => ConvLayer.Forward(x, w, b), Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("b"));
        Assert.That(() => ConvLayer.Forward(x, w, null, stride: 0), Throws.TypeOf<ConvShapeException>().With.Message.EqualTo("stride is 0; it must be at least 1. (Parameter 'stride')"));
        Assert.That(() => ConvLayer.Forward(x, w, null, padding: -1), Throws.TypeOf<ConvShapeException>().With.Message.EqualTo("padding is -1; it must be at least 0. (Parameter 'padding')"));
    }

    [Test]
    public void A_dy_that_does_not_fit_the_cache_is_refused_and_leaks_nothing()
    {
        using Tensor x = new(1, 2, 6, 6), w = new(3, 2, 3, 3), wrong = new(1, 3, 6, 5);
        (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, null);
        using (y)
        {
            foreach (Tensor gradient in Tensors(ConvLayer.Backward(y, cache))) gradient.Dispose();   // the plan has its workspace now
            long before = ConvNativeInfo.LiveBytes;
            Assert.That(
                () => ConvLayer.Backward(wrong, cache),
                Throws.TypeOf<ConvShapeException>().With.Property("ParamName").EqualTo("dy").And.Message.Contains("1×3×6×5").And.Message.Contains("1×3×6×6"));
            Assert.That(() => ConvLayer.Backward(null!, cache), Throws.ArgumentNullException);
            Assert.That(() => ConvLayer.Backward(y, null!), Throws.ArgumentNullException);
            x.Dispose();
            Assert.That(() => ConvLayer.Backward(y, cache), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before - (72 * sizeof(float))), "what x held");
        }

        static Tensor[] Tensors((Tensor DX, Tensor DW, Tensor DB) gradients) => [gradients.DX, gradients.DW, gradients.DB];
    }

    [Test]
    public void Released_resources_are_made_again()
    {
        using Tensor x = Tensors.Random(new TensorShape(1, 2, 6, 6), 1), w = Tensors.Random(new TensorShape(3, 2, 3, 3), 2);
        (Tensor first, _) = ConvLayer.Forward(x, w, null);
        ConvNativeInfo.ReleaseResources();
        (Tensor second, _) = ConvLayer.Forward(x, w, null);
        using (first)
        using (second) Assert.That(second.Span.SequenceEqual(first.Span));
    }

    // More problems than the plans that are kept, from several threads at once.
    [Test]
    public void Many_problems_from_many_threads()
    {
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            int size = 3 + (i * 7 % 100);
            using Tensor x = Tensors.Filled(new TensorShape(1, 1, size, 3), 1), w = Tensors.Filled(new TensorShape(1, 1, 3, 3), 1);
            (Tensor y, _) = ConvLayer.Forward(x, w, null, padding: 0);
            using (y) Assert.That(y.Span.IndexOfAnyExcept(9f), Is.EqualTo(-1));
        });
    }
}
