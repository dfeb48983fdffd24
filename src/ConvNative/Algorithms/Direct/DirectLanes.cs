using System.Runtime.CompilerServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// <see cref="Direct"/> for small images with many channels, where a good part of the multiplications would be with padding: the lanes are
/// output channels, so that each tap is multiplied for just the rectangle of pixels for which it reads the image.
/// <code>
/// for group, block of images, panel of output channels            shared out; an item owns its part of the output
///   C = 0                                                         [pixel][channel]
///   for chunk of input channels
///     U[tap][ic][oc] = the kernels turned                         unless packed before
///     for image, row of pixels, piece of it                       LaneRows: the taps that read the image
///       C += Σ U · x
///   y = epilogue(Cᵀ)
/// </code>
/// dx is the convolution of dy with the kernels turned by 180° and the roles of the channels exchanged. Each element is summed over chunks of
/// channels that the shape and the caches decide, then taps, then channels.
/// </summary>
internal sealed unsafe class DirectLanes : DirectForm
{
    /// <summary>For so many images it is no matter that each thread turns the weights.</summary>
    private const int ImagesPerTurn = 4;

    private readonly PlanContext _context;
    private readonly bool _forward;
    private readonly ConvSizes _s;
    private readonly LaneKernels _kernels;
    private readonly PanelPacker _packer;
    private readonly int _panels;
    private readonly int _ICs;
    private readonly int _images;
    private readonly Piece[] _pieces;
    private readonly LaneSkip[] _skips;

    public DirectLanes(PlanContext context, Direction direction)
    {
        _context = context;
        _forward = direction == Direction.Forward;
        _s = context.SizesOf(direction);
        (_kernels, _packer) = (LaneKernels.For(context.Isa), PanelPacker.For(context.Isa));
        (_pieces, _skips) = Cut();
        CacheSizes caches = CacheSizes.Machine;
        _panels = BlockSizes.CeilDiv(Vectors, _kernels.MostVectors);
        // Few chunks, since each reads and writes C (measured on Zen 5).
        int most = (int)Math.Max(8, caches.L2 / 3 / (sizeof(float) * (long)Taps * MostLanes));
        _ICs = BlockSizes.Balance(_s.GroupIC, most, 1);
        _images = BlockSizes.Balance(_s.N, (int)Math.Clamp(caches.L2 / 4 / (sizeof(float) * (long)_s.OutputPixels * MostLanes), 1, _s.N), 1);
        // An item turns its weights for itself, which is a fifth of a 7×7 image's time: with few panels threads had better share out images.
        int share = Math.Min(_images, BlockSizes.CeilDiv(_s.N, context.Threads));
        if (!IsEven(_images) && IsEven(share) && _s.N >= ImagesPerTurn * context.Threads) _images = share;
        while (!IsEven(_images) && _panels < Math.Min(Vectors, 4 * context.Threads)) _panels++;
        if ((long)_s.G * ImageBlocks * _panels < context.Threads) _images = BlockSizes.CeilDiv(_s.N, BlockSizes.CeilDiv(context.Threads, _s.G * _panels));
        while ((Workers = (int)Math.Min(context.Threads, context.MaxWorkspaceBytes / (sizeof(float) * WorkerLength))) == 0
            && (_images > 1 || _panels < Vectors))
        {
            if (_images > 1) _images = BlockSizes.CeilDiv(_images, 2);
            else _panels++;
        }
    }

    /// <summary>Whether all threads have as many items, where an item is so many images.</summary>
    private bool IsEven(int images) => (long)_s.G * BlockSizes.CeilDiv(_s.N, images) * _panels % _context.Threads == 0;

    /// <summary>Always: <see cref="LaneKernels.Suit"/> says where it is chosen.</summary>
    public override bool Pays => true;

    public override long WorkspaceBytes => WorkerLength * Workers * sizeof(float);

    public override long PackedWeightsBytes => (long)_s.G * _panels * Chunks * ChunkLength * sizeof(float);

    public override bool PacksInRun => true;

    public override string Details =>
        $"channels in lanes, {_panels} panel(s) of up to {MostLanes}, {_ICs} channels at once, blocks of {_images} image(s), padding left out, {Workers} worker(s)";

    private int Taps => _s.KH * _s.KW;

    private int Vectors => BlockSizes.CeilDiv(_s.GroupOC, _kernels.Width);

    private int MostLanes => BlockSizes.CeilDiv(Vectors, _panels) * _kernels.Width;

    private int Chunks => BlockSizes.CeilDiv(_s.GroupIC, _ICs);

    private int ImageBlocks => BlockSizes.CeilDiv(_s.N, _images);

    /// <summary>Floats between the taps of a chunk of weights.</summary>
    private nint TapStride => ((nint)_ICs * MostLanes) + CacheSizes.Skew;

    private long ChunkLength => Taps * (long)TapStride;

    private long ImageLength => (long)_s.OutputPixels * MostLanes;

    private int TurnedRow => BlockSizes.RoundUp(_s.OutputPixels, _kernels.Width);

    private long WorkerLength => ChunkLength + (_images * ImageLength) + ((long)TurnedRow * MostLanes);

    public override void PackWeights(float* w, float* packed, WorkerPool pool)
    {
        var task = new PackTask(this, w, packed);
        pool.For(_context.Threads, (long)_s.G * _panels * Chunks, ref task);
    }

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new PanelTask(this, buffers, workspace);
        pool.For(Workers, (long)_s.G * ImageBlocks * _panels, ref task);
    }

    private int FirstVector(int panel) => (int)((long)panel * Vectors / _panels);

    private int VectorsOf(int panel) => FirstVector(panel + 1) - FirstVector(panel);

    /// <summary>U[tap][ic][oc] of a chunk.</summary>
    private void Turn(float* w, int g, int panel, int chunk, float* u)
    {
        // w is [OC][IC/G][KH·KW] of the problem; its roles are exchanged where _s is the convolution from dy to dx.
        FilterOrder order = _forward
            ? new((nint)_s.GroupIC * Taps, Taps, Flipped: false)
            : new(Taps, (nint)_s.GroupOC * Taps, Flipped: true);
        int vectors = VectorsOf(panel), oc = FirstVector(panel) * _kernels.Width, ic = chunk * _ICs;
        for (int v = 0; v < vectors; v++, oc += _kernels.Width)
        {
            float* from = w + ((nint)g * _s.GroupOC * _s.GroupIC * Taps) + (oc * order.LaneStride) + (ic * order.KStride);
            _kernels.Filter(
                from, order, Taps, Math.Min(_kernels.Width, _s.GroupOC - oc), Math.Min(_ICs, _s.GroupIC - ic), u + (v * _kernels.Width), TapStride,
                vectors * _kernels.Width);
        }
    }

    /// <summary>C += a chunk's part of one image. x: the chunk's first channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(float* x, int ICs, float* u, int vectors, float* c)
    {
        int lanes = vectors * _kernels.Width;
        var kernel = _kernels.Of(vectors);
        var product = new LaneProduct
        {
            RowStep = (nint)_s.dh * _s.IW, ColumnStep = _s.dw, KStep = _s.InputPixels, RowTaps = _s.KW * TapStride, TapStep = TapStride, K = ICs,
        };
        for (int oh = 0; oh < _s.OH; oh++)
        {
            TapRange rows = TapRange.Inside(_s.IH, _s.KH, _s.dh, oh - _s.pt);
            product.Rows = rows.Length;
            if (rows.Length == 0) continue;
            float* weights = u + (rows.First * product.RowTaps), from = x + ((oh + (rows.First * _s.dh) - _s.pt) * (nint)_s.IW) - _s.pl;
            float* to = c + ((nint)oh * _s.OW * lanes);
            foreach (ref readonly Piece piece in _pieces.AsSpan())
            {
                product.B = weights + (piece.FirstTap * TapStride);
                product.A = from + (piece.FirstTap * _s.dw) + piece.Column;
                product.C = to + (piece.Column * lanes);
                product.Columns = piece.Taps;
                product.Skips = (LaneSkip*)Unsafe.AsPointer(ref _skips[piece.Skips]);
                kernel(product, piece.Pixels);
            }
        }
    }

    /// <summary>Neighbouring pixels of a row and the columns of the kernel that are summed up for them at once.</summary>
    private readonly record struct Piece(int Column, int Pixels, int FirstTap, int Taps, int Skips);

    /// <summary>
    /// Rows in as few and as equal pieces as the kernels allow, for all columns of the kernel; where one of these leaves out more pixels of a piece
    /// than kernels know, each column's own pixels by themselves.
    /// </summary>
    private (Piece[] Pieces, LaneSkip[] Skips) Cut()
    {
        var pieces = new List<Piece>();
        var skips = new List<LaneSkip>();
        foreach ((int column, int pixels) in Parts(0, _s.OW))
        {
            LaneSkip?[] each = [.. Enumerable.Range(0, _s.KW).Select(kw => SkipOf(ColumnsOf(kw), column, pixels))];
            if (Array.TrueForAll(each, skip => skip is not null))
            {
                pieces.Add(new(column, pixels, 0, _s.KW, skips.Count));
                skips.AddRange(each.Select(skip => skip!.Value));
                continue;
            }

            for (int kw = 0; kw < _s.KW; kw++)
            {
                TapRange own = ColumnsOf(kw).Intersect(new(column, column + pixels));
                if (own.Length == 0) continue;
                pieces.Add(new(own.First, own.Length, kw, 1, skips.Count));
                skips.Add(LaneSkip.None);
            }
        }

        LaneSkip[] pinned = GC.AllocateArray<LaneSkip>(Math.Max(1, skips.Count), pinned: true);
        skips.CopyTo(pinned);
        return ([.. pieces], pinned);
    }

    private TapRange ColumnsOf(int kw) => TapRange.Inside(_s.IW, _s.OW, 1, (kw * _s.dw) - _s.pl);

    private IEnumerable<(int Column, int Pixels)> Parts(int column, int end)
    {
        for (int parts = BlockSizes.CeilDiv(end - column, _kernels.MostPixels); parts > 0; parts--)
        {
            int pixels = BlockSizes.CeilDiv(end - column, parts);
            yield return (column, pixels);
            column += pixels;
        }
    }

    private static LaneSkip? SkipOf(TapRange inside, int column, int pixels)
    {
        int left = Math.Max(0, inside.First - column), right = Math.Max(0, column + pixels - inside.End);
        if (left + right >= pixels) return LaneSkip.All;
        if (Math.Max(left, right) > (int)LaneSkip.Left3 || Math.Min(left, right) > 0) return null;
        return right > 0 ? LaneSkip.Left3 + right : (LaneSkip)left;
    }

    /// <summary>for g, panel, chunk: U, in packed weights.</summary>
    private readonly struct PackTask(DirectLanes pass, float* w, float* packed) : IParallelTask
    {
        public void Run(long index, int worker)
        {
            (long rest, long chunk) = Math.DivRem(index, pass.Chunks);
            (long g, long panel) = Math.DivRem(rest, pass._panels);
            pass.Turn(w, (int)g, (int)panel, (int)chunk, packed + (index * pass.ChunkLength));
        }
    }

    /// <summary>for g, block of images, panel: its part of the output.</summary>
    private readonly struct PanelTask(DirectLanes pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;

        public void Run(long index, int worker)
        {
            (long rest, long panel) = Math.DivRem(index, pass._panels);
            (long g, long block) = Math.DivRem(rest, pass.ImageBlocks);
            int n = (int)block * pass._images, images = Math.Min(pass._images, _s.N - n), vectors = pass.VectorsOf((int)panel);
            float* own = workspace + (worker * pass.WorkerLength), c = own + pass.ChunkLength;
            nint image = (nint)_s.OutputPixels * vectors * pass._kernels.Width;
            new Span<float>(c, (int)(images * image)).Clear();
            for (int chunk = 0; chunk < pass.Chunks; chunk++)
            {
                float* u = own;
                if (buffers.Packed != null) u = buffers.Packed + (((((g * pass._panels) + panel) * pass.Chunks) + chunk) * pass.ChunkLength);
                else pass.Turn(buffers.W, (int)g, (int)panel, chunk, u);
                int ic = chunk * pass._ICs, ICs = Math.Min(pass._ICs, _s.GroupIC - ic);
                for (int i = 0; i < images; i++) pass.Multiply(Source(n + i, g) + (ic * (nint)_s.InputPixels), ICs, u, vectors, c + (i * image));
            }

            for (int i = 0; i < images; i++) Store(n + i, g, (int)panel, c + (i * image), c + (pass._images * pass.ImageLength));
        }

        private float* Source(int n, long g) =>
            (pass._forward ? buffers.X : buffers.Y) + ((((long)n * _s.IC) + (g * _s.GroupIC)) * _s.InputPixels);

        /// <summary>The panel's channels of an image, by way of turned rows.</summary>
        private void Store(int n, long g, int panel, float* c, float* turned)
        {
            int width = pass._kernels.Width, oc = pass.FirstVector(panel) * width, lanes = pass.VectorsOf(panel) * width;
            long channel = (g * _s.GroupOC) + oc, at = (((long)n * _s.OC) + channel) * _s.OutputPixels;
            pass._packer.FromColumns(c, lanes, lanes, _s.OutputPixels, pass.TurnedRow, turned);
            TileStore store = pass._forward
                ? pass._context.Epilogue(buffers.B == null ? null : buffers.B + channel, buffers.Residual == null ? null : buffers.Residual + at)
                : default;
            (store.Rows, store.Columns) = (Math.Min(lanes, _s.GroupOC - oc), _s.OutputPixels);
            Epilogue.Copy(pass._context.Isa, store, turned, pass.TurnedRow, (pass._forward ? buffers.Y : buffers.X) + at, _s.OutputPixels);
        }
    }
}
