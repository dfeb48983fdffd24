using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// How <see cref="Winograd"/> does strides: as a convolution without them over the <see cref="StridePhases"/> of some images at a time, whose
/// planes stand in the workspace. How many images, and where the weights by phases stand, follows from the shape and the limit of the workspace alone.
/// </summary>
internal sealed unsafe class WinogradPhases
{
    /// <summary>Of a stride of 8 in both dimensions; beyond it planes are small and nothing was measured.</summary>
    public const int MostPhases = 64;

    // Of the workspace, for planes (a third faster than one image at a time with two threads, measured on Zen 5), and for weights by phases.
    private const int PlanesShare = 4, WeightsShare = 4;

    private const long FewestTaps = 3;   // of a phase, on an average

    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly StridePhases _phases;

    private WinogradPhases(PlanContext context, Direction direction, int taps, bool smallest)
    {
        (_context, _direction, _phases) = (context, direction, new StridePhases(context.Sizes, taps));
        long image = _phases.Unit.IC * (long)_phases.Unit.InputPixels * sizeof(float), weights = _phases.WeightsLength * sizeof(float);
        Images = smallest ? 1 : ImagesAtOnce(context.Sizes.N, context.MaxWorkspaceBytes / PlanesShare / image);
        bool isWhole = Images == context.Sizes.N;
        Weights = direction == Direction.BackwardWeights ? (isWhole ? 1 : 2) : isWhole && !smallest && weights <= context.MaxWorkspaceBytes / WeightsShare ? 1 : 0;
        PlanesLength = BlockSizes.RoundUp(Images * image / sizeof(float), Prefetch.Line);
        WeightsLength = BlockSizes.RoundUp(_phases.WeightsLength, Prefetch.Line);
        Inner = context with { Sizes = _phases.Unit with { N = Images }, MaxWorkspaceBytes = Math.Max(0, context.MaxWorkspaceBytes - WorkspaceBytes) };
    }

    /// <summary>The convolution without strides of <see cref="Images"/>, and what it may use.</summary>
    public PlanContext Inner { get; }

    /// <summary>Images that are convolved at once; N is a multiple.</summary>
    public int Images { get; }

    /// <summary>
    /// How often the weights by phases stand in the workspace: for dw the sum and what is added to it; else once, or in the packed weights alone.
    /// </summary>
    public int Weights { get; }

    /// <summary>Floats of the images' planes.</summary>
    public long PlanesLength { get; }

    /// <summary>Floats of the weights by phases.</summary>
    public long WeightsLength { get; }

    /// <summary>What planes and weights take of the workspace.</summary>
    public long WorkspaceBytes => (PlanesLength + (Weights * WeightsLength)) * sizeof(float);

    /// <summary>In a few words.</summary>
    public string Details => $"{_context.Sizes.sh}×{_context.Sizes.sw} stride phases of {Images} image(s) at a time";

    /// <summary>
    /// Whether products and transforms take less time than a direct convolution, in multiply-adds at the peak of one core (measured on Zen 5 over
    /// 15 problems). Transforming the weights of y and dx counts half: where they were packed, it costs nothing; but three times that where U is made, and more than
    /// L3 holds (4×4 taps, stride 2, 256 channels 16², batch 8: plain 0.77 times as fast as implicit GEMM). A phase of few taps has too many zeros: 3×3 with stride 2
    /// was 0.55 to 1.0 times as fast, but for dx of 64→128 channels 112², 1.17; dw of 4×4 with stride 2 from 3 channels, where lanes are empty too, 0.7.
    /// </summary>
    public bool Pays
    {
        get
        {
            if ((long)_context.Sizes.KH * _context.Sizes.KW < FewestTaps * _context.Sizes.sh * _context.Sizes.sw) return false;
            bool isGradient = _direction == Direction.BackwardWeights;
            ConvSizes s = Inner.SizesOf(_direction) with { N = _context.Sizes.N };
            WinogradKernels kernels = isGradient
                ? WinogradChoice.GradientKernels(_context.Isa, s)
                : WinogradChoice.Kernels(_context.Isa, s);
            int taps = Inner.Sizes.KH * Inner.Sizes.KW * _context.Sizes.sh * _context.Sizes.sw;
            if (isGradient && s.GroupIC < kernels.Width && 2 * _context.Sizes.KH * _context.Sizes.KW < taps) return false;
            double points = kernels.Grid.Products, scale = points / 36;
            (int input, int output, int kernel) = isGradient ? (900, 330, 600) : (1200, 560, 450);   // of 36 points of a channel's tile, of a kernel
            double direct = _direction == Direction.BackwardData ? 1.25 : 1.1;   // the time of a multiply-add
            double tiles = kernels.Grid.WholeTiles, pairs = (double)s.GroupIC * s.GroupOC;
            int inputs = BlockSizes.RoundUp(s.GroupIC, kernels.Width), outputs = BlockSizes.RoundUp(s.GroupOC, kernels.Width);
            bool isByRows = !isGradient && WinogradChoice.IsLargeByRows(kernels.Grid);
            bool isFar = !isGradient && !(isByRows && Weights > 0) && sizeof(float) * points * pairs * s.G > CacheSizes.Machine.L3;
            double ofKernels = (isByRows ? 1 : scale) * (isFar ? 3 : 1);   // G·g takes as long for either kind of tiles
            double transforms = (scale * tiles * (((double)input * inputs) + ((double)output * outputs))) + (ofKernels * kernel * pairs);
            double products = points * tiles * (isGradient ? WinogradGradientTiling.TimeOf(kernels.Gemm, s) : pairs);
            s = _context.Sizes;
            return products + transforms < direct * s.N * s.OutputPixels * s.GroupOC * s.PatchLength;
        }
    }

    /// <summary>
    /// Null where there are no strides, the taps of a phase are not what <see cref="Winograd"/> can do, or there are pixels that no output reads: beside
    /// others of a tile they would be multiplied with zeros, and what they round, or a NaN, would remain.
    /// </summary>
    public static WinogradPhases? For(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        if (s is { sh: 1, sw: 1 } || s is not { dh: 1, dw: 1 } || (long)s.sh * s.sw > MostPhases || !ReadsAll(s)) return null;
        int taps = Math.Max(BlockSizes.CeilDiv(s.KH, s.sh), BlockSizes.CeilDiv(s.KW, s.sw));
        if (taps is < 2 or > 5) return null;
        taps = Math.Max(taps, 3);
        if ((long)s.IC * s.sh * s.sw * taps * taps > int.MaxValue) return null;
        WinogradPhases phases = new(context, direction, taps, smallest: false);
        return Winograd.WorkspaceOf(phases.Inner, direction).Workers > 0 ? phases : new(context, direction, taps, smallest: true);
    }

    /// <summary>Whether each pixel is read by an output.</summary>
    private static bool ReadsAll(in ConvSizes s) =>
        s.KH >= s.sh && s.KW >= s.sw
        && ((s.OH - 1L) * s.sh) + s.KH - s.pt >= s.IH && ((s.OW - 1L) * s.sw) + s.KW - s.pl >= s.IW;

    /// <summary>The pass.</summary>
    public ConvPass Plan()
    {
        _phases.ListTaps();
        return _direction == Direction.BackwardWeights ? new WinogradPhaseGradientPass(_context, this) : new WinogradPhasePass(_context, _direction, this);
    }

    /// <summary>The stride phases of some images.</summary>
    public void Split(float* x, float* planes, WorkerPool pool)
    {
        var task = new RowsTask(this, x, planes, joins: false);
        pool.For(_context.Threads, task.Count, ref task);
    }

    /// <summary>Some images from their stride phases.</summary>
    public void Join(float* planes, float* x, WorkerPool pool)
    {
        var task = new RowsTask(this, x, planes, joins: true);
        pool.For(_context.Threads, task.Count, ref task);
    }

    /// <summary>w by stride phases.</summary>
    public void SplitWeights(float* w, float* split, WorkerPool pool)
    {
        var task = new WeightsTask(_phases, w, split, joins: false);
        pool.For(_context.Threads, _context.Sizes.OC, ref task);
    }

    /// <summary>w from its stride phases.</summary>
    public void JoinWeights(float* split, float* w, WorkerPool pool)
    {
        var task = new WeightsTask(_phases, w, split, joins: true);
        pool.For(_context.Threads, _context.Sizes.OC, ref task);
    }

    /// <summary>The largest divisor of N that is not more, or 1.</summary>
    private static int ImagesAtOnce(int N, long most)
    {
        int images = (int)Math.Clamp(most, 1, N);
        while (N % images != 0) images--;
        return images;
    }

    /// <summary>
    /// for image, band of rows of its planes: in the order in which blocks of whole tiles are shared out, so that a worker finds most of what it reads in
    /// its own core's cache.
    /// </summary>
    private readonly struct RowsTask(WinogradPhases pass, float* x, float* planes, bool joins) : IParallelTask
    {
        private const int Bands = 8;

        public long Count => pass.Images * (long)Bands;

        public void Run(long index, int worker)
        {
            StridePhases phases = pass._phases;
            ConvSizes s = phases.Strided;
            (long n, long band) = Math.DivRem(index, Bands);
            int first = (int)(band * phases.Unit.IH / Bands), end = (int)((band + 1) * phases.Unit.IH / Bands);
            float* image = x + (n * s.IC * s.InputPixels);
            float* rows = planes + (n * s.IC * phases.Planes.ChannelStride) + (first * (nint)phases.Planes.Pitch);
            if (joins) phases.Join(pass._context.Isa, rows, image, first, end);
            else PhasePlanesFill.Run(pass._context.Isa, phases.Planes, image, s.IC, first, end - first, rows);
        }
    }

    /// <summary>for oc: its kernels.</summary>
    private readonly struct WeightsTask(StridePhases phases, float* w, float* split, bool joins) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            float* kernels = w + (index * phases.Strided.PatchLength), parts = split + (index * phases.Unit.PatchLength);
            if (joins) phases.JoinWeights(parts, phases.Strided.GroupIC, kernels);
            else phases.SplitWeights(kernels, phases.Strided.GroupIC, parts);
        }
    }
}
