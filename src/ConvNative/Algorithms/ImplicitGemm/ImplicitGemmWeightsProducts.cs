using System.Runtime.CompilerServices;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>The products of <see cref="ImplicitGemmWeights"/>.</summary>
internal sealed unsafe partial class ImplicitGemmWeights
{
    /// <summary>for g, part, output-channel chunk, input-channel chunk: that part of C, block by block.</summary>
    private readonly struct ProductTask(ImplicitGemmWeights pass, ConvBuffers buffers, float* workspace) : IParallelTask
    {
        private readonly ConvSizes _s = pass._s;
        private readonly PatchGrid _grid = pass._grid;

        public long Count => (long)_s.G * pass._parts * pass._OCs.Count * pass._ICs.Count;

        /// <summary>A part of the points and a chunk of the weights.</summary>
        private readonly record struct Item(int G, int Part, int IC, int ICs, int OC, int OCs);

        /// <summary>Images [N, N + Images), points [Point, Point + Points) of each.</summary>
        private readonly record struct Block(int N, int Images, int Point, int Points);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            (long rest, long icChunk) = Math.DivRem(index, pass._ICs.Count);
            (rest, long ocChunk) = Math.DivRem(rest, pass._OCs.Count);
            (long g, long part) = Math.DivRem(rest, pass._parts);
            int ic = pass._ICs.Begin((int)icChunk), oc = pass._OCs.Begin((int)ocChunk);
            var item = new Item((int)g, (int)part, ic, pass._ICs.Begin((int)icChunk + 1) - ic, oc, pass._OCs.Begin((int)ocChunk + 1) - oc);
            float* scratch = workspace + pass.SharedLength + (worker * pass.WorkerStep);
            if (SumsBias(item)) new Span<double>(BiasSums(item), item.OCs).Clear();
            int first = (int)(part * pass.Blocks / pass._parts), end = (int)((part + 1) * pass.Blocks / pass._parts);
            for (int b = first; b < end; b++) Multiply(item, BlockAt(b), b + 1 < end ? BlockAt(b + 1) : default, isFirst: b == first, scratch);
            if (!pass.TurnsAtOnce) return;
            float* dw = buffers.W + ((((nint)item.G * _s.GroupOC) + item.OC) * _s.PatchLength) + ((nint)item.IC * pass.Taps);
            Transpose.Run(pass._context.Isa, item.ICs * pass.Taps, item.OCs, Target(item, scratch), pass.ResultStride, dw, _s.PatchLength);
        }

        private bool SumsBias(in Item item) => buffers.B != null && item.IC == 0;

        private double* BiasSums(in Item item) =>
            (double*)(workspace + pass.ResultsLength) + ((nint)item.Part * _s.OC) + ((nint)item.G * _s.GroupOC) + item.OC;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Block BlockAt(int index)
        {
            (int image, int block) = Math.DivRem(index, pass.BlocksPerImage);
            int n = image * pass._blockImages, point = block * pass._blockPoints;
            return new Block(n, Math.Min(pass._blockImages, _s.N - n), point, Math.Min(pass._blockPoints, _grid.Points - point));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(in Item item, in Block block, in Block next, bool isFirst, float* scratch)
        {
            float* panel = scratch + pass.SourceLength;
            var places = (PrefetchPlaces*)(panel + pass.PanelLength);
            nint* runs = (nint*)(places + MostGroups);
            PointRows x = pass.SkipsPadding ? default : RowsOfX(item, block, scratch, runs + pass.MostRuns), dy = RowsOfDY(item, block, runs);
            PointRows rows = pass._turnsX ? dy : x, lanes = pass._turnsX ? x : dy;
            int rowCount = pass._turnsX ? item.OCs : item.ICs * pass.Taps, laneCount = pass._turnsX ? item.ICs * pass.Taps : item.OCs;
            bool hasRoom = !pass.IsDirect && (!pass._turnsX || item.ICs == _s.GroupIC);   // for whole vectors at the end of C's rows
            float* c = Target(item, scratch);
            int width = pass._kernel.Width;
            int vectors = BlockSizes.CeilDiv(laneCount, width), panels = BlockSizes.CeilDiv(vectors, pass._kernel.MostVectors);
            long points = (long)BlockSizes.CeilDiv(rowCount, pass._kernel.MR) * block.Images * block.Points;
            for (int j = 0; panels > 0; panels--)
            {
                // As equal as vectors allow.
                int wide = BlockSizes.CeilDiv(vectors, panels), count = Math.Min(wide * width, laneCount - j);
                pass._kernel.Pack(lanes.From(j), count, wide, panel, wide * width);
                if (SumsBias(item) && !pass._turnsX) pass._kernel.Sum(lanes.From(j), count, BiasSums(item) + j);
                int length = 0;
                if (isFirst && j == 0) Ask(item, block, pass._turnsX, 0, rowCount, places, ref length);
                if (panels > 1) Ask(item, block, !pass._turnsX, j + count, pass._kernel.MostVectors * width, places, ref length);
                else if (next.Images > 0) AskNext(item, next, places, ref length);
                var ahead = new PrefetchQueue(places, length, Lines(block), pass._kernel.LinesAskedFor(points, wide), panel);
                double* sums = SumsBias(item) && pass._turnsX && j == 0 ? BiasSums(item) : null;
                int stored = hasRoom ? wide * width : count;
                if (pass.SkipsPadding) MultiplyTaps(item, block, runs + pass.MostRuns, panel, wide, stored, c + j, !isFirst, ref ahead);
                else pass._kernel.Multiply(rows, rowCount, panel, wide, stored, c + j, pass.ResultStride, !isFirst, sums, ref ahead);
                j += count;
                vectors -= wide;
            }
        }

        /// <summary>C's rows of one tap after the other: only the points for which it reads the image.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void MultiplyTaps(
            in Item item, in Block block, nint* runs, float* panel, int vectors, int lanes, float* c, bool accumulate, ref PrefetchQueue ahead)
        {
            nint stride = pass.ResultStride;
            for (int tap = 0; tap < pass.Taps; tap++, c += stride)
                pass._kernel.Multiply(RowsOfTap(item, block, tap, runs), item.ICs, panel, vectors, lanes, c, pass.Taps * stride, accumulate, null, ref ahead);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float* Target(in Item item, float* scratch)
        {
            if (pass.TurnsAtOnce) return scratch + (pass.WorkerLength - pass.ChunkLength);
            nint row = pass._turnsX ? item.OC : (nint)item.IC * pass.Taps, column = pass._turnsX ? (nint)item.IC * pass.Taps : item.OC;
            return pass.Result(buffers.W, workspace, item.Part, item.G) + (row * pass.ResultStride) + column;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float* X(in Item item, in Block block) =>
            buffers.X + ((((long)block.N * _s.IC) + ((long)item.G * _s.GroupIC) + item.IC) * _s.InputPixels);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float* DY(in Item item, in Block block) =>
            buffers.Y + ((((long)block.N * _s.OC) + ((long)item.G * _s.GroupOC) + item.OC) * _s.OutputPixels) + block.Point;

        /// <summary>The patches' rows (ic, kh, kw), and the runs of the block's points in them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private PointRows RowsOfX(in Item item, in Block block, float* scratch, nint* runs)
        {
            float* planes = X(item, block);
            nint* table = (nint*)Unsafe.AsPointer(ref pass._xRows[0]);
            if (pass._isDense) return Rows(planes + block.Point, table, block, 1, pass.ImageStride, 0, runs);
            int row = block.Point / _grid.Columns, rows = block.Points / _grid.Columns;
            if (pass.TurnsInPlace)
            {
                planes += ((nint)_grid.SourceRow(row, 0) * _s.IW) + _grid.FirstColumn;
                return Rows(planes, table, block, rows, pass.ImageStride, (nint)_s.sh * _s.IW, runs) with { EverySecond = _s.sw == 2 };
            }

            for (int n = 0; n < block.Images; n++)
            {
                pass._patches.Fill(
                    _grid, planes + (n * (long)_s.IC * _s.InputPixels), item.ICs, row, 0, rows,
                    scratch + (n * pass.ImageStride), pass.ChannelStride);
            }

            return Rows(scratch, table, block, pass.IsOneRun ? 1 : rows, pass.ImageStride, _grid.RowStep, runs);
        }

        /// <summary>The rows (ic) of one tap in x itself, and the runs of the block's points that it reads there.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private PointRows RowsOfTap(in Item item, in Block block, int tap, nint* runs)
        {
            (TapRange inRows, TapRange columns) = pass.PointsOf(tap);
            int first = block.Point / _grid.Columns, end = first + (block.Points / _grid.Columns), length = columns.End - columns.First;
            TapRange rows = inRows.Intersect(new TapRange(first, end));
            bool isOneRun = length == _s.OW && length == _s.IW;
            int step = isOneRun ? Math.Max(1, rows.End - rows.First) : 1, count = 0;
            nint* points = runs + pass.MostRuns;
            nint shift = ((nint)((tap / _s.KW * _s.dh) - _s.pt) * _s.IW) + (tap % _s.KW * _s.dw) - _s.pl + columns.First;
            for (int n = 0; n < block.Images; n++)
            {
                for (int row = rows.First; row < rows.End && length > 0; row += step, count++)
                {
                    runs[count] = (n * (nint)_s.IC * _s.InputPixels) + shift + (row * (nint)_s.IW);
                    points[count] = ((n * (nint)block.Points) + ((row - first) * _grid.Columns)) + columns.First;
                }
            }

            nint* table = (nint*)Unsafe.AsPointer(ref pass._xRows[0]);
            return new PointRows { Source = X(item, block), Rows = table, Runs = runs, Points = points, Count = count, Length = length * step };
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private PointRows RowsOfDY(in Item item, in Block block, nint* runs) =>
            Rows(DY(item, block), (nint*)Unsafe.AsPointer(ref pass._dyRows[0]), block, 1, (nint)_s.OC * _s.OutputPixels, 0, runs);

        /// <summary>So many runs of an image's points, <paramref name="step"/> apart.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static PointRows Rows(float* source, nint* rows, in Block block, int runsPerImage, nint imageStride, nint step, nint* runs)
        {
            int count = block.Images * runsPerImage;
            for (int i = 0; i < count; i++) runs[i] = (i / runsPerImage * imageStride) + (i % runsPerImage * step);
            return new PointRows { Source = source, Rows = rows, Runs = runs, Count = count, Length = block.Points / runsPerImage };
        }

        /// <summary>Queues what the next block begins with: all that will be copied, its first lanes, all rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AskNext(in Item item, in Block next, PrefetchPlaces* groups, ref int length)
        {
            if (pass.CopiesX) AskX(item, next, 0, item.ICs, groups, ref length);
            Ask(item, next, !pass._turnsX, 0, pass._kernel.MostVectors * pass._kernel.Width, groups, ref length);
            Ask(item, next, pass._turnsX, 0, int.MaxValue, groups, ref length);
        }

        /// <summary>Queues some rows of an operand, unless it is copied.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Ask(in Item item, in Block block, bool dy, int first, int count, PrefetchPlaces* groups, ref int length)
        {
            count = Math.Min(count, (dy ? item.OCs : item.ICs) - first);
            if (dy) AskDY(item, block, first, count, groups, ref length);
            else if (!pass.CopiesX) AskX(item, block, first, count, groups, ref length);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AskDY(in Item item, in Block block, int first, int count, PrefetchPlaces* groups, ref int length)
        {
            nint plane = _s.OutputPixels;
            int step = Lines(block) * Prefetch.Line, pieces = BlockSizes.CeilDiv(block.Points, step);
            float* dy = DY(item, block) + (first * plane);
            for (int n = 0; n < block.Images; n++, dy += _s.OC * plane) AskPlanes(dy, plane, count, pieces, step, groups, ref length);
        }

        /// <summary>Of some channels the source rows of a block.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AskX(in Item item, in Block block, int first, int count, PrefetchPlaces* groups, ref int length)
        {
            nint plane = _s.InputPixels, begin = block.Point, end = begin + block.Points, step = Lines(block) * Prefetch.Line;
            int row = block.Point / _grid.Columns, rows = block.Points / _grid.Columns;
            if (!pass._isDense)
            {
                begin = (nint)Math.Max(0, _grid.SourceRow(row, 0)) * _s.IW;
                end = (nint)Math.Min(_s.IH, _grid.SourceRow(row, _grid.PaddedRowCount(rows) - 1) + 1) * _s.IW;
            }

            int pieces = pass.SkipsRows ? rows : (int)BlockSizes.CeilDiv(end - begin, step);
            if (pass.SkipsRows) step = (nint)_s.sh * _s.IW;
            float* x = X(item, block) + (first * plane) + begin;
            for (int n = 0; n < block.Images; n++, x += _s.IC * plane) AskPlanes(x, plane, count, pieces, step, groups, ref length);
        }

        /// <summary>Some pieces of each of some planes; none of a block that reads padding alone.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AskPlanes(float* from, nint plane, int count, int pieces, nint step, PrefetchPlaces* groups, ref int length)
        {
            if (pieces <= 0 || count <= 0) return;
            if (pieces == 1) (pieces, step, count) = (count, plane, 1);
            for (int c = 0; c < count && length < MostGroups; c++, from += plane) groups[length++] = new PrefetchPlaces(from, step, pieces);
        }

        /// <summary>Lines of a place in the queue: a row of x where not all are read, else all points of a block.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Lines(in Block block) => ((pass.SkipsRows ? _s.IW : block.Points) / Prefetch.Line) + 1;
    }
}
