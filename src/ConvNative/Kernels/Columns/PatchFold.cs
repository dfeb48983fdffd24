using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// <see cref="Col2Im"/> of patches that have no pixel in common (<see cref="ConvSizes.PatchesAreApart"/>), which writes each pixel once:
/// <code>
/// dx[c, oh·sh + kh·dh − pt, ow·sw + kw·dw − pl] = columns[(c, kh, kw), (oh, ow)]        0 where no patch has a pixel
/// </code>
/// A patch owns the pixels from its first one up to those of the next patch; the first and the last one of a row or column own the margins, and each
/// kernel row the pixel rows up to the next kernel row's. So what is given in parts is written in parts.
/// </summary>
internal static unsafe class PatchFold
{
    /// <summary>
    /// The part of the patches [<paramref name="point"/>, point + <paramref name="points"/>) of an image and of rows (c, kh, kw)
    /// [<paramref name="row"/>, row + <paramref name="rows"/>) of the columns; both are whole kernel rows, multiples of KW.
    /// </summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="s">Sizes; N, IC, OC and G are not looked at.</param>
    /// <param name="columns">Row <paramref name="row"/> at the first of the points; a vector from any point on may be read.</param>
    /// <param name="ld">Distance between rows of <paramref name="columns"/>, in floats.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="point">First column.</param>
    /// <param name="points">Number of columns, at least 1.</param>
    /// <param name="dx">The plane of channel 0.</param>
    public static void Run(Isa isa, in ConvSizes s, float* columns, nint ld, int row, int rows, int point, int points, float* dx)
    {
        switch (isa)
        {
            case Isa.Avx512: Run<Simd512, Vector512<float>>(s, columns, ld, row, rows, point, points, dx); break;
            case Isa.Avx2: Run<Simd256, Vector256<float>>(s, columns, ld, row, rows, point, points, dx); break;
            default: Run<Simd128, Vector128<float>>(s, columns, ld, row, rows, point, points, dx); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<S, V>(in ConvSizes s, float* columns, nint ld, int row, int rows, int point, int points, float* dx)
        where S : struct, ISimd<V>
        where V : struct
    {
        if (s is { KW: 1, sw: 2 }) new PatchFold<S, V, ZeroPairs<S, V>>(s, ld, point, points).Run(columns, row, rows, dx);
        else if (s is { KW: 2, sw: 2 }) new PatchFold<S, V, TapPairs<S, V>>(s, ld, point, points).Run(columns, row, rows, dx);
        else if (s is { KW: 4, sw: 4 }) new PatchFold<S, V, TapQuads<S, V>>(s, ld, point, points).Run(columns, row, rows, dx);
        else new PatchFold<S, V, AnyTaps<S, V>>(s, ld, point, points).Run(columns, row, rows, dx);
    }
}

/// <summary>The same for one vector width and one way to make pixel rows.</summary>
internal readonly unsafe struct PatchFold<S, V, P>
    where S : struct, ISimd<V>
    where V : struct
    where P : struct, IPatchPixels
{
    private readonly ConvSizes _s;
    private readonly nint _ld;
    private readonly int _oh, _ow, _points;        // of the first patch, and how many
    private readonly int _wholeEnd;                // up to this row, patches are whole rows, but for the first
    private readonly PatchRun _row;                // all patches of a row
    private readonly int _firstInner, _endInner;   // rows of patches whose pixels are all there

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public PatchFold(in ConvSizes s, nint ld, int point, int points)
    {
        (_s, _ld, _points, _row, _wholeEnd) = (s, ld, points, new PatchRun(s, 0, s.OW), (point + points) / s.OW);
        (_oh, _ow) = Math.DivRem(point, s.OW);
        if (!_row.IsInside) return;
        bool isLastInner = ((s.OH - 1) * s.sh) - s.pt + ((s.KH - 1) * s.dh) < s.IH;
        _firstInner = BlockSizes.CeilDiv(s.pt, s.sh);
        _endInner = Math.Min(_wholeEnd, isLastInner ? s.OH : Math.Min(s.OH - 1, (s.IH + s.pt) / s.sh));
    }

    /// <summary>Channel by channel: lines that are written from one end of a plane to the other need not be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(float* columns, int row, int rows, float* dx)
    {
        int first = row / _s.KW, end = (row + rows) / _s.KW;
        while (first < end)
        {
            (int channel, int kh) = Math.DivRem(first, _s.KH);
            int kernelRows = Math.Min(_s.KH - kh, end - first);
            Channel(columns, kh, kernelRows, dx + ((nint)channel * _s.IH * _s.IW));
            columns += kernelRows * _s.KW * _ld;
            first += kernelRows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Channel(float* columns, int kh, int kernelRows, float* plane)
    {
        int oh = _oh, ow = _ow;
        // Rows of patches that are whole are one piece of the plane: vectors may run over a row's end, into what is written next.
        float* end = _wholeEnd == 0 || kernelRows < _s.KH ? plane : plane + ((nint)PatchRun.FirstPixel(_wholeEnd, _s.OH, _s.sh, _s.pt, _s.IH) * _s.IW);
        for (int done = 0; done < _points; ow = 0)
        {
            int length = Math.Min(_s.OW - ow, _points - done), rows = 1;
            if (ow == 0 && oh >= _firstInner && oh < _endInner)
            {
                rows = _endInner - oh;
                InnerRows(columns + done, kh, kernelRows, oh, _endInner, plane, end);
            }
            else if (length == _s.OW) PixelRows(_row, columns + done, kh, kernelRows, oh, plane, end);
            else PixelRows(new PatchRun(_s, ow, length), columns + done, kh, kernelRows, oh, plane, plane);
            done += rows * length;
            oh += rows;
        }
    }

    /// <summary>Whole rows of patches, to none of which anything but the steps between them applies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void InnerRows(float* columns, int kh, int kernelRows, int oh, int endRow, float* plane, float* end)
    {
        int patches = _s.OW, width = _s.IW, last = _s.KH - 1 - kh;
        nint ld = _ld, tapsStep = _s.KW * ld, rowStep = (nint)_s.dh * width, patchStep = (nint)_s.sh * width;
        float* first = plane + ((nint)((oh * _s.sh) - _s.pt) * width);
        for (; oh < endRow; oh++, first += patchStep, columns += patches)
        {
            float* from = columns, output = first + (kh * rowStep), following = oh == _s.OH - 1 ? plane + ((nint)_s.IH * width) : first + patchStep;
            for (int k = 0; k < kernelRows; k++, from += tapsStep)
            {
                float* next = k == last ? following : output + rowStep, border = end > next ? end : next;
                PatchPixels<S, V>.Zeros(P.Store(_s.KW, _s.sw, _s.dw, from, ld, patches, output, width, border), next, border);
                output = next;
            }
        }
    }

    /// <summary>The pixel rows of neighbouring patches. Up to <paramref name="end"/> what lies beyond each is written after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PixelRows(in PatchRun run, float* columns, int kh, int kernelRows, int oh, float* plane, float* end)
    {
        if (run.Width == 0) return;
        int row = (oh * _s.sh) + (kh * _s.dh) - _s.pt;
        for (int endRow = kh + kernelRows; kh < endRow; kh++, columns += _s.KW * _ld, row += _s.dh)
        {
            int first = Math.Clamp(row, 0, _s.IH);
            int next = kh == _s.KH - 1 ? PatchRun.FirstPixel(oh + 1, _s.OH, _s.sh, _s.pt, _s.IH) : Math.Clamp(row + _s.dh, 0, _s.IH);
            float* output = plane + ((nint)first * _s.IW) + run.Left, written = output;
            // Where they are whole, pixel rows are one piece.
            bool isWhole = run.Width == _s.IW;
            float* last = isWhole ? plane + ((nint)next * _s.IW) : output + run.Width, border = end > output ? end : last;
            if (first == row && first < next)
            {
                written = run.IsInside ? P.Store(_s.KW, _s.sw, _s.dw, columns, _ld, run.Count, output, run.Width, border) : Clipped(run, columns, output, border);
                first++;
                if (!isWhole) output += _s.IW;
            }

            if (isWhole) PatchPixels<S, V>.Zeros(written, last, border);
            else for (; first < next; first++, output += _s.IW) PatchPixels<S, V>.Zeros(output, output + run.Width, output + run.Width);
        }
    }

    /// <summary>Patches of which padding or the image's end has a part are set tap by tap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private float* Clipped(in PatchRun run, float* columns, float* output, float* border)
    {
        new Span<float>(output, run.First).Clear();
        P.Store(_s.KW, _s.sw, _s.dw, columns + run.Before, _ld, run.Inside - run.Before, output + run.First, run.Width - run.First, border);
        for (int j = 0; j < run.Count; j++)
        {
            if (j == run.Before) j = run.Inside;
            int at = run.Ahead + (j * _s.sw);
            for (int kw = 0; j < run.Count && kw < _s.KW; kw++, at += _s.dw)
                if (at >= 0 && at < run.Width) output[at] = columns[(kw * _ld) + j];
        }

        return output + run.Width;
    }
}
