using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// How <see cref="Winograd"/> does dilation: as a convolution without it over the images of <see cref="DilationPhases"/>, which stand in the workspace, of x as
/// well as of y. They are made, convolved and laid back for some row phases at a time; how many follows from the shape and the limit of the workspace alone.
/// </summary>
internal sealed unsafe class WinogradDilation
{
    /// <summary>Of a dilation of 32 in both dimensions; beyond it nothing was measured.</summary>
    public const int MostPhases = 1024;

    // Of the workspace, for planes.
    private const int PlanesShare = 2;

    // Planes at once, of L2: they shall be near when they are read (measured on Zen 5: 8 images 28², dilation 2, 64 to 256 channels, 1.15 to 1.35 times as fast as with 16 MB). And of
    // the weights, which each part reads or adds to (512 channels, 65², dilation 12: dw 1.2 times as fast as with 4 MB).
    private const int NearPlanes = 4, PlanesOfWeights = 2;

    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly DilationPhases _phases;

    private WinogradDilation(PlanContext context, Direction direction, bool smallest)
    {
        (_context, _direction, _phases) = (context, direction, new DilationPhases(context.Sizes));
        ConvSizes s = context.Sizes;
        long all = (long)s.N * s.dh, each = sizeof(float) * ((long)_phases.X.Length + _phases.Y.Length), weights = sizeof(float) * (long)s.OC * s.PatchLength;
        long most = Math.Max((long)NearPlanes * CacheSizes.Machine.L2, PlanesOfWeights * weights);
        most = Math.Min(Math.Min(most, context.MaxWorkspaceBytes / PlanesShare) / each, int.MaxValue / s.dw);
        RowPhases = smallest ? 1 : (int)LargestDivisor(all, most);
        Parts = all / RowPhases;
        XLength = BlockSizes.RoundUp(RowPhases * (long)_phases.X.Length, Prefetch.Line);
        YLength = BlockSizes.RoundUp(RowPhases * (long)_phases.Y.Length, Prefetch.Line);
        WeightsLength = direction == Direction.BackwardWeights && Parts > 1 ? BlockSizes.RoundUp((long)s.OC * s.PatchLength, Prefetch.Line) : 0;
        Inner = context with { Sizes = _phases.Unit with { N = RowPhases * s.dw }, MaxWorkspaceBytes = Math.Max(0, context.MaxWorkspaceBytes - WorkspaceBytes) };
    }

    /// <summary>The convolution without dilation of <see cref="RowPhases"/>, and what it may use.</summary>
    public PlanContext Inner { get; }

    /// <summary>Row phases that are convolved at once; the number of all images' is a multiple.</summary>
    public int RowPhases { get; }

    /// <summary>How often that is all.</summary>
    public long Parts { get; }

    /// <summary>Floats of the planes of x.</summary>
    public long XLength { get; }

    /// <summary>Floats of the planes of y.</summary>
    public long YLength { get; }

    /// <summary>Floats of what one of several parts adds to dw.</summary>
    public long WeightsLength { get; }

    /// <summary>What all these take of the workspace.</summary>
    public long WorkspaceBytes => (XLength + YLength + WeightsLength) * sizeof(float);

    /// <summary>In a few words.</summary>
    public string Details => $"{RowPhases} of {Parts * RowPhases} row phases of dilation {_context.Sizes.dh}×{_context.Sizes.dw} at a time";

    /// <summary>
    /// Whether products, transforms and copies take less time than a convolution at the peak of one core, which leaves out padding where the others do, in
    /// multiply-adds for each pair of channels (measured on Zen 5 over 60 problems). U, or the products of a gradient, take longer where they are more than L3 holds: 2048→256
    /// channels 33², dilation 8, 0.8 to 0.9 times as fast as Direct.
    /// </summary>
    public bool Pays
    {
        get
        {
            const double Pixel = 27;      // to copy a number there or back
            const double FarTap = 12;     // of a product of a kernel that is not near, for each tap of a row
            const double Part = 20;       // of a product of a kernel, for each part of a gradient but the first
            const double Gradient = 1.15; // what a gradient takes longer than that: 256 channels 14², dilation 3, 0.9 times as fast as implicit GEMM
            bool isGradient = _direction == Direction.BackwardWeights;
            ConvSizes all = _context.SizesOf(_direction), s = Inner.SizesOf(_direction);
            WinogradKernels kernels = isGradient ? WinogradChoice.GradientKernels(_context.Isa, s) : WinogradChoice.Kernels(_context.Isa, s);
            bool isByRows = isGradient ? WinogradGradientTiling.For(Inner).ByRows : WinogradTiling.For(Inner with { Threads = 1 }, s, kernels).ByRows;
            s = s with { N = all.N * all.dh * all.dw };
            double pairs = (double)s.GroupIC * s.GroupOC, points = kernels.Grid.Products;
            double time = Pixel * all.N * (((double)s.GroupIC * all.InputPixels) + ((double)s.GroupOC * all.OutputPixels)) / pairs;
            if (!isByRows && sizeof(float) * pairs * s.G * points > CacheSizes.Machine.L3) time += FarTap * s.KH * points;
            kernels = WinogradKernels.For(_context.Isa, s, kernels.Grid.Tile);
            if (isGradient) return Gradient * (time + (Part * points * (Parts - 1)) + WinogradChoice.GradientTime(kernels, s)) < (double)all.N * all.TapsInside;
            double direct = LaneKernels.Suit(_context.Isa, all) ? LaneKernels.Cost(_context.Isa, all) : (double)s.KH * s.KW * all.N * all.OutputPixels;
            return time + WinogradChoice.Time(kernels, s) < direct;
        }
    }

    /// <summary>
    /// Null where there is no dilation, or strides too, or kernels are not what <see cref="Winograd"/> can do, or a phase has no output: what dw would take from its
    /// pixels is nothing, but for a NaN.
    /// </summary>
    public static WinogradDilation? For(PlanContext context, Direction direction)
    {
        ConvSizes s = context.Sizes;
        if (s is { dh: 1, dw: 1 } or not { sh: 1, sw: 1, KH: >= 3 and <= 5 } || s.KH != s.KW) return null;
        if ((long)s.dh * s.dw > MostPhases || (long)s.N * s.dh * s.dw > int.MaxValue || s.OH < s.dh || s.OW < s.dw) return null;
        WinogradDilation dilation = new(context, direction, smallest: false);
        return Winograd.WorkspaceOf(dilation.Inner, direction).Workers > 0 ? dilation : new(context, direction, smallest: true);
    }

    /// <summary>The pass.</summary>
    public ConvPass Plan() =>
        _direction == Direction.BackwardWeights ? new WinogradDilatedGradientPass(_context, this) : new WinogradDilatedPass(_context, _direction, this);

    /// <summary>The phases of a part of x.</summary>
    public void SplitX(long part, float* x, float* planes, WorkerPool pool) => Run(_phases.X, part, x, planes, joins: false, pool);

    /// <summary>A part of x from its phases.</summary>
    public void JoinX(long part, float* planes, float* x, WorkerPool pool) => Run(_phases.X, part, x, planes, joins: true, pool);

    /// <summary>The phases of a part of y.</summary>
    public void SplitY(long part, float* y, float* planes, WorkerPool pool) => Run(_phases.Y, part, y, planes, joins: false, pool);

    /// <summary>A part of y from its phases.</summary>
    public void JoinY(long part, float* planes, float* y, WorkerPool pool) => Run(_phases.Y, part, y, planes, joins: true, pool);

    private void Run(DilationPlanes phases, long part, float* images, float* planes, bool joins, WorkerPool pool)
    {
        var task = new PlanesTask(this, phases, part * RowPhases, images, planes, joins);
        pool.For(_context.Threads, task.Count, ref task);
    }

    /// <summary>The largest divisor that is not more than the limit, or 1.</summary>
    private static long LargestDivisor(long number, long most)
    {
        long divisor = Math.Clamp(most, 1, number);
        while (number % divisor != 0) divisor--;
        return divisor;
    }

    /// <summary>
    /// for row phase, some channels: in the order in which blocks of whole tiles are shared out, so that a worker finds most of what it reads in its own core's
    /// cache.
    /// </summary>
    private readonly struct PlanesTask(WinogradDilation pass, DilationPlanes phases, long first, float* images, float* planes, bool joins) : IParallelTask
    {
        private const int Channels = 16;

        public long Count => (long)pass.RowPhases * Chunks;

        private int Chunks => BlockSizes.CeilDiv(phases.Channels, Channels);

        public void Run(long index, int worker)
        {
            (long inPart, long chunk) = Math.DivRem(index, Chunks);
            (long n, long phase) = Math.DivRem(first + inPart, pass._context.Sizes.dh);
            int channel = (int)chunk * Channels, count = Math.Min(Channels, phases.Channels - channel);
            float* image = images + ((nint)n * phases.ImageLength) + (channel * (nint)phases.Height * phases.Width);
            float* ofPhase = planes + ((nint)inPart * phases.Length) + (channel * (nint)phases.Rows * phases.Columns);
            if (joins) DilationSplit.Join(pass._context.Isa, phases, (int)phase, ofPhase, count, image);
            else DilationSplit.Run(pass._context.Isa, phases, (int)phase, image, count, ofPhase);
        }
    }
}
