using ConvNative;

namespace ConvNative.Tests.Docs;

/// <summary>The example of README.md.</summary>
internal static class ReadmeExample
{
    public static void Run()
    {
        // <example>
        // 8 images of 64 channels and 56×56 pixels, 128 filters of 3×3, a border of one zero
        var problem = new ConvProblem(new TensorShape(8, 64, 56, 56), outputChannels: 128, kernelH: 3, kernelW: 3)
        {
            Padding = Padding.All(1),
        };
        using var x = new Tensor(problem.Input);         // NCHW, zero-filled, unmanaged
        using var w = new Tensor(problem.Weights);
        using var b = new Tensor(1, 128, 1, 1);
        using var y = new Tensor(problem.Output);
        x.Span.Fill(1);
        w[0, 0, 1, 1] = 0.5f;

        using var conv = new Conv2d(problem);            // planned once, run many times, from any thread
        conv.Forward(x, w, b, y);

        using var dx = new Tensor(problem.Input);
        using var dw = new Tensor(problem.Weights);
        using var db = new Tensor(1, 128, 1, 1);
        conv.BackwardData(y, w, dx);                     // the gradients, where dy is y
        conv.BackwardWeights(x, y, dw, db);
        Console.WriteLine($"{y[0, 0, 0, 0]} {db[0, 0, 0, 0]}\n{conv.Describe()}");
        // </example>
    }
}
