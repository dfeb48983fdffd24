using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// How <see cref="Winograd"/> does strides: as a convolution without them over the <see cref="StridePhases"/> of some images at a time, whose planes stand in
/// the workspace.
/// </summary>
internal sealed unsafe class WinogradPhases
{
    // Of the workspace, for planes: more images at once share weights' transforms and begin fewer loops (measured on Zen 5: a third faster than one, two threads).
    private const int PlanesShare = 4;

    private readonly PlanContext _context;
    private readonly StridePhases _phases;

    public WinogradPhases(PlanContext context, int taps)
    {
        _context = context;
        _phases = new(context.Sizes, taps);
        long image = _phases.Unit.IC * (long)_phases.Unit.InputPixels;
        Images = ImagesAtOnce(context.Sizes.N, context.MaxWorkspaceBytes / PlanesShare / sizeof(float) / image);
        PlanesLength = BlockSizes.RoundUp(Images * image, Prefetch.Line);
        WeightsLength = BlockSizes.RoundUp(_phases.WeightsLength, Prefetch.Line);
        Inner = context with
        {
            Sizes = _phases.Unit with { N = Images },
            MaxWorkspaceBytes = Math.Max(0, context.MaxWorkspaceBytes - ((PlanesLength + (2 * WeightsLength)) * sizeof(float))),
        };
    }

    /// <summary>The convolution without strides, and what it may use.</summary>
    public PlanContext Inner { get; }

    /// <summary>Images that are convolved at once; N is a multiple.</summary>
    public int Images { get; }

    /// <summary>Floats of their planes.</summary>
    public long PlanesLength { get; }

    /// <summary>Floats of the weights in the order of the phases.</summary>
    public long WeightsLength { get; }

    /// <summary>Products of a group's direct convolution, for all images.</summary>
    public double DirectProducts
    {
        get
        {
            ConvSizes s = _context.Sizes;
            return (double)s.N * s.OutputPixels * s.GroupOC * s.PatchLength;
        }
    }

    /// <summary>In a few words.</summary>
    public string Details => $"{_context.Sizes.sh}×{_context.Sizes.sw} stride phases of {Images} images at a time";

    /// <summary>Lists what a pass that will run reads.</summary>
    public WinogradPhases Listed()
    {
        _phases.ListTaps();
        return this;
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

    /// <summary>sum += part, of the weights' gradient by stride phases.</summary>
    public void Add(float* sum, float* part, WorkerPool pool)
    {
        var task = new AddTask(WinogradKernels.For(_context.Isa, _phases.Unit), WeightsLength, sum, part);
        pool.For(_context.Threads, AddTask.Shares, ref task);
    }

    private static int ImagesAtOnce(int N, long most)
    {
        for (int images = (int)Math.Clamp(most, 1, N); ; images--)
        {
            if (N % images == 0) return images;
        }
    }

    /// <summary>
    /// for image, band of rows of the planes: in the order in which blocks of tiles are shared out, so that a worker finds most of what it reads in its own
    /// core's cache.
    /// </summary>
    private readonly struct RowsTask(WinogradPhases pass, float* x, float* planes, bool joins) : IParallelTask
    {
        private static readonly int Bands = int.Parse(Environment.GetEnvironmentVariable("BANDS") ?? "8", System.Globalization.CultureInfo.InvariantCulture);

        public long Count => pass.Images * (long)Bands;

        public void Run(long index, int worker)
        {
            StridePhases phases = pass._phases;
            ConvSizes s = phases.Strided;
            (long n, long band) = Math.DivRem(index, Bands);
            int first = (int)(band * phases.Unit.IH / Bands), end = (int)((band + 1) * phases.Unit.IH / Bands);
            float* image = x + (n * s.IC * s.InputPixels), to = planes + (n * s.IC * phases.Planes.ChannelStride) + (first * (nint)phases.Planes.Pitch);
            if (joins) Join(phases, to, image, first, end);
            else PhasePlanesFill.Run(pass._context.Isa, phases.Planes, image, s.IC, first, end - first, to);
        }

        private void Join(StridePhases phases, float* from, float* image, int first, int end)
        {
            ConvSizes s = phases.Strided;
            int row = phases.RowsIn(first), rows = phases.RowsIn(end) - row, phase = first == 0 ? phases.FirstRow : 0;
            for (int c = 0; c < s.IC; c++, from += phases.Planes.ChannelStride, image += s.InputPixels)
            {
                PlaneStore.Interleaved(
                    pass._context.Isa, from, phases.Planes.PlaneLength, s.sh, s.sw, phases.Planes.Pitch, rows, s.IW, image + ((nint)row * s.IW), phase,
                    phases.FirstColumn);
            }
        }
    }

    /// <summary>for oc: its kernels.</summary>
    private readonly struct WeightsTask(StridePhases phases, float* w, float* split, bool joins) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            int kernels = phases.Strided.GroupIC;
            float* from = w + (index * phases.Strided.PatchLength), to = split + (index * phases.Unit.PatchLength);
            if (joins) phases.Join(to, kernels, from);
            else phases.Split(from, kernels, to);
        }
    }

    /// <summary>for share: sum += part.</summary>
    private readonly struct AddTask(WinogradKernels kernels, long length, float* sum, float* part) : IParallelTask
    {
        public const int Shares = 16;

        public void Run(long index, int worker)
        {
            nint first = (nint)(length / Prefetch.Line * index / Shares * Prefetch.Line), end = (nint)(length / Prefetch.Line * (index + 1) / Shares * Prefetch.Line);
            kernels.Add(sum + first, part + first, end - first);
        }
    }
}
