using System.Runtime.InteropServices;
using ConvNative.Tests.Support;

namespace ConvNative.Tests;

/// <summary>The test assembly as a program: what a test wants done in a process of its own (<see cref="ChildProcess"/>).</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["touch", var edge, var offset]:
                GuardedBuffer.Touch(Enum.Parse<GuardedBuffer.Edge>(edge), int.Parse(offset, System.Globalization.CultureInfo.InvariantCulture));
                return 0;
            case ["convolve"]:
                Console.Write(Convolve());
                return 0;
            case ["test", .. var names]:
                if (OperatingSystem.IsWindows()) NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, "stale_frames.dll"), out _);
                return SuiteRunner.Run(string.Concat(names));
            default:
                Console.Error.WriteLine("The tests are run by `dotnet test`, or by `ConvNative.Tests test [part of a name]`.");
                return 2;
        }
    }

    /// <summary>Runs the three directions, and tells how.</summary>
    private static string Convolve()
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic3ih8oc4oh8kh3ph1");
        using var conv = new Conv2d(problem);
        using Tensor x = Tensors.Random(problem.Input, 1), w = Tensors.Random(problem.Weights, 2), y = new(problem.Output);
        using Tensor dx = new(problem.Input), dw = new(problem.Weights);
        conv.Forward(x, w, null, y);
        conv.BackwardData(y, w, dx);
        conv.BackwardWeights(x, y, dw, null);
        using var gemm = new Conv2d(problem, new Conv2dOptions { Algorithm = ConvAlgorithm.Im2ColGemm });
        gemm.Forward(x, w, null, y);
        return ConvNativeInfo.Describe() + conv.Describe() + gemm.Describe();
    }
}
