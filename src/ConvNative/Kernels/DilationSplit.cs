using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Images into <see cref="DilationPlanes"/>, and back.</summary>
internal static unsafe class DilationSplit
{
    private const int FewestOfQuads = 4;

    /// <summary>The planes of one row phase; both pointers are those of the first of <paramref name="channels"/> channels. Nothing outside of their rows is read or written.</summary>
    public static void Run(Isa isa, DilationPlanes planes, int phase, float* image, int channels, float* to)
    {
        DilationRun rows = planes.RowsOf(phase);
        float* source = image + (rows.First * (nint)planes.Width), first = to + (rows.Begin * planes.Columns);
        if (planes.dw >= FewestOfQuads) DilationQuads<ToPlanes>.Run(planes, rows.Count, source, channels, first);
        else if (isa == Isa.Avx512) DilationSplit<Simd512, Vector512<float>>.Run(planes, rows, image, channels, to);
        else if (isa == Isa.Avx2) DilationSplit<Simd256, Vector256<float>>.Run(planes, rows, image, channels, to);
        else DilationSplit<Simd128, Vector128<float>>.Run(planes, rows, image, channels, to);
        ClearOutside(planes, rows, channels, to);
    }

    /// <summary>The rows of the image that are of one row phase, from its planes; both pointers are those of the first of <paramref name="channels"/> channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Join(Isa isa, DilationPlanes planes, int phase, float* from, int channels, float* image)
    {
        DilationRun rows = planes.RowsOf(phase);
        from += rows.Begin * planes.Columns;
        image += rows.First * (nint)planes.Width;
        if (planes.dw >= FewestOfQuads)
        {
            DilationQuads<FromPlanes>.Run(planes, rows.Count, image, channels, from);
            return;
        }

        nint rowStride = planes.dh * (nint)planes.Width;
        for (; channels > 0; channels--, from += planes.Rows * planes.Columns, image += planes.Height * (nint)planes.Width)
            PlaneStore.Interleaved(isa, from, planes.PhaseStride, 1, planes.dw, planes.Columns, rows.Count, planes.Width, image, rowStride, rw: planes.Left);
    }

    /// <summary>The rows and columns of planes that the image does not have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ClearOutside(DilationPlanes planes, in DilationRun rows, int channels, float* to)
    {
        int columns = planes.Columns, length = planes.Rows * columns;
        for (int phase = 0; phase < planes.dw; phase++, to += planes.PhaseStride)
        {
            DilationRun run = planes.ColumnsOf(phase);
            float* plane = to;
            for (int c = 0; c < channels; c++, plane += length)
            {
                if (rows.Begin > 0) Clear(plane, columns, 1);
                if (rows.End < planes.Rows) Clear(plane + length - columns, columns, 1);
                if (run.Begin > 0) Clear(plane, planes.Rows, columns);
                if (run.End < columns) Clear(plane + columns - 1, planes.Rows, columns);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear(float* p, int count, int stride)
    {
        for (; count > 0; count--, p += stride) *p = 0;
    }
}

/// <summary>Up to three column phases, whose rows are long, in the vectors of one width.</summary>
internal static unsafe class DilationSplit<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(DilationPlanes planes, in DilationRun rows, float* image, int channels, float* to)
    {
        if (planes.dw == 1) Run<UnitRead<S, V>>(planes, rows, image, channels, to);
        else if (planes.dw == 2) Run<PairRead<S, V>>(planes, rows, image, channels, to);
        else Run<GatherRead<S, V>>(planes, rows, image, channels, to);
    }

    // Plane by plane: their rows are short, so that what is the same for all of them is not found out for each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<R>(DilationPlanes planes, in DilationRun rows, float* image, int channels, float* to)
        where R : struct, IStridedRead<S, V>
    {
        int step = planes.dw, columns = planes.Columns, length = planes.Rows * columns;
        nint area = (nint)planes.Height * planes.Width, rowStride = planes.dh * (nint)planes.Width, phaseStride = planes.PhaseStride;
        float* end = image + (channels * area), from = image + (rows.First * (nint)planes.Width);
        for (; channels > 0; channels--, from += area, to += length)
        {
            float* plane = to;
            for (int column = 0; column < step; column++, plane += phaseStride)
            {
                DilationRun run = planes.ColumnsOf(column);
                Copy<R>(from + run.First, end, rowStride, step, plane + (rows.Begin * columns) + run.Begin, plane + length, columns, rows.Count, run.Count);
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
}
