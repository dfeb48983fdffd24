using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>Bad input is refused with an error that names the argument, what it was and what it must be; nothing is written.</summary>
internal sealed unsafe class Conv2dArgumentTests
{
    private const float Sentinel = 4711;
    private static readonly ConvProblem Problem = new(new TensorShape(2, 3, 6, 7), 4, 3, 3) { Padding = Padding.All(1) };
    private static readonly TensorShape Bias = new(1, 4, 1, 1);

    private Conv2d _conv = null!;
    private Tensor _x = null!, _w = null!, _b = null!, _y = null!, _dy = null!, _dx = null!, _dw = null!, _db = null!, _wrong = null!, _gone = null!;

    [SetUp]
    public void Make()
    {
        _conv = new Conv2d(Problem);
        (_x, _w, _b, _dy) = (Filled(Problem.Input), Filled(Problem.Weights), Filled(Bias), Filled(Problem.Output));
        (_y, _dx, _dw, _db) = (Filled(Problem.Output), Filled(Problem.Input), Filled(Problem.Weights), Filled(Bias));
        _wrong = Filled(new TensorShape(1, 2, 3, 5));
        _gone = new Tensor(1, 1, 1, 1);
        _gone.Dispose();
    }

    [TearDown]
    public void Free()
    {
        _x.Dispose();
        _w.Dispose();
        _b.Dispose();
        _y.Dispose();
        _dy.Dispose();
        _dx.Dispose();
        _dw.Dispose();
        _db.Dispose();
        _wrong.Dispose();
        _gone.Dispose();
        _conv.Dispose();
    }

    [Test]
    public void Null_is_refused()
    {
        Assert.That(() => new Conv2d(null!), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("problem"));
        AssertRefused<ArgumentNullException>("x", () => _conv.Forward(null!, _w, _b, _y));
        AssertRefused<ArgumentNullException>("w", () => _conv.Forward(_x, (Tensor)null!, _b, _y));
        AssertRefused<ArgumentNullException>("w", () => _conv.Forward(_x, (PackedWeights)null!, _b, _y));
        AssertRefused<ArgumentNullException>("y", () => _conv.Forward(_x, _w, _b, null!));
        AssertRefused<ArgumentNullException>("dy", () => _conv.BackwardData(null!, _w, _dx));
        AssertRefused<ArgumentNullException>("w", () => _conv.BackwardData(_dy, (Tensor)null!, _dx));
        AssertRefused<ArgumentNullException>("w", () => _conv.BackwardData(_dy, (PackedWeights)null!, _dx));
        AssertRefused<ArgumentNullException>("dx", () => _conv.BackwardData(_dy, _w, null!));
        AssertRefused<ArgumentNullException>("x", () => _conv.BackwardWeights(null!, _dy, _dw, _db));
        AssertRefused<ArgumentNullException>("dy", () => _conv.BackwardWeights(_x, null!, _dw, _db));
        AssertRefused<ArgumentNullException>("dw", () => _conv.BackwardWeights(_x, _dy, null!, _db));
        AssertRefused<ArgumentNullException>("dy", () => _conv.BackwardActivation(null!, _y, _y));
        AssertRefused<ArgumentNullException>("y", () => _conv.BackwardActivation(_dy, null!, _y));
        AssertRefused<ArgumentNullException>("dz", () => _conv.BackwardActivation(_dy, _y, null!));
        AssertRefused<ArgumentNullException>("w", () => _conv.Pack(null!));
    }

    [Test]
    public void Wrong_shapes_are_refused_with_both_shapes()
    {
        void Refused(string name, TensorShape needed, Action call)
        {
            ConvShapeException error = AssertRefused<ConvShapeException>(name, call);
            Assert.That(error.Message, Does.Contain(_wrong.Shape.ToString()).And.Contain(needed.ToString()));
        }

        Refused("x", Problem.Input, () => _conv.Forward(_wrong, _w, _b, _y));
        Refused("w", Problem.Weights, () => _conv.Forward(_x, _wrong, _b, _y));
        Refused("y", Problem.Output, () => _conv.Forward(_x, _w, _b, _wrong));
        Refused("residual", Problem.Output, () => _conv.Forward(_x, _w, _b, _y, _wrong));
        Refused("dy", Problem.Output, () => _conv.BackwardData(_wrong, _w, _dx));
        Refused("w", Problem.Weights, () => _conv.BackwardData(_dy, _wrong, _dx));
        Refused("dx", Problem.Input, () => _conv.BackwardData(_dy, _w, _wrong));
        Refused("x", Problem.Input, () => _conv.BackwardWeights(_wrong, _dy, _dw, _db));
        Refused("dy", Problem.Output, () => _conv.BackwardWeights(_x, _wrong, _dw, _db));
        Refused("dw", Problem.Weights, () => _conv.BackwardWeights(_x, _dy, _wrong, _db));
        Refused("dy", Problem.Output, () => _conv.BackwardActivation(_wrong, _dy, _y));
        Refused("y", Problem.Output, () => _conv.BackwardActivation(_dy, _wrong, _y));
        Refused("dz", Problem.Output, () => _conv.BackwardActivation(_dy, _y, _wrong));
        Refused("w", Problem.Weights, () => _conv.Pack(_wrong));
    }

    [Test]
    public void A_bias_of_the_wrong_length_is_refused()
    {
        ConvShapeException b = AssertRefused<ConvShapeException>("b", () => _conv.Forward(_x, _w, _wrong, _y));
        Assert.That(b.Message, Does.Contain("30").And.Contain("4"));
        AssertRefused<ConvShapeException>("db", () => _conv.BackwardWeights(_x, _dy, _dw, _wrong));
        using Tensor square = Tensors.Filled(new TensorShape(2, 1, 1, 2), 1);
        Assert.That(() => _conv.Forward(_x, _w, square, _y), Throws.Nothing, "any shape of OC elements will do");
    }

    [Test]
    public void Disposed_tensors_are_refused()
    {
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_gone, _w, _b, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, _gone, _b, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, _w, _gone, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, _w, _b, _gone));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, _w, _b, _y, _gone));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardData(_gone, _w, _dx));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardData(_dy, _gone, _dx));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardData(_dy, _w, _gone));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardWeights(_gone, _dy, _dw, _db));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardWeights(_x, _gone, _dw, _db));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardWeights(_x, _dy, _gone, _db));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardWeights(_x, _dy, _dw, _gone));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardActivation(_gone, _dy, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardActivation(_dy, _gone, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardActivation(_dy, _y, _gone));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Pack(_gone));
        PackedWeights packed = _conv.Pack(_w);
        packed.Dispose();
        packed.Dispose();
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, packed, _b, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardData(_dy, packed, _dx));
        Assert.That(
            () => _conv.Forward(_x, packed, _b, _y),
            Throws.TypeOf<ObjectDisposedException>().With.Property(nameof(ObjectDisposedException.ObjectName)).EqualTo(typeof(PackedWeights).FullName));
    }

    [Test]
    public void A_disposed_convolution_refuses_everything()
    {
        using PackedWeights packed = _conv.Pack(_w);
        _conv.Dispose();
        _conv.Dispose();
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, _w, _b, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Forward(_x, packed, _b, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardData(_dy, _w, _dx));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardWeights(_x, _dy, _dw, _db));
        AssertRefused<ObjectDisposedException>(null, () => _conv.BackwardActivation(_dy, _dy, _y));
        AssertRefused<ObjectDisposedException>(null, () => _conv.Pack(_w));
    }

    [Test]
    public void Weights_of_another_convolution_are_refused()
    {
        using var other = new Conv2d(Problem);
        using PackedWeights packed = other.Pack(_w);
        AssertRefused<ArgumentException>("w", () => _conv.Forward(_x, packed, _b, _y));
        AssertRefused<ArgumentException>("w", () => _conv.BackwardData(_dy, packed, _dx));
    }

    // One block of memory; an output lies `shift` floats before or behind an input that begins in its middle.
    [Test]
    public void Outputs_that_overlap_anything_are_refused([Values] bool behind)
    {
        long most = Math.Max(Problem.Input.Length, Problem.Output.Length);
        using Tensor block = Tensors.Filled(new TensorShape(1, 1, 3, (int)most), Sentinel);
        Tensor At(TensorShape shape, long offset) => Tensor.Wrap(block.Pointer + offset, shape);

        void Refused(string output, TensorShape outputShape, TensorShape inputShape, Action<Tensor, Tensor> call)
        {
            // Touching by one element, and the same memory; then side by side, which is allowed.
            long one = behind ? most + inputShape.Length - 1 : most - outputShape.Length + 1;
            long beside = behind ? most + inputShape.Length : most - outputShape.Length;
            foreach (long offset in new[] { one, most })
                AssertRefused<ArgumentException>(output, () => call(At(inputShape, most), At(outputShape, offset)));
            Assert.That(block.Span.IndexOfAnyExcept(Sentinel), Is.EqualTo(-1), "nothing was written");
            Assert.That(() => call(At(inputShape, most), At(outputShape, beside)), Throws.Nothing, output);
            foreach (Tensor written in new[] { block, _y, _dx, _dw, _db }) written.Span.Fill(Sentinel);
        }

        Refused("y", Problem.Output, Problem.Input, (x, y) => _conv.Forward(x, _w, _b, y));
        Refused("y", Problem.Output, Problem.Weights, (w, y) => _conv.Forward(_x, w, _b, y));
        Refused("y", Problem.Output, Bias, (b, y) => _conv.Forward(_x, _w, b, y));
        Refused("y", Problem.Output, Problem.Output, (residual, y) => _conv.Forward(_x, _w, _b, y, residual));
        Refused("dx", Problem.Input, Problem.Output, (dy, dx) => _conv.BackwardData(dy, _w, dx));
        Refused("dx", Problem.Input, Problem.Weights, (w, dx) => _conv.BackwardData(_dy, w, dx));
        Refused("dw", Problem.Weights, Problem.Input, (x, dw) => _conv.BackwardWeights(x, _dy, dw, _db));
        Refused("dw", Problem.Weights, Problem.Output, (dy, dw) => _conv.BackwardWeights(_x, dy, dw, _db));
        Refused("dw", Problem.Weights, Bias, (db, dw) => _conv.BackwardWeights(_x, _dy, dw, db));
        Refused("db", Bias, Problem.Input, (x, db) => _conv.BackwardWeights(x, _dy, _dw, db));
        Refused("db", Bias, Problem.Output, (dy, db) => _conv.BackwardWeights(_x, dy, _dw, db));
        Refused("dz", Problem.Output, Problem.Output, (y, dz) => _conv.BackwardActivation(_dy, y, dz));
    }

    [Test]
    public void Inputs_may_overlap_and_dz_may_be_dy()
    {
        using Tensor x = Tensors.Random(Problem.Input, 1);
        using Tensor w = Tensor.Wrap(x.Pointer, Problem.Weights), b = Tensor.Wrap(x.Pointer + 5, Bias);
        Assert.That(() => _conv.Forward(x, w, b, _y), Throws.Nothing);
        ErrorBound.AssertWithin(Oracle.Forward(Problem, x, w, b), _y.Span, "y", Configurations.Amplification(new Conv2dOptions()));
        Assert.That(() => _conv.BackwardActivation(_dy, _y, _dy), Throws.Nothing);
        using Tensor shifted = Tensor.Wrap(_dy.Pointer, Problem.Output);
        Assert.That(() => _conv.BackwardActivation(_dy, _y, shifted), Throws.Nothing, "the same memory through another tensor");
    }

    [Test]
    public void Options_are_checked()
    {
        Assert.That(() => new Conv2dOptions { Threads = -1 }, Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("Threads").And.Message.Contains("-1"));
        Assert.That(() => new Conv2dOptions { Threads = 100_000 }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Conv2dOptions { MaxWorkspaceBytes = -1 }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Conv2dOptions { Algorithm = (ConvAlgorithm)99 }, Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("Winograd"));
        Assert.That(() => new Conv2dOptions { Gemm = (GemmEngine)(-1) }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Conv2dOptions { MaxInstructionSet = (InstructionSet)9 }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ConvActivation.LeakyRelu(float.NaN), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ConvActivation.Clip(1, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ConvActivation.Clip(float.NaN, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    private static Tensor Filled(TensorShape shape) => Tensors.Filled(shape, Sentinel);

    private T AssertRefused<T>(string? argument, Action call)
        where T : Exception
    {
        T error = Assert.Throws<T>(call)!;
        if (argument is not null) Assert.That((error as ArgumentException)?.ParamName, Is.EqualTo(argument), error.Message);
        foreach (Tensor output in new[] { _y, _dx, _dw, _db, _wrong })
            Assert.That(output.Span.IndexOfAnyExcept(Sentinel), Is.EqualTo(-1), "nothing was written");
        return error;
    }
}
