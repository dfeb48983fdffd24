using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ConvNative;
using Tensor = ConvNative.Tensor;

namespace ConvNative.Tests.Docs;

/// <summary>The code of docs/embedding.md.</summary>
internal static unsafe class EmbeddingExample
{
    private static readonly ConvProblem Problem = ConvProblem.Parse("mb2ic3ih8oc4oh8kh3ph1");

    public static void Borrow()
    {
        float[] image = new float[2 * 3 * 8 * 8];
        float* native = (float*)NativeMemory.AllocZeroed(4 * 3 * 3 * 3, sizeof(float));

        // <example>
        using Tensor x = Tensor.Wrap(image, new TensorShape(2, 3, 8, 8));     // a float[] or Memory<float>, pinned until x is disposed
        using Tensor w = Tensor.Wrap(native, new TensorShape(4, 3, 3, 3));    // a float* of the caller's, valid until w is disposed
        using Tensor y = new(2, 4, 8, 8);                                     // the library's own memory
        using Tensor second = x.Slice(start: 1, count: 1);                    // the second image: x's memory, valid while x is
        // </example>

        image[^1] = 3;
        Assert.That(second[0, 2, 7, 7], Is.EqualTo(3));
        w.Dispose();
        NativeMemory.Free(native);
    }

    public static void Spans()
    {
        // <example>
        using Tensor y = new(2, 4, 8, 8);
        TensorSpan<float> span = y.AsTensorSpan();                            // y's memory, with lengths [2, 4, 8, 8]
        span[1, 3, 7, 7] = 1;

        using Tensor image = Tensor.Wrap(span[1..2, .., .., ..]);             // row-major without gaps, native or pinned: borrowed
        using Tensor corner = Tensor.From(span[.., .., 6.., 6..]);            // any layout: copied
        // </example>
        Assert.That(image[0, 3, 7, 7] + corner[1, 3, 1, 1], Is.EqualTo(2));
    }

    public static void Parts()
    {
        using Tensor x = new(8, 3, 8, 8), w = new(4, 3, 3, 3), y = new(8, 4, 8, 8);

        // <example>
        using var conv = new Conv2d(ConvProblem.Parse("mb2ic3ih8oc4oh8kh3ph1"));
        for (int n = 0; n < x.Shape.N; n += 2)                                // a batch of 8, two images at a time
        {
            using Tensor images = x.Slice(n, 2), results = y.Slice(n, 2);
            conv.Forward(images, w, b: null, results);
        }
        // </example>
    }

    public static void Workspace()
    {
        ConvProblem problem = Problem;
        using Tensor x = new(problem.Input), w = new(problem.Weights), y = new(problem.Output);
        CancellationToken token = default;

        // <example>
        using var conv = new Conv2d(problem, new Conv2dOptions { Threads = 2, MaxWorkspaceBytes = 8 << 20 });
        int floats = (int)Math.Max(1, (conv.WorkspaceBytes + 3) / sizeof(float));
        using Tensor scratch = new(1, 1, 1, floats);                          // one for many convolutions that run one after another
        conv.Forward(x, w, b: null, y, residual: null, new ConvRunOptions { Workspace = scratch, Cancellation = token });
        // </example>
    }

    public static void Tune()
    {
        ConvProblem problem = ConvProblem.Parse("mb1ic1ih4oc1oh2kh3");
        string file = Path.GetTempFileName();
        new ConvTuning().Save(file);

        // <example>
        ConvTuning tuning = File.Exists(file) ? ConvTuning.Load(file) : new ConvTuning();
        var options = new Conv2dOptions { Tuning = tuning };
        Conv2d.Tune(problem, options);                                        // about half a second per direction
        tuning.Save(file);                                                    // for the next start of the program
        using var conv = new Conv2d(problem, options);
        // </example>
        File.Delete(file);
    }
}
