using ConvNative;

namespace ConvNative.Tests.Docs;

/// <summary>The code of docs/getting-started.md.</summary>
internal static class GettingStartedExample
{
    public static void Infer()
    {
        // <example>
        // The language of benchdnn: 1 image, 64 → 128 channels, 56×56 pixels, 3×3 kernels, one zero around the image.
        ConvProblem problem = ConvProblem.Parse("mb1ic64ih56oc128oh56kh3ph1");
        using var conv = new Conv2d(problem, new Conv2dOptions { Activation = ConvActivation.Relu });
        using Tensor x = new(problem.Input), w = new(problem.Weights), b = new(1, 128, 1, 1), y = new(problem.Output);

        using PackedWeights packed = conv.Pack(w);       // once, for as long as the weights stay as they are
        for (int image = 0; image < 3; image++)
        {
            x.Span.Fill(image);
            conv.Forward(x, packed, b, y);               // y = max(x ⋆ w + b, 0)
        }
        // </example>
    }

    public static void Train()
    {
        var problem = ConvProblem.Parse("mb4ic8ih14oc16oh14kh3ph1");
        using Tensor x = new(problem.Input), w = new(problem.Weights), b = new(1, 16, 1, 1), y = new(problem.Output);

        // <example>
        using var conv = new Conv2d(problem, new Conv2dOptions { Activation = ConvActivation.Relu });
        using Tensor dy = new(problem.Output), dx = new(problem.Input), dw = new(problem.Weights), db = new(1, problem.Output.C, 1, 1);

        conv.Forward(x, w, b, y);
        // … the rest of the network turns y into a loss, and the loss into dy …
        conv.BackwardActivation(dy, y, dz: dy);          // dy by y → gradient before the ReLU, in place
        conv.BackwardWeights(x, dy, dw, db);
        conv.BackwardData(dy, w, dx);                    // dx is the dy of the layer before
        // </example>
    }

    public static void Article()
    {
        // <example>
        using Tensor x = new(8, 3, 32, 32), w = new(16, 3, 3, 3), b = new(1, 16, 1, 1);
        (Tensor y, ConvCache cache) = ConvLayer.Forward(x, w, b, stride: 1, padding: 1);
        (Tensor dx, Tensor dw, Tensor db) = ConvLayer.Backward(dy: y, cache);
        foreach (Tensor result in new[] { y, dx, dw, db }) result.Dispose();
        // </example>
    }
}
