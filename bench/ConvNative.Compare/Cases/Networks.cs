namespace ConvNative.Compare.Cases;

/// <summary>
/// The convolutions of well-known networks, made from the tables of the papers that describe them. Layers of one shape stand
/// once, under the name of the first, with their number. The batch is 1 until an option sets it.
/// </summary>
internal static class Networks
{
    private static readonly Dictionary<string, Func<IEnumerable<Layer>>> Lists = new(StringComparer.OrdinalIgnoreCase)
    {
        ["resnet_50"] = ResNet50,
        ["vgg_19"] = Vgg19,
        ["googlenet_v1"] = GoogLeNet,
        ["mobilenet_v1"] = MobileNet,
        ["alexnet"] = AlexNet,
    };

    public static IEnumerable<string> Names => Lists.Keys;

    /// <exception cref="FormatException">There is no such list.</exception>
    public static IReadOnlyList<Layer> Get(string name) => Lists.TryGetValue(name, out var list)
        ? MergeEqualShapes(list())
        : throw new FormatException($"'{name}' is no built-in network; it must be one of {string.Join(", ", Names)}.");

    private static IReadOnlyList<Layer> MergeEqualShapes(IEnumerable<Layer> layers) =>
        [.. layers.GroupBy(layer => layer.Problem).Select(same => same.First() with { Count = same.Sum(layer => layer.Count) })];

    // K. He et al., Deep Residual Learning for Image Recognition, 2015, table 1; strides in the first 1×1 of a stage.
    private static IEnumerable<Layer> ResNet50()
    {
        const string Net = "resnet_50";
        yield return Conv(Net, "conv1", 3, 224, 64, 7, stride: 2);
        (int Blocks, int Size, int Width)[] stages = [(3, 56, 64), (4, 28, 128), (6, 14, 256), (3, 7, 512)];
        int channels = 64;
        foreach ((int index, (int blocks, int size, int width)) in stages.Index())
        {
            int stride = index == 0 ? 1 : 2;
            for (int block = 0; block < blocks; block++)
            {
                string name = $"res{index + 2}{(char)('a' + block)}_branch";
                int step = block == 0 ? stride : 1;
                if (block == 0) yield return Conv(Net, name + "1", channels, size * step, 4 * width, 1, step);
                yield return Conv(Net, name + "2a", channels, size * step, width, 1, step);
                yield return Conv(Net, name + "2b", width, size, width, 3);
                yield return Conv(Net, name + "2c", width, size, 4 * width, 1);
                channels = 4 * width;
            }
        }
    }

    // K. Simonyan, A. Zisserman, Very Deep Convolutional Networks, 2014, table 1, column E.
    private static IEnumerable<Layer> Vgg19()
    {
        (int Layers, int Size, int Width)[] stages = [(2, 224, 64), (2, 112, 128), (4, 56, 256), (4, 28, 512), (4, 14, 512)];
        int channels = 3;
        foreach ((int index, (int layers, int size, int width)) in stages.Index())
        {
            for (int layer = 1; layer <= layers; layer++)
            {
                yield return Conv("vgg_19", $"conv{index + 1}_{layer}", channels, size, width, 3);
                channels = width;
            }
        }
    }

    // C. Szegedy et al., Going Deeper with Convolutions, 2014, table 1; without the two training-only classifiers.
    private static IEnumerable<Layer> GoogLeNet()
    {
        const string Net = "googlenet_v1";
        yield return Conv(Net, "conv1/7x7_s2", 3, 224, 64, 7, stride: 2);
        yield return Conv(Net, "conv2/3x3_reduce", 64, 56, 64, 1);
        yield return Conv(Net, "conv2/3x3", 64, 56, 192, 3);
        (string Name, int Size, int In, int C1, int R3, int C3, int R5, int C5, int Pool)[] modules =
        [
            ("3a", 28, 192, 64, 96, 128, 16, 32, 32),
            ("3b", 28, 256, 128, 128, 192, 32, 96, 64),
            ("4a", 14, 480, 192, 96, 208, 16, 48, 64),
            ("4b", 14, 512, 160, 112, 224, 24, 64, 64),
            ("4c", 14, 512, 128, 128, 256, 24, 64, 64),
            ("4d", 14, 512, 112, 144, 288, 32, 64, 64),
            ("4e", 14, 528, 256, 160, 320, 32, 128, 128),
            ("5a", 7, 832, 256, 160, 320, 32, 128, 128),
            ("5b", 7, 832, 384, 192, 384, 48, 128, 128),
        ];
        foreach (var m in modules)
        {
            string name = $"inception_{m.Name}/";
            yield return Conv(Net, name + "1x1", m.In, m.Size, m.C1, 1);
            yield return Conv(Net, name + "3x3_reduce", m.In, m.Size, m.R3, 1);
            yield return Conv(Net, name + "3x3", m.R3, m.Size, m.C3, 3);
            yield return Conv(Net, name + "5x5_reduce", m.In, m.Size, m.R5, 1);
            yield return Conv(Net, name + "5x5", m.R5, m.Size, m.C5, 5);
            yield return Conv(Net, name + "pool_proj", m.In, m.Size, m.Pool, 1);
        }
    }

    // A. Howard et al., MobileNets, 2017, table 1: pairs of a depthwise 3×3 and a 1×1.
    private static IEnumerable<Layer> MobileNet()
    {
        const string Net = "mobilenet_v1";
        yield return Conv(Net, "conv1", 3, 224, 32, 3, stride: 2);
        (int In, int Size, int Stride, int Out)[] pairs =
        [
            (32, 112, 1, 64), (64, 112, 2, 128), (128, 56, 1, 128), (128, 56, 2, 256), (256, 28, 1, 256), (256, 28, 2, 512),
            (512, 14, 1, 512), (512, 14, 1, 512), (512, 14, 1, 512), (512, 14, 1, 512), (512, 14, 1, 512),
            (512, 14, 2, 1024), (1024, 7, 1, 1024),
        ];
        foreach ((int index, (int channels, int size, int stride, int width)) in pairs.Index())
        {
            yield return Conv(Net, $"conv{index + 2}/dw", channels, size, channels, 3, stride, groups: channels);
            yield return Conv(Net, $"conv{index + 2}/pw", channels, size / stride, width, 1);
        }
    }

    // A. Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, 2012, section 3.5; two groups as there.
    private static IEnumerable<Layer> AlexNet()
    {
        const string Net = "alexnet";
        yield return new Layer(Net, "conv1", 1, new ConvProblem(new TensorShape(1, 3, 227, 227), 96, 11, 11) { StrideH = 4, StrideW = 4 });
        yield return Conv(Net, "conv2", 96, 27, 256, 5, groups: 2);
        yield return Conv(Net, "conv3", 256, 13, 384, 3);
        yield return Conv(Net, "conv4", 384, 13, 384, 3, groups: 2);
        yield return Conv(Net, "conv5", 384, 13, 256, 3, groups: 2);
    }

    /// <summary>A square layer whose padding is half the kernel.</summary>
    internal static Layer Conv(string network, string name, int channels, int size, int width, int kernel, int stride = 1, int groups = 1) =>
        new(network, name, 1, new ConvProblem(new TensorShape(1, channels, size, size), width, kernel, kernel)
        {
            StrideH = stride,
            StrideW = stride,
            Padding = Padding.All(kernel / 2),
            Groups = groups,
        });
}
