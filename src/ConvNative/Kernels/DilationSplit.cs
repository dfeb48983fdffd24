using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Images into <see cref="DilationPlanes"/>, and back.</summary>
internal static unsafe class DilationSplit
{
    /// <summary>The planes of one row phase; both pointers are those of the first of <paramref name="channels"/> channels. Nothing outside of their rows is read or written.</summary>
    public static void Run(Isa isa, DilationPlanes planes, int phase, float* image, int channels, float* to)
    {
        switch (isa)
        {
            case Isa.Avx512: DilationSplit<Simd512, Vector512<float>>.Run(planes, phase, image, channels, to); break;
            case Isa.Avx2: DilationSplit<Simd256, Vector256<float>>.Run(planes, phase, image, channels, to); break;
            default: DilationSplit<Simd128, Vector128<float>>.Run(planes, phase, image, channels, to); break;
        }
    }

    /// <summary>The rows of the image that are of one row phase, from its planes; both pointers are those of the first of <paramref name="channels"/> channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Join(Isa isa, DilationPlanes planes, int phase, float* from, int channels, float* image)
    {
        DilationRun rows = planes.RowsOf(phase);
        nint rowStride = planes.dh * (nint)planes.Width;
        from += rows.Begin * planes.Columns;
        image += rows.First * (nint)planes.Width;
        for (; channels > 0; channels--, from += planes.Rows * planes.Columns, image += planes.Height * (nint)planes.Width)
            PlaneStore.Interleaved(isa, from, planes.PhaseStride, 1, planes.dw, planes.Columns, rows.Count, planes.Width, image, rowStride, rw: planes.Left);
    }
}

/// <summary>The same for one vector width.</summary>
internal static unsafe class DilationSplit<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(DilationPlanes planes, int phase, float* image, int channels, float* to)
    {
        if (planes.dw == 1) Run<UnitRead<S, V>>(planes, phase, image, channels, to);
        else if (planes.dw == 2) Run<PairRead<S, V>>(planes, phase, image, channels, to);
        else if (planes.dw == 4) Run<QuadRead<S, V>>(planes, phase, image, channels, to);
        else Run<GatherRead<S, V>>(planes, phase, image, channels, to);
    }

    // Plane by plane: their rows are short, so that what is the same for all of them is not found out for each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R>(DilationPlanes planes, int phase, float* image, int channels, float* to)
        where R : struct, IStridedRead<S, V>
    {
        DilationRun rows = planes.RowsOf(phase);
        int step = planes.dw, columns = planes.Columns, length = planes.Rows * columns;
        nint area = (nint)planes.Height * planes.Width, rowStride = planes.dh * (nint)planes.Width, phaseStride = planes.PhaseStride;
        float* end = image + (channels * area);
        bool reads = step is 1 or 2 or 4;
        for (; channels > 0; channels--, image += area, to += length)
        {
            float* plane = to;
            for (int column = 0; column < step; column++, plane += phaseStride)
            {
                DilationRun run = planes.ColumnsOf(column);
                float* from = image + (rows.First * (nint)planes.Width) + run.First, row = plane + (rows.Begin * columns), last = plane + length;
                if (rows.Begin > 0) Zeros(plane, columns, 1);
                if (reads) Copy<R>(from, end, rowStride, step, row + run.Begin, last, columns, rows.Count, run.Count);
                else Copy(from, rowStride, step, row + run.Begin, columns, rows.Count, run.Count);
                if (rows.End < planes.Rows) Zeros(last - columns, columns, 1);
                if (run.Begin > 0) Zeros(row, rows.Count, columns);
                if (run.End < columns) Zeros(row + run.End, rows.Count, columns);
            }
        }
    }

    /// <summary>Vectors may run over into the next row, which is written after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<R>(float* from, float* end, nint rowStride, int step, float* to, float* last, int pitch, int rows, int count)
        where R : struct, IStridedRead<S, V>
    {
        for (; rows > 0; rows--, from += rowStride, to += pitch)
        {
            float* p = from, q = to;
            for (int left = count; left > 0; left -= S.Width, p += S.Width * step, q += S.Width)
            {
                V x = R.Last(p, step, Math.Min(left, S.Width), end);
                if (q + S.Width <= last) S.Store(q, x);
                else S.StorePartial(q, x, Math.Min(left, S.Width));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* from, nint rowStride, nint step, float* to, int pitch, int rows, int count)
    {
        nint two = 2 * step, three = 3 * step, four = 4 * step;
        for (; rows > 0; rows--, from += rowStride, to += pitch)
        {
            float* p = from;
            int j = 0;
            for (; j <= count - 4; j += 4, p += four) (to[j], to[j + 1], to[j + 2], to[j + 3]) = (p[0], p[step], p[two], p[three]);
            for (; j < count; j++, p += step) to[j] = *p;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zeros(float* p, int count, int stride)
    {
        for (; count > 0; count--, p += stride) *p = 0;
    }
}
