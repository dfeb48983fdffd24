using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>Finished sums from <see cref="PhasePlanes"/> numbering into the output: the places between rows are dropped, classes of strides interleaved.</summary>
internal static unsafe class PlaneStore
{
    /// <summary>
    /// Rows of some channels: out[m·plane + i·columns + j] = epilogue(sums[m·stride + i·pitch + j]), m &lt; store.Rows, i &lt; rows, j &lt; columns.
    /// </summary>
    public static void Rows(Isa isa, in TileStore store, float* sums, nint stride, int pitch, int rows, int columns, float* output, nint plane)
    {
        switch (isa)
        {
            case Isa.Avx512: PlaneStore<Simd512, Vector512<float>>.Rows(store, sums, stride, pitch, rows, columns, output, plane); break;
            case Isa.Avx2: PlaneStore<Simd256, Vector256<float>>.Rows(store, sums, stride, pitch, rows, columns, output, plane); break;
            default: PlaneStore<Simd128, Vector128<float>>.Rows(store, sums, stride, pitch, rows, columns, output, plane); break;
        }
    }

    /// <summary>
    /// Rows of one channel from the classes of strides (sh, sw), class (rh, rw) at sums + (rh·sw + rw)·classStride:
    /// out[(row − rh)·rowStride + column − rw] = class (row mod sh, column mod sw)[row/sh·pitch + column/sw], rh ≤ row &lt; rows + rh,
    /// rw ≤ column &lt; columns + rw: (<paramref name="rh"/>, <paramref name="rw"/>) is the class of the first element.
    /// </summary>
    public static void Interleaved(
        Isa isa, float* sums, nint classStride, int sh, int sw, int pitch, int rows, int columns, float* output, nint rowStride, int rh = 0, int rw = 0)
    {
        switch (isa)
        {
            case Isa.Avx512: PlaneStore<Simd512, Vector512<float>>.Interleaved(sums, classStride, sh, sw, pitch, rows, columns, output, rowStride, rh, rw); break;
            case Isa.Avx2: PlaneStore<Simd256, Vector256<float>>.Interleaved(sums, classStride, sh, sw, pitch, rows, columns, output, rowStride, rh, rw); break;
            default: PlaneStore<Simd128, Vector128<float>>.Interleaved(sums, classStride, sh, sw, pitch, rows, columns, output, rowStride, rh, rw); break;
        }
    }

    /// <summary>
    /// Points of one grid row, some channels, into every sw-th column of the output: out[m·plane + j·sw] = sums[m·stride + j], m &lt; channels,
    /// j &lt; count. What stands between the points stays, though it may be written again.
    /// </summary>
    public static void Weave(Isa isa, float* sums, nint stride, int channels, int sw, int count, float* output, nint plane)
    {
        switch (isa)
        {
            case Isa.Avx512: PlaneStore<Simd512, Vector512<float>>.Weave(sums, stride, channels, sw, count, output, plane); break;
            case Isa.Avx2: PlaneStore<Simd256, Vector256<float>>.Weave(sums, stride, channels, sw, count, output, plane); break;
            default: PlaneStore<Simd128, Vector128<float>>.Weave(sums, stride, channels, sw, count, output, plane); break;
        }
    }
}

/// <summary>The same for one vector width.</summary>
internal static unsafe class PlaneStore<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(in TileStore store, float* sums, nint stride, int pitch, int rows, int columns, float* output, nint plane)
    {
        // Masked stores are slow on some machines, so a row's last vector may run over into the next row, which is written after it:
        // unless the next row is someone else's, or shorter than that, or its addend may be the output itself.
        int overrun = store.Addend == null && columns >= S.Width ? rows - 1 : 0;
        for (int m = 0; m < store.Rows; m++, sums += stride, output += plane)
        {
            V bias = store.Bias == null ? S.Zero : S.Broadcast(store.Bias + m);
            float* addend = store.Addend == null ? null : store.Addend + (m * store.AddendStride);
            for (int i = 0; i < rows; i++)
                Row(store, sums + ((nint)i * pitch), bias, addend == null ? null : addend + ((nint)i * columns), output + ((nint)i * columns), columns, i < overrun);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleaved(
        float* sums, nint classStride, int sh, int sw, int pitch, int rows, int columns, float* output, nint rowStride, int rh, int rw)
    {
        int overrun = columns >= S.Width && rowStride == columns ? rows - 1 : 0;   // into the next row, which is written after it
        for (int row = 0; row < rows; row++, output += rowStride)
        {
            (int i, int phase) = Math.DivRem(row + rh, sh);
            float* source = sums + (phase * sw * classStride) + ((nint)i * pitch);
            if (sw == 1) Copy(source, output, columns);
            else if (sw == 2) Pairs(source + (rw * classStride), rw == 0 ? source + classStride : source + 1, output, columns, row < overrun);
            else if (sw == 4) Quads(source, classStride, rw, output, columns);
            else Any(source, classStride, sw, rw, output, columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weave(float* sums, nint stride, int channels, int sw, int count, float* output, nint plane)
    {
        for (int m = 0; m < channels; m++, sums += stride, output += plane)
        {
            // Vectors end between two points of this run: nobody else writes there meanwhile.
            int j = 0;
            for (; sw == 2 && j < count - S.Width; j += S.Width)
            {
                float* p = output + (2 * j);
                V x = S.Load(sums + j), between = S.Odd(S.Load(p), S.Load(p + S.Width));
                S.Store(p, S.InterleaveLow(x, between));
                S.Store(p + S.Width, S.InterleaveHigh(x, between));
            }

            for (; j < count; j++) output[(nint)j * sw] = sums[j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* p, V x, nint room)
    {
        if (room >= S.Width) S.Store(p, x);
        else S.StorePartial(p, x, (int)room);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* row, float* output, int columns)
    {
        int j = 0;
        for (; j <= columns - S.Width; j += S.Width) S.Store(output + j, S.Load(row + j));
        if (j < columns) S.StorePartial(output + j, S.LoadPartial(row + j, columns - j), columns - j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(float* even, float* odd, float* output, int columns, bool mayOverrun)
    {
        int whole = mayOverrun ? columns : columns - (2 * S.Width) + 1;
        int j = 0;
        for (; j < whole; j += 2 * S.Width, even += S.Width, odd += S.Width)
        {
            V x = S.Load(even), y = S.Load(odd);
            S.Store(output + j, S.InterleaveLow(x, y));
            S.Store(output + j + S.Width, S.InterleaveHigh(x, y));
        }

        if (j >= columns) return;
        int left = columns - j;
        V lastEven = S.LoadPartial(even, (left + 1) / 2), lastOdd = S.LoadPartial(odd, left / 2);
        Put(output + j, S.InterleaveLow(lastEven, lastOdd), left);
        if (left > S.Width) Put(output + j + S.Width, S.InterleaveHigh(lastEven, lastOdd), left - S.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads(float* sums, nint classStride, int first, float* output, int columns)
    {
        float* a = sums + (first * classStride), b = At(sums, classStride, first + 1), c = At(sums, classStride, first + 2);
        float* d = At(sums, classStride, first + 3);
        for (; columns > 0; columns -= 4 * S.Width, output += 4 * S.Width, a += S.Width, b += S.Width, c += S.Width, d += S.Width)
        {
            V va = Load(a, columns + 3), vb = Load(b, columns + 2), vc = Load(c, columns + 1), vd = Load(d, columns);
            V lowAC = S.InterleaveLow(va, vc), lowBD = S.InterleaveLow(vb, vd), highAC = S.InterleaveHigh(va, vc), highBD = S.InterleaveHigh(vb, vd);
            Put(output, S.InterleaveLow(lowAC, lowBD), columns);
            if (columns <= S.Width) return;
            Put(output + S.Width, S.InterleaveHigh(lowAC, lowBD), columns - S.Width);
            if (columns <= 2 * S.Width) return;
            Put(output + (2 * S.Width), S.InterleaveLow(highAC, highBD), columns - (2 * S.Width));
            if (columns > 3 * S.Width) Put(output + (3 * S.Width), S.InterleaveHigh(highAC, highBD), columns - (3 * S.Width));
        }
    }

    /// <summary>A vector of a class of four, of which there are <paramref name="fours"/>/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load(float* p, int fours) => fours >= 4 * S.Width ? S.Load(p) : S.LoadPartial(p, fours / 4);

    /// <summary>Where class <paramref name="k"/> of four begins, the next element's where they begin anew.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* At(float* sums, nint classStride, int k) => k < 4 ? sums + (k * classStride) : sums + ((k - 4) * classStride) + 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Any(float* sums, nint classStride, int classes, int first, float* output, int columns)
    {
        for (int k = 0; k < classes; k++, sums += classStride)
        {
            float* p = k < first ? sums + 1 : sums;
            for (nint j = k < first ? k + classes - first : k - first; j < columns; j += classes) output[j] = *p++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(in TileStore store, float* sums, V bias, float* addend, float* output, int columns, bool mayOverrun)
    {
        int whole = mayOverrun ? columns : columns - S.Width + 1;
        int j = 0;
        for (; j < whole; j += S.Width)
        {
            V x = S.Add(S.Load(sums + j), bias);
            if (addend != null) x = S.Add(x, S.Load(addend + j));
            S.Store(output + j, store.Activate<S, V>(x));
        }

        if (j >= columns) return;
        V last = S.Add(S.LoadPartial(sums + j, columns - j), bias);
        if (addend != null) last = S.Add(last, S.LoadPartial(addend + j, columns - j));
        S.StorePartial(output + j, store.Activate<S, V>(last), columns - j);
    }
}
