using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Interop;
using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Algorithms;

/// <summary>for image (or all), g, column block, row block: one block of the output.</summary>
internal readonly unsafe struct ImplicitGemmProduct(PlanContext context, ImplicitGemmShape shape, ImplicitGemmPart part, Direction direction, ConvBuffers buffers, float* workspace) : IParallelTask
{
    private readonly PatchGrid _grid = part.Grid;
    private readonly ConvSizes _s = context.Sizes;
    private readonly bool _streams = shape.Streams(part);

    public long Count => (long)shape.Images * _s.G * shape.ColumnBlocks(part.Grid) * shape.RowBlocks;

    public void Run(long index, int worker)
    {
        (long rest, long rowBlock) = Math.DivRem(index, shape.RowBlocks);
        (rest, long columnBlock) = Math.DivRem(rest, shape.ColumnBlocks(_grid));
        (long n, long g) = Math.DivRem(rest, _s.G);
        int first = shape.FirstColumn(_grid, columnBlock), end = shape.FirstColumn(_grid, columnBlock + 1);
        var block = new Block(
            (int)g, (int)rowBlock * shape.RowsPerItem, Math.Min(shape.RowsPerItem, shape.M - ((int)rowBlock * shape.RowsPerItem)),
            (int)n + (first / _grid.Points), first % _grid.Points, end - first,
            shape.StoresDirectly && shape.RowBlocks > 1 && rowBlock % 2 == 0);
        float* scratch = workspace + (worker * shape.WorkerLength);
        Multiply(block, scratch);
        if (_streams) StreamingStores.Fence();
        if (shape.StoresDirectly) return;
        float* result = scratch + shape.ScratchLength + shape.PanelsLength;
        if (shape.Folded is { } image) Fold(image, block, result);
        else Scatter(block, result);
    }

    /// <summary>
    /// Rows [Row, Row + Rows) of group G; Count grid points from point Point of image N on, into the next images where they are merged. FromLast: a
    /// part of the rows whose neighbour below is another thread's, and which that thread also begins at their border: processors that see the
    /// rows' constant distance would go on beyond it.
    /// </summary>
    private readonly record struct Block(int G, int Row, int Rows, int N, int Point, int Count, bool FromLast);

    private void Multiply(in Block block, float* scratch)
    {
        float* panels = scratch + shape.ScratchLength;
        float* result = panels + shape.PanelsLength;
        int channelsPerBlock = shape.ChannelsPerBlock(_grid.Taps);
        for (int c = 0; c < shape.Channels; c += channelsPerBlock)
        {
            int channels = Math.Min(channelsPerBlock, shape.Channels - c);
            OperandB b = Patches(block, c, channels, scratch, panels);
            if (shape.StoresDirectly)
            {
                float* output = Output(block.N, block.G, block.Row) + block.Point;
                MultiplyBlock(block, c, channels, b, output, shape.OutH * shape.OutW, StoreOf(block, c == 0, c + channels == shape.Channels, output), result);
            }
            else
            {
                TileStore store = c == 0 ? default : new TileStore { Addend = result, AddendStride = shape.MostColumns };
                MultiplyBlock(block, c, channels, b, result, shape.MostColumns, store, result + shape.ResultLength);
            }
        }
    }

    // A's rows in L2-sized parts; GemmBlock keeps each panel of B near while a part of A passes over it.
    private void MultiplyBlock(in Block block, int channel, int channels, in OperandB b, float* c, nint ldc, in TileStore store, float* filter)
    {
        int step = buffers.Packed != null || shape.ReadsWeights ? shape.Blocks.MC : shape.FilterRows;
        int parts = BlockSizes.CeilDiv(block.Rows, step);
        for (int done = 0; done < parts; done++)
        {
            int i = (block.FromLast ? parts - 1 - done : done) * step;
            TileStore at = store;
            if (at.Bias != null) at.Bias += i;
            if (at.Addend != null) at.Addend += i * at.AddendStride;
            int rows = Math.Min(step, block.Rows - i);
            OperandA a = Weights(block, i, rows, channel, channels, filter);
            GemmBlock.Multiply(shape.Kernel, rows, block.Count, channels * _grid.Taps, a, b, c + (i * ldc), ldc, at, block.FromLast);
        }
    }

    /// <summary>The block's part of A for some of its rows and channels: packed before or now, or in place but for a last panel of fewer rows.</summary>
    private OperandA Weights(in Block block, int i, int rows, int channel, int channels, float* filter)
    {
        int K = channels * _grid.Taps, MR = shape.Kernel.MR, row = block.Row + i;
        FilterPanels weights = shape.Filter(part);
        if (buffers.Packed != null)
            return weights.Packed(buffers.Packed + part.PackedOffset + ((((nint)block.G * shape.Channels) + channel) * _grid.Taps * shape.PaddedM) + ((nint)row * K), K);

        float* group = buffers.W + ((nint)block.G * _s.GroupOC * _s.PatchLength);
        if (!shape.ReadsWeights)
        {
            weights.Pack(group, row, rows, channel, channels, filter);
            return weights.Packed(filter, K);
        }

        int rest = rows % MR;
        if (rest > 0) weights.Pack(group, row + rows - rest, rest, channel, channels, filter);
        return weights.InPlace(group, row, channel, K, filter);
    }

    /// <summary>Bias and residual with the first part of the sum, the output itself with the later ones, the activation with the last.</summary>
    private TileStore StoreOf(in Block block, bool isFirst, bool isLast, float* output)
    {
        TileStore store = direction == Direction.Forward ? context.Epilogue(BiasOf(block), ResidualAt(output)) : default;
        if (!isLast) store.Activation = Activation.None;
        store.Streams = _streams && StreamingStores.BeginsLine(output);
        if (isFirst) return store;
        store.Bias = null;
        store.Addend = output;
        store.AddendStride = (nint)shape.OutH * shape.OutW;
        return store;
    }

    private float* BiasOf(in Block block) => buffers.B == null ? null : buffers.B + (block.G * shape.M) + block.Row;

    private float* ResidualAt(float* output) => buffers.Residual == null ? null : buffers.Residual + (output - buffers.Y);

    private float* Output(int n, int g, int row) => direction == Direction.Forward
        ? buffers.Y + ((((long)n * _s.OC) + ((long)g * shape.M) + row) * _s.OutputPixels)
        : buffers.X + ((((long)n * _s.IC) + ((long)g * shape.M) + row) * _s.InputPixels);

    private float* Source(int n, int g, int channel) => direction == Direction.Forward
        ? buffers.X + ((((long)n * _s.IC) + ((long)g * shape.Channels) + channel) * _s.InputPixels)
        : buffers.Y + ((((long)n * _s.OC) + ((long)g * shape.Channels) + channel) * _s.OutputPixels);

    /// <summary>The block's part of B for some channels: in place, or packed by rows.</summary>
    private OperandB Patches(in Block block, int c, int channels, float* scratch, float* panels)
    {
        int NR = shape.Kernel.NR;
        if (shape.ReadsImage(_grid)) return Image(block, c, channels, panels);
        if (_grid.ReadsInPlace) PackInPlace(block, c, channels, panels);
        else PackPadded(block, c, channels, scratch, panels);
        return new OperandB(panels, shape.PatchesLd, NR, null, LastColumns(block, panels, shape.PatchesLd, channels * _grid.Taps, panels));
    }

    /// <summary>What the panels have beyond whole vectors, copied where the kernel wants that.</summary>
    private float* LastColumns(in Block block, float* source, nint ld, int K, float* panels)
    {
        int NR = shape.Kernel.NR, whole = block.Count / NR, tail = shape.Tail(block.Count);
        float* columns = panels + shape.PanelsLength - (nint)shape.LastColumnsLength;
        if (tail > 0)
        {
            CopyTail(source + ((nint)whole * NR), ld, K, tail, columns);
            return columns;
        }

        if (!shape.Filter(part).IsByRows || NR % shape.Kernel.Vector == 0) return null;
        for (int j = 0; j < whole; j++) CopyColumn(source + ((nint)j * NR) + NR - 1, ld, K, columns + ((nint)j * K));
        return columns;
    }

    private OperandB Image(in Block block, int c, int channels, float* panels)
    {
        int NR = shape.Kernel.NR, whole = block.Count / NR, rest = block.Count % NR;
        float* source = Source(block.N, block.G, c) + block.Point, edge = null;
        if (shape.NeedsEdge(block.Count))
        {
            edge = panels;
            shape.Packer.FromRows(source + ((nint)whole * NR), _grid.Points, channels, rest, NR, edge);
        }

        float* last = LastColumns(block, source, _grid.Points, channels, panels);
        return new OperandB(source, _grid.Points, NR, edge, last, Following(block, c + channels));
    }

    /// <summary>What a worker probably reads next: the same points of the next channels, the next points, or the next image.</summary>
    private float* Following(in Block block, int channel)
    {
        if (channel < shape.Channels) return Source(block.N, block.G, channel) + block.Point;
        int point = block.Point + block.Count;
        if (point < _grid.Points) return Source(block.N, block.G, 0) + point;
        return Source(Math.Min(block.N + 1, _s.N - 1), block.G, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyColumn(float* source, nint ld, int K, float* column)
    {
        for (int k = 0; k < K; k++, source += ld) column[k] = *source;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyTail(float* source, nint ld, int K, int count, float* tail)
    {
        if (count == GemmTail.Columns)
        {
            for (int k = 0; k < K; k++, source += ld, tail += GemmTail.Columns) Vector128.Store(Vector128.Load(source), tail);
            return;
        }

        for (int k = 0; k < K; k++, source += ld, tail += GemmTail.Columns) Vector128.Store(Simd128.LoadPartial(source, count), tail);
    }

    private void PackInPlace(in Block block, int c, int channels, float* panels)
    {
        nint plane = (nint)_grid.H * _grid.W, image = plane * shape.Channels * _s.G;
        var source = new PatchSource(Source(block.N, block.G, c), Source(_s.N, 0, 0), plane, _grid.sw);
        nint tap = ((nint)_grid.FirstRow * _grid.W) + _grid.FirstColumn;
        Span<Run> runs = stackalloc Run[MostRuns(block)];
        int count = FindRuns(block, image, (nint)_grid.sh * _grid.W, _grid.sw, runs);
        shape.Patches.Pack(source, channels, &tap, 1, runs[..count], shape.PatchesLd, panels);
    }

    private void PackPadded(in Block block, int c, int channels, float* scratch, float* panels)
    {
        if (part.Window is { } window)
        {
            PackWindow(window, block, c, channels, scratch, panels);
            return;
        }

        // The images that the block touches, each with the same room in scratch.
        int lastImage = block.N + ((block.Point + block.Count - 1) / _grid.Points);
        int firstRow = lastImage == block.N ? block.Point / _grid.Columns : 0;
        int rows = lastImage == block.N ? ((block.Point + block.Count - 1) / _grid.Columns) - firstRow + 1 : _grid.Rows;
        nint channelStride = (nint)_grid.PaddedRowCount(rows) * _grid.Pitch;
        nint imageStride = channelStride * channels;
        for (int n = block.N; n <= lastImage; n++)
            shape.Patches.Fill(_grid, Source(n, block.G, c), channels, firstRow, 0, rows, scratch + ((n - block.N) * imageStride), channelStride);

        var source = new PatchSource(scratch - (firstRow * _grid.RowStep), scratch + shape.ScratchLength, channelStride, 1);
        Span<Run> runs = stackalloc Run[MostRuns(block)];
        int count = FindRuns(block, imageStride, _grid.RowStep, 1, runs);
        shape.Patches.Pack(source, channels, _grid.TapOffsets, _grid.Taps, runs[..count], shape.PatchesLd, panels);
    }

    private void PackWindow(PatchGrid window, in Block block, int c, int channels, float* scratch, float* panels)
    {
        nint channelStride = (nint)window.PaddedRowCount(1) * window.Pitch;
        shape.Patches.Fill(window, Source(block.N, block.G, c), channels, 0, block.Point, 1, scratch, channelStride);
        var source = new PatchSource(scratch, scratch + shape.ScratchLength, channelStride, 1);
        var run = new Run(0, 0, block.Count);
        shape.Patches.Pack(source, channels, window.TapOffsets, window.Taps, new ReadOnlySpan<Run>(in run), shape.PatchesLd, panels);
    }

    private int MostRuns(in Block block) => (block.Count / _grid.Columns) + 2;

    /// <summary>Cuts the block's points where a grid row ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int FindRuns(in Block block, nint imageStride, nint rowStride, nint pointStride, Span<Run> runs)
    {
        // Where grid rows follow each other without a gap, an image is one row.
        int columns = rowStride == _grid.Columns * pointStride ? _grid.Points : _grid.Columns;
        (int image, int point) = Math.DivRem(block.Point, _grid.Points);
        (int row, int column) = Math.DivRem(point, columns);
        int count = 0;
        for (int i = 0; i < block.Count;)
        {
            int length = Math.Min(columns - column, block.Count - i);
            runs[count++] = new Run((image * imageStride) + (row * rowStride) + (column * pointStride), i, length);
            i += length;
            column += length;
            if (column < columns) continue;
            column = 0;
            if (++row < _grid.Points / columns) continue;
            row = 0;
            image++;
        }

        return count;
    }

    /// <summary>The finished block from scratch to its places in the output: images apart, strides between the points.</summary>
    private void Scatter(in Block block, float* result)
    {
        for (int done = 0; done < block.Count;)
        {
            (int image, int point) = Math.DivRem(block.Point + done, _grid.Points);
            (int row, int column) = Math.DivRem(point, _grid.Columns);
            // Without strides, points of one image go on from row to row.
            int length = Math.Min(shape.OutStepW == 1 && shape.OutStepH == 1 ? _grid.Points - point : _grid.Columns - column, block.Count - done);
            float* output = Output(block.N + image, block.G, block.Row) + ((long)((row * shape.OutStepH) + part.Row) * shape.OutW) + (column * shape.OutStepW) + part.Column;
            StoreRun(block, result + done, output, length);
            done += length;
        }
    }

    /// <summary>The finished block, whose rows are taps and whose columns are patches, into the images.</summary>
    private void Fold(in ConvSizes s, in Block block, float* result)
    {
        for (int done = 0; done < block.Count;)
        {
            (int image, int point) = Math.DivRem(block.Point + done, _grid.Points);
            int length = Math.Min(_grid.Points - point, block.Count - done);
            float* planes = buffers.X + ((((long)(block.N + image) * s.IC) + ((long)block.G * s.GroupIC)) * s.InputPixels);
            PatchFold.Run(context.Isa, s, result + done, shape.MostColumns, block.Row, block.Rows, point, length, planes);
            done += length;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StoreRun(in Block block, float* result, float* output, int length)
    {
        nint plane = (nint)shape.OutH * shape.OutW;
        if (shape.OutStepW == 1)
        {
            TileStore store = direction == Direction.Forward ? context.Epilogue(BiasOf(block), ResidualAt(output)) : default;
            (store.Rows, store.Columns) = (block.Rows, length);
            Epilogue.Copy(context.Isa, store, result, shape.MostColumns, output, plane);
            return;
        }

        PlaneStore.Weave(context.Isa, result, shape.MostColumns, block.Rows, shape.OutStepW, length, output, plane);
    }
}
