using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// Between an image and its <see cref="DilationPlanes"/>, four column phases and four of their columns at a time: four neighbours of the image are one number of each
/// plane, so that sixteen are a matrix that is transposed. For dilations from four on, whose planes' rows are too short for wider vectors.
/// </summary>
internal static unsafe class DilationQuads<M>
    where M : struct, IDilationMove
{
    private const int Quad = 4;

    /// <summary>What both have of some channels' rows of one row phase; both pointers are those of the first channel's first such row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(DilationPlanes planes, int rows, float* image, int channels, float* plane)
    {
        nint area = (nint)planes.Height * planes.Width, length = planes.Rows * (nint)planes.Columns;
        for (; channels > 0; channels--, image += area, plane += length)
            for (int column = 0; column < planes.dw; column += Quad) Phases(planes, Math.Min(column, planes.dw - Quad), rows, image, plane);
    }

    /// <summary>Four phases of a channel: the columns that all of them have, and those at the ends that not all have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Phases(DilationPlanes planes, int column, int rows, float* image, float* plane)
    {
        nint phaseStride = planes.PhaseStride, rowStride = planes.dh * (nint)planes.Width, step = planes.dw;
        DilationRun first = planes.ColumnsOf(column), last = planes.ColumnsOf(column + Quad - 1);
        int begin = first.Begin, end = last.End;   // of all: the first one begins last, the last one ends first
        plane += column * phaseStride;
        image += column - planes.Left;
        if (end - begin < Quad) end = begin;
        else Middle(rows, image, rowStride, step, plane, planes.Columns, phaseStride, begin, end);
        for (int i = 0; i < Quad; i++, image++, plane += phaseStride)
        {
            DilationRun run = planes.ColumnsOf(column + i);
            for (int j = run.Begin; j < begin; j++) Column(rows, image + (j * step), rowStride, plane + j, planes.Columns);
            for (int j = end; j < run.End; j++) Column(rows, image + (j * step), rowStride, plane + j, planes.Columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Middle(int rows, float* image, nint rowStride, nint step, float* plane, int columns, nint phaseStride, int begin, int end)
    {
        for (; rows > 0; rows--, image += rowStride, plane += columns)
        {
            for (int j = begin; j < end; j += Quad)
            {
                int at = Math.Min(j, end - Quad);
                M.Move(image + (at * step), step, plane + at, phaseStride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(int rows, float* image, nint rowStride, float* plane, int columns)
    {
        for (; rows > 0; rows--, image += rowStride, plane += columns) M.Move(image, plane);
    }
}

/// <summary>From an image into planes, or back.</summary>
internal unsafe interface IDilationMove
{
    /// <summary>Between image[i·step + b] and plane[b·phaseStride + i], i, b &lt; 4.</summary>
    static abstract void Move(float* image, nint step, float* plane, nint phaseStride);

    /// <summary>Between two places.</summary>
    static abstract void Move(float* image, float* plane);
}

/// <summary>Into planes.</summary>
internal readonly unsafe struct ToPlanes : IDilationMove
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Move(float* image, nint step, float* plane, nint phaseStride) => Transposed(image, step, plane, phaseStride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Move(float* image, float* plane) => *plane = *image;

    /// <summary>to[b·toStride + i] = from[i·fromStride + b],   i, b &lt; 4</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transposed(float* from, nint fromStride, float* to, nint toStride) => Simd128.StoreQuads(
        to, toStride, Vector128.Load(from), Vector128.Load(from + fromStride), Vector128.Load(from + (2 * fromStride)), Vector128.Load(from + (3 * fromStride)));
}

/// <summary>From planes.</summary>
internal readonly unsafe struct FromPlanes : IDilationMove
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Move(float* image, nint step, float* plane, nint phaseStride) => ToPlanes.Transposed(plane, phaseStride, image, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Move(float* image, float* plane) => *image = *plane;
}
