namespace ConvNative.Kernels;

/// <summary>
/// One axis of a convolution (or, transposed, of its backward-data) seen as a stencil over the padded source: outputs are cut into
/// <see cref="Phases"/> interleaved sets that read different taps, and step i of a phase reads the padded positions
/// i·<see cref="StepLength"/> + <see cref="Position"/>. Forward there is one phase and o·s + k·d is the position. Transposed,
/// output i = s·step + phase reads source (i + p − k·d)/s for those k where s divides it.
/// </summary>
internal sealed class StencilAxis
{
    private readonly int _stride;
    private readonly int _dilation;
    private readonly int _padding;
    private readonly bool _transposed;

    private StencilAxis(int source, int outputs, int taps, int stride, int dilation, int padding, bool transposed)
    {
        (Source, Outputs, Taps) = (source, outputs, taps);
        (_stride, _dilation, _padding, _transposed) = (stride, dilation, padding, transposed);
        (Phases, StepLength) = transposed ? (stride, 1) : (1, stride);
        Steps = BlockSizes.CeilDiv(outputs, Phases);
        long first = long.MaxValue, last = long.MinValue;
        for (int phase = 0; phase < Phases; phase++)
        for (int k = 0; k < taps; k++)
        {
            if (!Reads(phase, k)) continue;
            (first, last) = (Math.Min(first, Shift(phase, k)), Math.Max(last, Shift(phase, k)));
        }

        Origin = first;
        Extent = ((Steps - 1L) * StepLength) + last - first + 1;
    }

    /// <summary>Length of the source.</summary>
    public int Source { get; }

    /// <summary>Length of the result.</summary>
    public int Outputs { get; }

    public int Taps { get; }

    /// <summary>Steps of each phase: ⌈Outputs / Phases⌉.</summary>
    public int Steps { get; }

    /// <summary>Source position of padded position 0: −padding forward.</summary>
    public long Origin { get; }

    /// <summary>Padded positions that all steps of all phases read together.</summary>
    public long Extent { get; }

    public int Phases { get; }

    public int StepLength { get; }

    /// <summary>y from x.</summary>
    public static StencilAxis Forward(int input, int outputs, int taps, int stride, int dilation, int padding) =>
        new(input, outputs, taps, stride, dilation, padding, transposed: false);

    /// <summary>dx from dy.</summary>
    public static StencilAxis Transposed(int input, int outputs, int taps, int stride, int dilation, int padding) =>
        new(outputs, input, taps, stride, dilation, padding, transposed: true);

    /// <summary>Whether outputs of a phase read tap k.</summary>
    public bool Reads(int phase, int k) => !_transposed || (phase + _padding - ((long)k * _dilation)) % _stride == 0;

    /// <summary>The taps that outputs of a phase read, in ascending order of their positions.</summary>
    public int[] TapsOf(int phase)
    {
        var taps = new List<int>();
        for (int k = 0; k < Taps; k++)
        {
            if (Reads(phase, k)) taps.Add(k);
        }

        if (_transposed) taps.Reverse();
        return [.. taps];
    }

    /// <summary>The padded position of tap k, which the phase reads, at step 0.</summary>
    public long Position(int phase, int k) => Shift(phase, k) - Origin;

    private long Shift(int phase, int k) =>
        _transposed ? (phase + _padding - ((long)k * _dilation)) / _stride : ((long)k * _dilation) - _padding;
}
