using System.Runtime.InteropServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>One product: a patch grid, and where its points stand in the output plane.</summary>
/// <param name="Grid">Where B comes from.</param>
/// <param name="Kernel">Flat kernel position (kh·KW + kw) of each tap.</param>
/// <param name="Row">Output row of grid row 0.</param>
/// <param name="Column">Output column of grid column 0.</param>
/// <param name="PackedOffset">Where its packed weights begin, in floats.</param>
internal sealed record ImplicitGemmPart(PatchGrid Grid, int[] Kernel, int Row, int Column, long PackedOffset)
{
    /// <summary>What a block sees of a grid of one long row; null: blocks take whole rows.</summary>
    public PatchGrid? Window { get; init; }
}

/// <summary>The forward and backward-data pass of <see cref="ImplicitGemm"/>: its products one after the other.</summary>
internal sealed unsafe class ImplicitGemmPass : ConvPass
{
    private readonly PlanContext _context;
    private readonly Direction _direction;
    private readonly ImplicitGemmPart[] _parts;
    private readonly bool _someEmpty;
    private readonly ClassPanels.Place[]? _places;   // of the taps, where no part has all of them
    private readonly ImplicitGemmShape _shape;

    public ImplicitGemmPass(PlanContext context, Direction direction)
    {
        _direction = direction;
        _shape = new ImplicitGemmShape(context, direction);
        _context = _shape.Context;
        (_parts, _someEmpty) = direction == Direction.Forward ? (Forward(), false) : BackwardData();
        if (_parts.Length == 0) return;   // no output reads the image, only its padding: dx is 0
        ImplicitGemmPart last = _parts[^1];
        PackedWeightsBytes = (last.PackedOffset + PackedLength(last.Kernel.Length)) * sizeof(float);
        _shape.Block(_parts);
        _parts = Array.ConvertAll(_parts, part => _shape.TakesWindow(part.Grid) ? part with { Window = part.Grid.Window(_shape.MostColumns) } : part);
        if (!_shape.Filter(_parts[0]).HasAllTaps) _places = ClassPanels.PlacesOf(_shape, _parts, context.Sizes.KH * context.Sizes.KW);
    }

    public int Workers => _parts.Length == 0 ? 1 : _shape.Workers;

    public override long WorkspaceBytes => _shape.WorkerLength * Workers * sizeof(float);

    public override long PackedWeightsBytes { get; }

    public override bool PacksInRun => _parts.Length > 0 && _shape.PacksInRun;

    public override string Details =>
        $"kernel {_shape.Kernel.Name}, MC {_shape.Blocks.MC}, NC {_shape.NC}, KC {_shape.Blocks.KC}, {_parts.Length} product(s), " +
        (Array.Exists(_parts, _shape.Streams) ? "results past the caches, " : "") + $"{Workers} worker(s)";

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        if (_places is { } places)
        {
            var task = new ClassPanels(_shape, _context.Sizes, places, w, packed);
            pool.For(_context.Threads, task.Count, ref task);
        }
        else if (_parts is [ImplicitGemmPart part])
        {
            var task = new PackTask(_shape, _context.Sizes, part, w, packed);
            pool.For(_context.Threads, task.Count, ref task);
        }
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        if (_someEmpty)
        {
            var clear = new ClearTask(_context.Sizes, buffers.X);
            pool.For(_context.Threads, _context.Sizes.N, ref clear);
        }

        foreach (ImplicitGemmPart part in _parts)
        {
            var task = new ImplicitGemmProduct(_context, _shape, part, _direction, buffers, workspace);
            pool.For(Workers, task.Count, ref task);
        }
    }

    private long PackedLength(int taps) => (long)_context.Sizes.G * _shape.PaddedM * _shape.Channels * taps;

    private ImplicitGemmPart[] Forward()
    {
        PatchGrid grid = ImplicitGemm.ForwardGrid(_context.Sizes);
        return [new ImplicitGemmPart(grid, [.. Enumerable.Range(0, grid.Taps)], 0, 0, 0)];
    }

    private (ImplicitGemmPart[] Parts, bool SomeEmpty) BackwardData()
    {
        ConvSizes s = _context.Sizes;
        var parts = new List<ImplicitGemmPart>();
        bool someEmpty = false;
        long offset = 0;
        for (int rh = 0; rh < Math.Min(s.sh, s.IH); rh++)
        for (int rw = 0; rw < Math.Min(s.sw, s.IW); rw++)
        {
            (int[] kernel, Tap[] taps) = ResidueClass.BackwardData(s, rh, rw);
            if (kernel.Length == 0)
            {
                someEmpty = true;
                continue;
            }

            int rows = BlockSizes.CeilDiv(s.IH - rh, s.sh), columns = BlockSizes.CeilDiv(s.IW - rw, s.sw);
            parts.Add(new ImplicitGemmPart(new PatchGrid(s.OH, s.OW, rows, columns, 1, 1, taps), kernel, rh, rw, offset));
            offset += BlockSizes.RoundUp(PackedLength(kernel.Length), Prefetch.Line);
        }

        return ([.. parts], someEmpty);
    }

    /// <summary>for n: dx[n] = 0, where some residue class has no taps.</summary>
    private readonly unsafe struct ClearTask(ConvSizes s, float* dx) : IParallelTask
    {
        public void Run(long index, int worker) =>
            NativeMemory.Clear(dx + (index * s.IC * s.InputPixels), (nuint)((long)s.IC * s.InputPixels * sizeof(float)));
    }

    /// <summary>for g, channel block: the weights, [g][channel block][⌈M/MR⌉], in panels as <see cref="FilterPanels.Pack"/> makes them.</summary>
    private readonly unsafe struct PackTask(ImplicitGemmShape shape, ConvSizes s, ImplicitGemmPart part, float* w, float* packed) : IParallelTask
    {
        private readonly int _channelsPerBlock = shape.ChannelsPerBlock(part.Kernel.Length);

        public long Count => (long)s.G * BlockSizes.CeilDiv(shape.Channels, _channelsPerBlock);

        public void Run(long index, int worker)
        {
            (long g, long block) = Math.DivRem(index, BlockSizes.CeilDiv(shape.Channels, _channelsPerBlock));
            int first = (int)block * _channelsPerBlock;
            float* panels = packed + part.PackedOffset + (((g * shape.Channels) + first) * part.Kernel.Length * shape.PaddedM);
            shape.Filter(part).Pack(w + (g * s.GroupOC * s.PatchLength), 0, shape.M, first, Math.Min(_channelsPerBlock, shape.Channels - first), panels);
        }
    }
}
