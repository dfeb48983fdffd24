using System.Runtime.InteropServices;
using ConvNative.Gemm;
using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The article's method, per image and group: x_col = im2col(x) in tiles of columns, and one matrix product per tile.
/// Forward y = w·x_col + b; backward dx = col2im(wᵀ·dy), dw = dy·x_colᵀ. A 1×1 kernel with unit stride and no padding needs no
/// column matrix: the image is one already. Tiles depend on the shape and the workspace limit alone, never on the threads, so
/// results do not either.
/// </summary>
internal sealed class Im2ColGemm : IConvAlgorithm
{
    public ConvAlgorithm Id => ConvAlgorithm.Im2ColGemm;

    public string? Refuse(PlanContext context, Direction direction)
    {
        var tiling = Tiling.For(context, direction);
        return tiling.Workers > 0
            ? null
            : $"its smallest column tile takes {tiling.WorkerBytes} bytes of workspace; MaxWorkspaceBytes is {context.MaxWorkspaceBytes}";
    }

    public ConvPass Plan(PlanContext context, Direction direction) => new Pass(context, direction, Tiling.For(context, direction));

    /// <summary>How the work is cut: columns per tile, and items of so many input channels and output channels.</summary>
    private readonly record struct Tiling(int Columns, int ICs, int OCs, int Workers, long ColumnsLength, long GemmLength)
    {
        private const int TileFloats = 1 << 18;   // 1 MiB: a tile stays in L2 between im2col and the product
        private const int ColumnStep = 48;        // a multiple of every micro-kernel's width
        private const int WantedItems = 8;        // enough to share out evenly, few enough to keep tiles large
        private const int SmallestOCs = 64;

        public long WorkerBytes => (ColumnsLength + GemmLength) * sizeof(float);

        public static bool NeedsColumns(in ConvSizes s) =>
            s is not { KH: 1, KW: 1, sh: 1, sw: 1, pt: 0, pl: 0, pb: 0, pr: 0 };

        public static Tiling For(PlanContext context, Direction direction)
        {
            ConvSizes s = context.Sizes;
            long images = (long)s.G * (direction == Direction.BackwardWeights ? 1 : s.N);
            int parts = (int)BlockSizes.CeilDiv(WantedItems, images);
            int ICs = direction == Direction.Forward ? s.GroupIC : Share(s.GroupIC, parts, 1);
            int OCs = s.GroupOC;
            long rows = (long)ICs * s.KH * s.KW;
            int columns = (int)Math.Min(Math.Max(TileFloats / rows / ColumnStep * ColumnStep, ColumnStep), s.OutputPixels);
            if (direction == Direction.Forward)
            {
                columns = Math.Min(columns, BlockSizes.RoundUp(Share(s.OutputPixels, parts, 1), ColumnStep));
                columns = Math.Min(columns, s.OutputPixels);
                long tiles = BlockSizes.CeilDiv(s.OutputPixels, columns);
                OCs = Share(s.GroupOC, (int)Math.Max(1, parts / tiles), SmallestOCs);
            }
            else if (direction == Direction.BackwardWeights)
            {
                int chunks = BlockSizes.CeilDiv(s.GroupIC, ICs);
                OCs = Share(s.GroupOC, Math.Max(1, parts / chunks), SmallestOCs);
            }

            var tiling = Make(context, direction, columns, ICs, OCs);
            while (tiling.Workers == 0 && columns > 1)
            {
                columns = (columns + 1) / 2;
                tiling = Make(context, direction, columns, ICs, OCs);
            }

            return tiling;
        }

        private static Tiling Make(PlanContext context, Direction direction, int columns, int ICs, int OCs)
        {
            ConvSizes s = context.Sizes;
            int rows = ICs * s.KH * s.KW;
            long columnsLength = NeedsColumns(s) ? BlockSizes.RoundUp((long)rows * columns, Prefetch.Line) : 0;
            long gemmLength = BlockSizes.RoundUp(
                direction switch
                {
                    Direction.Forward => context.Gemm.ScratchLength(GemmKind.NN, OCs, columns, rows),
                    Direction.BackwardData => context.Gemm.ScratchLength(GemmKind.TN, rows, columns, OCs),
                    _ => context.Gemm.ScratchLength(GemmKind.NT, OCs, rows, columns),
                },
                Prefetch.Line);
            long bytes = (columnsLength + gemmLength) * sizeof(float);
            long fitting = bytes == 0 ? long.MaxValue : context.MaxWorkspaceBytes / bytes;
            int workers = (int)Math.Min(Math.Min(context.Threads, context.Gemm.MaxConcurrentCalls), fitting);
            return new Tiling(columns, ICs, OCs, workers, columnsLength, gemmLength);
        }

        private static int Share(int size, int parts, int smallest) => Math.Min(size, Math.Max(smallest, BlockSizes.CeilDiv(size, parts)));
    }

    private sealed unsafe class Pass(PlanContext context, Direction direction, Tiling tiling) : ConvPass
    {
        public override long WorkspaceBytes => tiling.WorkerBytes * tiling.Workers;

        public override string Details =>
            $"{context.Gemm.Name}, " + (Tiling.NeedsColumns(context.Sizes)
                ? $"column tiles of {tiling.ICs * context.Sizes.KH * context.Sizes.KW}×{tiling.Columns}, {tiling.Workers} at a time"
                : $"the image is the matrix, {tiling.Columns} columns at a time");

        public override void Run(in ConvBuffers buffers, float* workspace, WorkerPool pool)
        {
            var work = new Work(context, tiling, buffers, workspace);
            context.Gemm.BeginRun();
            try
            {
                switch (direction)
                {
                    case Direction.Forward:
                        var forward = new ForwardTask(work);
                        pool.For(tiling.Workers, forward.Count, ref forward);
                        break;
                    case Direction.BackwardData:
                        var data = new BackwardDataTask(work);
                        pool.For(tiling.Workers, data.Count, ref data);
                        break;
                    default:
                        var weights = new BackwardWeightsTask(work);
                        pool.For(tiling.Workers, weights.Count, ref weights);
                        BiasGradientTask.Run(context, buffers, pool);
                        break;
                }
            }
            finally
            {
                context.Gemm.EndRun();
            }
        }
    }

    /// <summary>What the three loops have in common: where the parts of the tensors and of the workspace are.</summary>
    private readonly unsafe struct Work(PlanContext context, Tiling tiling, ConvBuffers buffers, float* workspace)
    {
        public readonly PlanContext Context = context;
        public readonly ConvSizes S = context.Sizes;
        public readonly Tiling Tiling = tiling;
        public readonly ConvBuffers Buffers = buffers;

        public int ColumnTiles => BlockSizes.CeilDiv(S.OutputPixels, Tiling.Columns);

        public int ICChunks => BlockSizes.CeilDiv(S.GroupIC, Tiling.ICs);

        public int OCChunks => BlockSizes.CeilDiv(S.GroupOC, Tiling.OCs);

        /// <summary>Plane ic of group g of image n of x.</summary>
        public float* X(int n, int g, int ic) => Buffers.X + ((((long)n * S.IC) + (g * S.GroupIC) + ic) * S.InputPixels);

        /// <summary>Plane oc of group g of image n of y.</summary>
        public float* Y(int n, int g, int oc) => Buffers.Y + ((((long)n * S.OC) + (g * S.GroupOC) + oc) * S.OutputPixels);

        /// <summary>Row oc of the weight matrix of group g, from channel ic on.</summary>
        public float* W(int g, int oc, int ic) => Buffers.W + ((((long)g * S.GroupOC) + oc) * S.PatchLength) + (ic * S.KH * S.KW);

        public float* Columns(int worker) => workspace + (worker * (Tiling.ColumnsLength + Tiling.GemmLength));

        public float* GemmScratch(int worker) => Columns(worker) + Tiling.ColumnsLength;

        /// <summary>The columns of pixels [p, p + count), and the distance between their rows.</summary>
        public float* Patches(int worker, int n, int g, int ic, int channels, int p, int count, out int ld)
        {
            float* x = X(n, g, ic);
            if (!Tiling.NeedsColumns(S))
            {
                ld = S.OutputPixels;
                return x + p;
            }

            ld = count;
            Im2Col.Tile(Context.Isa, S, x, channels, p, count, Columns(worker), ld);
            return Columns(worker);
        }
    }

    /// <summary>for n, g, output-channel chunk, column tile: y = w·x_col + b.</summary>
    private readonly unsafe struct ForwardTask(Work work) : IParallelTask
    {
        public long Count => (long)work.S.N * work.S.G * work.OCChunks * work.ColumnTiles;

        public void Run(long index, int worker)
        {
            (long rest, long tile) = Math.DivRem(index, work.ColumnTiles);
            (rest, long chunk) = Math.DivRem(rest, work.OCChunks);
            (long n, long g) = Math.DivRem(rest, work.S.G);
            int oc = (int)chunk * work.Tiling.OCs;
            int M = Math.Min(work.Tiling.OCs, work.S.GroupOC - oc);
            int p = (int)tile * work.Tiling.Columns;
            int count = Math.Min(work.Tiling.Columns, work.S.OutputPixels - p);

            float* columns = work.Patches(worker, (int)n, (int)g, 0, work.S.GroupIC, p, count, out int ld);
            float* y = work.Y((int)n, (int)g, oc) + p;
            work.Context.Gemm.Multiply(
                GemmKind.NN, M, count, work.S.PatchLength, work.W((int)g, oc, 0), work.S.PatchLength, columns, ld,
                add: false, y, work.S.OutputPixels, work.GemmScratch(worker));
            TileStore epilogue = work.Context.Epilogue(
                work.Buffers.B == null ? null : work.Buffers.B + (g * work.S.GroupOC) + oc,
                work.Buffers.Residual == null ? null : work.Buffers.Residual + (y - work.Buffers.Y));
            if (epilogue.IsNothing) return;
            (epilogue.Rows, epilogue.Columns) = (M, count);
            Epilogue.Apply(work.Context.Isa, epilogue, y, work.S.OutputPixels);
        }
    }

    /// <summary>for n, g, input-channel chunk: for column tile: dx += col2im(wᵀ·dy). An item owns its planes of dx.</summary>
    private readonly unsafe struct BackwardDataTask(Work work) : IParallelTask
    {
        public long Count => (long)work.S.N * work.S.G * work.ICChunks;

        public void Run(long index, int worker)
        {
            (long rest, long chunk) = Math.DivRem(index, work.ICChunks);
            (long n, long g) = Math.DivRem(rest, work.S.G);
            int ic = (int)chunk * work.Tiling.ICs;
            int channels = Math.Min(work.Tiling.ICs, work.S.GroupIC - ic);
            bool columns = Tiling.NeedsColumns(work.S);
            float* dx = work.X((int)n, (int)g, ic);
            if (columns) NativeMemory.Clear(dx, (nuint)((long)channels * work.S.InputPixels * sizeof(float)));
            for (int p = 0; p < work.S.OutputPixels; p += work.Tiling.Columns)
            {
                int count = Math.Min(work.Tiling.Columns, work.S.OutputPixels - p);
                float* target = columns ? work.Columns(worker) : dx + p;
                int ld = columns ? count : work.S.OutputPixels;
                work.Context.Gemm.Multiply(
                    GemmKind.TN, channels * work.S.KH * work.S.KW, count, work.S.GroupOC, work.W((int)g, 0, ic), work.S.PatchLength,
                    work.Y((int)n, (int)g, 0) + p, work.S.OutputPixels, add: false, target, ld, work.GemmScratch(worker));
                if (columns) Col2Im.Tile(work.Context.Isa, work.S, target, ld, channels, p, count, dx);
            }
        }
    }

    /// <summary>for g, output-channel chunk, input-channel chunk: for n, column tile: dw += dy·x_colᵀ. An item owns its part of dw.</summary>
    private readonly unsafe struct BackwardWeightsTask(Work work) : IParallelTask
    {
        public long Count => (long)work.S.G * work.OCChunks * work.ICChunks;

        public void Run(long index, int worker)
        {
            (long rest, long icChunk) = Math.DivRem(index, work.ICChunks);
            (long g, long ocChunk) = Math.DivRem(rest, work.OCChunks);
            int ic = (int)icChunk * work.Tiling.ICs;
            int channels = Math.Min(work.Tiling.ICs, work.S.GroupIC - ic);
            int oc = (int)ocChunk * work.Tiling.OCs;
            int M = Math.Min(work.Tiling.OCs, work.S.GroupOC - oc);
            bool add = false;
            for (int n = 0; n < work.S.N; n++)
            {
                for (int p = 0; p < work.S.OutputPixels; p += work.Tiling.Columns)
                {
                    int count = Math.Min(work.Tiling.Columns, work.S.OutputPixels - p);
                    float* columns = work.Patches(worker, n, (int)g, ic, channels, p, count, out int ld);
                    work.Context.Gemm.Multiply(
                        GemmKind.NT, M, channels * work.S.KH * work.S.KW, count, work.Y(n, (int)g, oc) + p, work.S.OutputPixels,
                        columns, ld, add, work.W((int)g, oc, ic), work.S.PatchLength, work.GemmScratch(worker));
                    add = true;
                }
            }
        }
    }
}
