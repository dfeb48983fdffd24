using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>A thousand calls with one thing wrong each: an argument error of some kind, outputs untouched, the process alive.</summary>
internal sealed class RandomMalformedCallTests
{
    private const float Sentinel = -77;

    [Test]
    public void Each_gives_an_argument_error()
    {
        var random = new Random(1000);
        var kinds = new HashSet<Type>();
        for (int i = 0; i < 1000; i++)
        {
            Exception? error = null;
            string call = string.Empty;
            try
            {
                call = Malformed(random);
            }
            catch (Exception e) when (e is ArgumentException or ObjectDisposedException)
            {
                error = e;
                kinds.Add(e.GetType());
                Assert.That(e.Message, Is.Not.Empty);
            }

            Assert.That(error, Is.Not.Null, $"call {i}, {call}, was accepted");
        }

        Type[] expected = [typeof(ConvShapeException), typeof(ArgumentNullException), typeof(ObjectDisposedException), typeof(ArgumentException), typeof(ArgumentOutOfRangeException)];
        Assert.That(kinds, Is.EquivalentTo(expected));
    }

    /// <summary>Makes one malformed call; returns its name if it is accepted.</summary>
    private static string Malformed(Random random)
    {
        ConvProblem problem = Problem(random);
        var bias = new TensorShape(1, problem.Output.C, 1, 1);
        return random.Next(9) switch
        {
            0 => MalformedProblem(random, problem),
            1 => MalformedTensor(random),
            2 => Call("Forward", random, [problem.Input, problem.Weights, bias], [problem.Output], problem, (c, i, o) => c.Forward(i[0], i[1], i[2], o[0])),
            3 => Call("residual", random, [problem.Input, problem.Weights, problem.Output], [problem.Output], problem, (c, i, o) => c.Forward(i[0], i[1], null, o[0], i[2])),
            4 => Call("BackwardData", random, [problem.Output, problem.Weights], [problem.Input], problem, (c, i, o) => c.BackwardData(i[0], i[1], o[0])),
            5 => Call("BackwardWeights", random, [problem.Input, problem.Output], [problem.Weights, bias], problem, (c, i, o) => c.BackwardWeights(i[0], i[1], o[0], o[1])),
            6 => Call("Pack", random, [problem.Weights], [], problem, (c, i, _) => c.Pack(i[0]).Dispose()),
            7 => Call("Im2Col", random, [problem.Input], [], problem, (c, i, _) => Columns.Im2Col(i[0], c.Problem).Dispose()),
            _ => Layer(random),
        };
    }

    private static ConvProblem Problem(Random random)
    {
        int groups = random.Next(1, 4);
        return new ConvProblem(
            new TensorShape(random.Next(1, 4), groups * random.Next(1, 4), random.Next(3, 9), random.Next(3, 9)), groups * random.Next(2, 5), random.Next(1, 4), random.Next(1, 4))
        {
            Groups = groups,
            StrideH = random.Next(1, 4),
            StrideW = random.Next(1, 4),
            Padding = new Padding(random.Next(3), random.Next(3), random.Next(3), random.Next(3)),
        };
    }

    private static string MalformedProblem(Random random, ConvProblem problem)
    {
        int bad = random.Next(3) switch { 0 => 0, 1 => -random.Next(1, 1000), _ => int.MinValue };
        ConvProblem made = random.Next(9) switch
        {
            0 => problem with { StrideH = bad },
            1 => problem with { StrideW = bad },
            2 => problem with { DilationH = bad },
            3 => problem with { DilationW = bad },
            4 => problem with { Groups = bad },
            5 => problem with { Groups = problem.Input.C + 1 + random.Next(100) },
            6 => problem with { DilationH = int.MaxValue, Padding = new Padding(-1 - random.Next(9), 0, 0, 0) },
            7 => new ConvProblem(problem.Input, 1, 1000, 1),
            _ => new ConvProblem(problem.Input with { H = bad }, 1, 1, 1),
        };
        new Conv2d(made).Dispose();
        return made.ToString();
    }

    private static string MalformedTensor(Random random)
    {
        using var tensor = new Tensor(2, 2, 2, 2);
        switch (random.Next(4))
        {
            case 0: tensor[random.Next(2, 100), 0, 0, 0] = 1; break;
            case 1: _ = tensor[0, 0, -random.Next(1, 100), 0]; break;
            case 2: Tensor.From(new float[random.Next(16)], tensor.Shape).Dispose(); break;
            default: new Tensor(1, 1, 1, -random.Next(100)).Dispose(); break;
        }

        return "Tensor";
    }

    /// <summary>Spoils one tensor of a valid call: null, disposed, of another shape, or an output in an input's memory.</summary>
    private static string Call(
        string name, Random random, TensorShape[] inputs, TensorShape[] outputs, ConvProblem problem, Action<Conv2d, Tensor[], Tensor[]> run)
    {
        using var conv = new Conv2d(problem);
        Tensor[] all = [.. inputs.Concat(outputs).Select(shape => Tensors.Filled(shape, Sentinel))];
        Tensor[] used = [.. all];
        int at = random.Next(all.Length);
        bool mayBeNull = (name == "Forward" && at == 2) || (name == "residual" && at == 2) || (name == "BackwardWeights" && at == 3);
        switch (random.Next(mayBeNull ? 1 : 0, outputs.Length > 0 ? 4 : 3))
        {
            case 0: used[at] = null!; break;
            case 1: used[at] = new Tensor(all[at].Shape); used[at].Dispose(); break;
            case 2: used[at] = Tensors.Filled(all[at].Shape with { H = all[at].Shape.H + random.Next(1, 5) }, Sentinel); break;
            default: used[inputs.Length] = Alias(used[random.Next(inputs.Length)], outputs[0]); break;
        }

        try
        {
            run(conv, used[..inputs.Length], used[inputs.Length..]);
            return name;
        }
        finally
        {
            foreach (Tensor tensor in all)
            {
                Assert.That(tensor.Span.IndexOfAnyExcept(Sentinel), Is.EqualTo(-1), $"{name}: nothing was written");
                tensor.Dispose();
            }
        }
    }

    /// <summary>A tensor that begins at another's last element; refused before its memory is touched.</summary>
    private static unsafe Tensor Alias(Tensor other, TensorShape shape) => Tensor.Wrap(other.Pointer + other.Length - 1, shape);

    private static string Layer(Random random)
    {
        using Tensor x = new(1, 2, 6, 6), w = new(3, 2, 3, 3), channels = new(3, 1, 3, 3), b = new(1, 3, 1, 1), wrong = new(1, 1, 1, 7);
        switch (random.Next(6))
        {
            case 0: ConvLayer.Forward(x, channels, b); break;
            case 1: ConvLayer.Forward(x, w, wrong); break;
            case 2: ConvLayer.Forward(x, w, b, stride: 2, padding: 1); break;
            case 3: ConvLayer.Forward(x, w, b, stride: -random.Next(5)); break;
            case 4: ConvLayer.Forward(x, w, b, padding: -1 - random.Next(5)); break;
            default:
                (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, b);
                y.Dispose();
                ConvLayer.Backward(random.Next(2) == 0 ? wrong : y, cache);
                break;
        }

        return "ConvLayer";
    }
}
