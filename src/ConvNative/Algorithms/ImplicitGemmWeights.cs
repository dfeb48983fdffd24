using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The backward-weights pass of <see cref="ImplicitGemm"/>: dwᵀ[(ic, kh, kw) × OC] += patches of x · dyᵀ, over blocks of grid points that
/// are small enough for L1. dy is transposed per block, so that output channels lie side by side; x is read from padded rows, in
/// which a tap is a constant offset, and no patch is written.
/// <code>
/// for g, input-channel chunk, output-channel chunk              shared out; an item owns its part of dw
///   for block of points (images × rows)                         always in this order: the sums do not depend on the chunks
///     pad x, transpose dy
///     for output-channel panel, 6 rows of (ic, kh, kw)          WeightGradient6x2
///   dw = (dwᵀ)ᵀ
/// </code>
/// </summary>
internal sealed unsafe class ImplicitGemmWeights : ConvPass
{
    private readonly PlanContext _context;
    private readonly ConvSizes _s;
    private readonly PatchGrid _grid;
    private readonly WeightGradientKernel _kernel;
    private readonly PanelPacker _packer;
    private readonly PatchPacker _patches;
    private int _blockRows;
    private int _blockImages;
    private int _ICs;
    private int _OCs;

    public ImplicitGemmWeights(PlanContext context, PatchGrid grid)
    {
        (_context, _s, _grid) = (context, context.Sizes, grid);
        (_kernel, _packer, _patches) = (WeightGradientKernel.For(context.Isa), PanelPacker.For(context.Isa), PatchPacker.For(context.Isa));
        int points = Math.Max(1, CacheSizes.Machine.L1 / 2 / (sizeof(float) * _kernel.NR));
        _blockRows = BlockSizes.Balance(grid.Rows, Math.Max(1, points / grid.Columns), 1);
        _blockImages = _blockRows < grid.Rows ? 1 : Math.Clamp(points / grid.Points, 1, _s.N);
        ChooseChunks();
        FitWorkspace();
    }

    /// <summary>How many items run at once; 0: not one fits the workspace limit.</summary>
    public int Workers { get; private set; }

    public override long WorkspaceBytes => WorkerLength * Workers * sizeof(float);

    public override string Details =>
        $"kernel {_kernel.Name}, blocks of {_blockImages}×{_blockRows} rows, items of {_ICs} input and {_OCs} output channels, {Workers} worker(s)";

    private int Taps => _grid.Taps;

    private bool ReadsInPlace => _grid.IsIdentity;

    private int BlockPoints => _blockImages * _blockRows * _grid.Columns;

    private nint ChannelStride => ReadsInPlace ? _grid.Points : (nint)_grid.PaddedRowCount(_blockRows) * _grid.Pitch;

    private nint ImageStride => ReadsInPlace ? (nint)_s.IC * _grid.Points : ChannelStride * _ICs;

    private int PaddedRows => BlockSizes.RoundUp(_ICs * Taps, _kernel.MR);

    private int PaddedOCs => BlockSizes.RoundUp(_OCs, _kernel.NR);

    private int ICChunks => BlockSizes.CeilDiv(_s.GroupIC, _ICs);

    private int OCChunks => BlockSizes.CeilDiv(_s.GroupOC, _OCs);

    // Scratch of a worker, in floats: padded rows, dy panels, dwᵀ, and the offset tables.
    private long SourceLength => ReadsInPlace ? 0 : Align((ImageStride * _blockImages) + (2 * _kernel.NR));

    private long PanelsLength => Align((long)PaddedOCs * BlockPoints);

    private long ResultLength => Align((long)PaddedRows * PaddedOCs);

    private long TablesLength => Align((PaddedRows + ((long)_blockImages * _blockRows)) * sizeof(nint) / sizeof(float));

    private long WorkerLength => SourceLength + PanelsLength + ResultLength + TablesLength;

    public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
    {
        var task = new ItemTask(this, buffers, workspace);
        pool.For(Workers, (long)_s.G * ICChunks * OCChunks, ref task);
        BiasGradientTask.Run(_context, buffers, pool);
    }

    /// <summary>Two items a thread where there are channels enough; one thread takes all channels at once.</summary>
    private void ChooseChunks()
    {
        (_ICs, _OCs) = (_s.GroupIC, _s.GroupOC);
        if (_context.Threads == 1) return;
        int wanted = BlockSizes.CeilDiv(2 * _context.Threads, _s.G);
        _ICs = BlockSizes.CeilDiv(_s.GroupIC, wanted);
        int panels = BlockSizes.CeilDiv(_s.GroupOC, _kernel.NR);
        _OCs = Math.Min(_s.GroupOC, BlockSizes.CeilDiv(panels, BlockSizes.CeilDiv(wanted, ICChunks)) * _kernel.NR);
    }

    private void FitWorkspace()
    {
        while (true)
        {
            Workers = (int)Math.Min(_context.Threads, _context.MaxWorkspaceBytes / (WorkerLength * sizeof(float)));
            if (Workers > 0) return;
            if (_ICs > 1) _ICs = BlockSizes.CeilDiv(_ICs, 2);
            else if (_OCs > _kernel.NR) _OCs = BlockSizes.RoundUp(_OCs / 2, _kernel.NR);
            else if (_blockImages > 1) _blockImages = 1;
            else if (_blockRows > 1) _blockRows /= 2;
            else return;
        }
    }

    private static long Align(long length) => (length + 15) / 16 * 16;

    private readonly struct ItemTask(ImplicitGemmWeights pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;
        private readonly PatchGrid _grid = pass._grid;

        public void Run(long index, int worker)
        {
            (long rest, long ocChunk) = Math.DivRem(index, pass.OCChunks);
            (long g, long icChunk) = Math.DivRem(rest, pass.ICChunks);
            int ic = (int)icChunk * pass._ICs, oc = (int)ocChunk * pass._OCs;
            int ICs = Math.Min(pass._ICs, _s.GroupIC - ic), OCs = Math.Min(pass._OCs, _s.GroupOC - oc);
            float* source = workspace + (worker * pass.WorkerLength);
            float* panels = source + pass.SourceLength;
            float* result = panels + pass.PanelsLength;
            nint* taps = (nint*)(result + pass.ResultLength);
            FillTaps(taps, ICs);

            bool accumulate = false;
            for (int n = 0; n < _s.N; n += pass._blockImages)
            {
                for (int row = 0; row < _grid.Rows; row += pass._blockRows)
                {
                    var block = new Block(n, Math.Min(pass._blockImages, _s.N - n), row, Math.Min(pass._blockRows, _grid.Rows - row));
                    float* x = Pad(block, (int)g, ic, ICs, source);
                    TransposeDY(block, (int)g, oc, OCs, panels);
                    Multiply(block, x, ICs, OCs, panels, taps, result, accumulate);
                    accumulate = true;
                }
            }

            WriteGradient(result, ICs * pass.Taps, OCs, buffers.W + (((g * _s.GroupOC) + oc) * _s.PatchLength) + ((long)ic * pass.Taps));
        }

        /// <summary>dw[oc, r] = result[r, oc]: eight rows at a time, so that dw is written in whole vectors.</summary>
        private void WriteGradient(float* result, int rows, int OCs, float* dw)
        {
            int r = 0;
            for (; LaneTranspose.Has8 && r <= rows - 8; r += 8)
                LaneTranspose.Pack8(result + ((nint)r * pass.PaddedOCs), pass.PaddedOCs, OCs, 8, _s.PatchLength, dw + r);
            Transpose.Run(pass._context.Isa, rows - r, OCs, result + ((nint)r * pass.PaddedOCs), pass.PaddedOCs, dw + r, _s.PatchLength);
        }

        /// <summary>Images [N, N + Images), grid rows [Row, Row + Rows) of each.</summary>
        private readonly record struct Block(int N, int Images, int Row, int Rows);

        // The rows that fill up the last tile read what the last one reads; nobody looks at their sums.
        private void FillTaps(nint* taps, int ICs)
        {
            int count = ICs * pass.Taps;
            for (int i = 0; i < BlockSizes.RoundUp(count, pass._kernel.MR); i++)
            {
                (int c, int t) = Math.DivRem(Math.Min(i, count - 1), pass.Taps);
                taps[i] = (c * pass.ChannelStride) + _grid.TapOffsets[t];
            }
        }

        private float* Pad(in Block block, int g, int ic, int ICs, float* source)
        {
            float* planes = buffers.X + ((((long)block.N * _s.IC) + ((long)g * _s.GroupIC) + ic) * _s.InputPixels);
            if (pass.ReadsInPlace) return planes + ((nint)block.Row * _grid.Columns);
            for (int n = 0; n < block.Images; n++)
            {
                pass._patches.Fill(
                    _grid, planes + (n * (long)_s.IC * _s.InputPixels), ICs, block.Row, block.Rows, source + (n * pass.ImageStride), pass.ChannelStride);
            }

            return source;
        }

        /// <summary>panels[OCs / NR][points of all images][NR].</summary>
        private void TransposeDY(in Block block, int g, int oc, int OCs, float* panels)
        {
            int NR = pass._kernel.NR, points = block.Rows * _grid.Columns;
            for (int j = 0; j < OCs; j += NR)
            {
                for (int n = 0; n < block.Images; n++, panels += (nint)points * NR)
                {
                    float* dy = buffers.Y + (((((long)block.N + n) * _s.OC) + ((long)g * _s.GroupOC) + oc + j) * _s.OutputPixels) + ((long)block.Row * _grid.Columns);
                    pass._packer.FromColumns(dy, _s.OutputPixels, points, Math.Min(NR, OCs - j), NR, panels);
                }
            }
        }

        private void Multiply(in Block block, float* x, int ICs, int OCs, float* panels, nint* taps, float* result, bool accumulate)
        {
            // Where x is read in place the rows of an image are one run.
            int rowsPerImage = pass.ReadsInPlace ? 1 : block.Rows;
            int columns = pass.ReadsInPlace ? block.Rows * _grid.Columns : _grid.Columns;
            nint* rowOffsets = taps + pass.PaddedRows;
            for (int i = 0; i < block.Images * rowsPerImage; i++)
                rowOffsets[i] = (i / rowsPerImage * pass.ImageStride) + (i % rowsPerImage * _grid.RowStep);

            int MR = pass._kernel.MR, NR = pass._kernel.NR, rows = block.Images * rowsPerImage;
            for (int j = 0; j < OCs; j += NR, panels += (nint)rows * columns * NR)
            {
                for (int r = 0; r < ICs * pass.Taps; r += MR)
                    pass._kernel.Run(rows, rowOffsets, columns, x, taps + r, panels, result + ((nint)r * pass.PaddedOCs) + j, pass.PaddedOCs, accumulate);
            }
        }
    }
}
