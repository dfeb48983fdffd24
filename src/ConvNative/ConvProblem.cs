using ConvNative.Planning;

namespace ConvNative;

/// <summary>What to do when the strides do not divide the padded image exactly.</summary>
public enum OutputRounding
{
    /// <summary>Pixels that no whole step reaches are left out: every framework's rule.</summary>
    Floor,

    /// <summary>An output size that is not whole is an error: the article's rule.</summary>
    Exact,
}

/// <summary>
/// One convolution: sizes, strides, dilations, padding, groups. Immutable; each value is checked when it is set, and what
/// depends on several of them (does the kernel fit?) by <see cref="Output"/>, which every plan asks for first.
/// The only place where output sizes and FLOPs are computed. Tensors are NCHW.
/// </summary>
/// <remarks>
/// Notation: N, IC, IH, IW the input; OC, KH, KW the weights; OH, OW the output; G groups; sh, sw strides; dh, dw dilations
/// (1 = dense); pt, pl, pb, pr padding.
/// </remarks>
public sealed record ConvProblem
{
    private readonly int _outputChannels;
    private readonly int _kernelH;
    private readonly int _kernelW;

    /// <summary>A dense convolution with unit strides, no padding and one group.</summary>
    /// <param name="input">N×IC×IH×IW, all at least 1.</param>
    /// <param name="outputChannels">OC ≥ 1.</param>
    /// <param name="kernelH">KH ≥ 1.</param>
    /// <param name="kernelW">KW ≥ 1.</param>
    /// <exception cref="ConvShapeException">A size is below 1, or the tensor is too large to address.</exception>
    public ConvProblem(TensorShape input, int outputChannels, int kernelH, int kernelW)
    {
        foreach (int size in (ReadOnlySpan<int>)[input.N, input.C, input.H, input.W])
        {
            if (size < 1)
                throw new ConvShapeException($"Input shape {input} has a size below 1; N, C, H and W must be at least 1.", nameof(input));
        }

        Addressable(input, nameof(input));
        Input = input;
        _outputChannels = AtLeastOne(outputChannels, nameof(outputChannels));
        _kernelH = AtLeastOne(kernelH, nameof(kernelH));
        _kernelW = AtLeastOne(kernelW, nameof(kernelW));
        Addressable(Weights, nameof(outputChannels));
    }

    /// <summary>Rows that the kernel moves per output row (sh ≥ 1).</summary>
    public int StrideH { get; init => field = AtLeastOne(value, nameof(StrideH)); } = 1;

    /// <summary>Columns that the kernel moves per output column (sw ≥ 1).</summary>
    public int StrideW { get; init => field = AtLeastOne(value, nameof(StrideW)); } = 1;

    /// <summary>Distance between kernel rows on the image (dh ≥ 1); 1 = dense.</summary>
    public int DilationH { get; init => field = AtLeastOne(value, nameof(DilationH)); } = 1;

    /// <summary>Distance between kernel columns on the image (dw ≥ 1); 1 = dense.</summary>
    public int DilationW { get; init => field = AtLeastOne(value, nameof(DilationW)); } = 1;

    /// <summary>Zeros around the image, each side ≥ 0.</summary>
    public Padding Padding
    {
        get;
        init
        {
            if (value.Top < 0 || value.Left < 0 || value.Bottom < 0 || value.Right < 0)
                throw new ConvShapeException($"Padding is {value}; every side must be at least 0.", nameof(Padding));
            field = value;
        }
    }

    /// <summary>Groups (G ≥ 1): output channels of a group see the input channels of that group only. G = IC is depthwise.</summary>
    public int Groups
    {
        get;
        init
        {
            AtLeastOne(value, nameof(Groups));
            if (Input.C % value != 0 || _outputChannels % value != 0)
            {
                throw new ConvShapeException(
                    $"Groups is {value}; it must divide the input channels {Input.C} and the output channels {_outputChannels}.",
                    nameof(Groups));
            }

            field = value;
        }
    } = 1;

    /// <summary>What to do when an output size is not whole.</summary>
    public OutputRounding Rounding
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ConvShapeException($"Rounding is {value}; it must be Floor or Exact.", nameof(Rounding));
    }

    /// <summary>A label for reports; null when there is none. In a descriptor: n"label".</summary>
    /// <exception cref="ArgumentException">It has a quote, with which a descriptor would end it.</exception>
    public string? Name
    {
        get;
        init => field = value is null || !value.Contains('"', StringComparison.Ordinal)
            ? value
            : throw new ArgumentException($"Name is '{value}'; it must have no quote.", nameof(Name));
    }

    /// <summary>Shape of x and dx: N×IC×IH×IW.</summary>
    public TensorShape Input { get; }

    /// <summary>Shape of w and dw: OC×(IC/G)×KH×KW.</summary>
    public TensorShape Weights => new(_outputChannels, Input.C / Groups, _kernelH, _kernelW);

    /// <summary>Shape of y and dy: N×OC×OH×OW, with OH = ⌊(IH + pt + pb − dh·(KH−1) − 1)/sh⌋ + 1 and OW likewise.</summary>
    /// <exception cref="ConvShapeException">
    /// The kernel is larger than the padded image, or an output size is not whole under <see cref="OutputRounding.Exact"/>.
    /// </exception>
    public TensorShape Output
    {
        get
        {
            int OH = OutputSize("height", Input.H, (long)Padding.Top + Padding.Bottom, _kernelH, StrideH, DilationH);
            int OW = OutputSize("width", Input.W, (long)Padding.Left + Padding.Right, _kernelW, StrideW, DilationW);
            var output = new TensorShape(Input.N, _outputChannels, OH, OW);
            Addressable(output, nameof(Output));
            return output;
        }
    }

    /// <summary>Floating-point operations of one direction by direct convolution: 2·N·OC·OH·OW·(IC/G)·KH·KW.</summary>
    /// <exception cref="ConvShapeException">The count does not fit 63 bits.</exception>
    public long Flops
    {
        get
        {
            TensorShape w = Weights;
            Int128 flops = 2 * (Int128)Output.Length * ((long)w.C * w.H) * w.W;
            return flops <= long.MaxValue
                ? (long)flops
                : throw new ConvShapeException($"{this} takes {flops} operations; they must be at most {long.MaxValue}.");
        }
    }

    /// <summary>
    /// Reads benchdnn's descriptor language, for instance <c>mb50ic64ih56oc64oh56kh3ph1n"name"</c>: letters name a size and
    /// digits follow; underscores are ignored. g groups, mb batch (2 when missing), ic/oc channels, ih/iw, oh/ow, kh/kw,
    /// sh/sw, ph/pw padding before, dh/dw dilation counted from zero. A lone h value serves both axes; only w values make a
    /// one-row problem. Missing padding is found from the sizes; a missing output size from the padding. Padding after is
    /// the same as before where that gives the output size named, else what makes it so.
    /// </summary>
    /// <exception cref="FormatException">The text is not of that language; the message says where.</exception>
    /// <exception cref="ConvShapeException">The sizes contradict each other or are out of range.</exception>
    public static ConvProblem Parse(string descriptor) => ConvDescriptor.Parse(descriptor);

    /// <summary>
    /// The problem in benchdnn's descriptor language. <see cref="Parse"/> of it gives a problem of the same sizes and the
    /// same result; unreached padding after may come back smaller, and <see cref="Rounding"/> as Floor.
    /// </summary>
    public override string ToString() => ConvDescriptor.Format(this);

    /// <summary>⌊(size + padding − dilation·(kernel−1) − 1)/stride⌋ + 1 along one axis.</summary>
    private int OutputSize(string axis, int size, long padding, int kernel, int stride, int dilation)
    {
        long extent = ((long)dilation * (kernel - 1)) + 1;
        long room = size + padding - extent;
        if (room < 0)
        {
            throw new ConvShapeException(
                $"Invalid output dimension: the kernel spans {extent} along the {axis}, the padded input only {size + padding}; " +
                "it must not be larger than the padded input.");
        }

        if (Rounding == OutputRounding.Exact && room % stride != 0)
        {
            throw new ConvShapeException(
                $"Invalid output dimension: ({axis} {size} + padding {padding} − kernel {extent}) / stride {stride} + 1 " +
                $"is {(double)room / stride + 1:0.###}; it must be whole.");
        }

        long output = (room / stride) + 1;
        return output <= int.MaxValue
            ? (int)output
            : throw new ConvShapeException($"Invalid output dimension: the {axis} is {output}; it must be at most {int.MaxValue}.");
    }

    private static int AtLeastOne(int value, string name) =>
        value >= 1 ? value : throw new ConvShapeException($"{name} is {value}; it must be at least 1.", name);

    private static void Addressable(TensorShape shape, string name)
    {
        if ((Int128)((long)shape.N * shape.C) * ((long)shape.H * shape.W) > long.MaxValue / sizeof(float))
            throw new ConvShapeException($"Shape {shape} is too large: its bytes must fit 63 bits.", name);
    }
}
