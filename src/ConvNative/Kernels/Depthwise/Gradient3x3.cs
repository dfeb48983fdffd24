using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// The gradients of a 3×3 depthwise convolution's weights and bias: dw[k] = Σ dy·(x under tap k), db = Σ dy, down each strip with the ten
/// sums in registers; where a strip is a whole plane, over the images too. A lane is summed in float over a run of rows that the sizes alone
/// decide, runs in double.
/// </summary>
internal static unsafe class Gradient3x3
{
    private const int Run = 512;            // rows of strips that a float sums
    private const int NearFloats = 4096;    // planes of so many leave room in L1 for as many that are fetched meanwhile

    /// <summary>
    /// Floats of scratch memory for so many channels, or pairs: sums of one of them, in lanes, and in double. None where a channel is done in one go.
    /// </summary>
    public static long ScratchLength(Stencil3x3 t, int images, long channels)
    {
        if (IsOneGo(t, images)) return 0;
        int pitch = GradientSums.Pitch * t.Planes;
        return pitch + (channels * (IsAll(t, images) ? pitch : (GradientSums.Count * t.Width) + (2 * pitch)));
    }

    /// <summary>Whether all rows of all images are summed in one go, so that the lanes of each strip's sums are added up at once.</summary>
    private static bool IsAll(Stencil3x3 t, int images) => Group(t, images) == images && t.BandRows == t.OutputH;

    /// <summary>
    /// Whether all sums of a channel are in registers at once: where it is one strip, or strips have nothing in common and few rows.
    /// </summary>
    public static bool IsOneGo(Stencil3x3 t, int images) =>
        t.Starts.Length == 1 ? IsAll(t, images)
        : t.CanJoinStrips && (long)images * t.OutputH * t.Starts.Length <= Run;

    /// <summary>Images that are summed in one go.</summary>
    private static int Group(Stencil3x3 t, int images) =>
        t.BandRows < t.OutputH || t.Starts.Length > 1 ? 1 : Math.Clamp(Run / t.BandRows, 1, images);

    /// <summary>Computes dw and db of channels, or of pairs.</summary>
    /// <param name="isa">Instruction set to use.</param>
    /// <param name="t">The forward stencil, its strips apart.</param>
    /// <param name="images">N.</param>
    /// <param name="xImage">Floats between images of x.</param>
    /// <param name="dyImage">Floats between images of dy.</param>
    /// <param name="run">x as the source, dy as the result, of the first image; dw as the weights, and db or null as the bias.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats, aligned to a cache line.</param>
    public static void Channels(Isa isa, Stencil3x3 t, int images, long xImage, long dyImage, in DepthwiseRun run, float* scratch)
    {
        switch (isa)
        {
            case Isa.Avx512: Channels<Simd512, Vector512<float>>(t, images, xImage, dyImage, run, scratch); break;
            case Isa.Avx2: Channels<Simd256, Vector256<float>>(t, images, xImage, dyImage, run, scratch); break;
            default: Channels<Simd128, Vector128<float>>(t, images, xImage, dyImage, run, scratch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Channels<S, V>(Stencil3x3 t, int images, long xImage, long dyImage, in DepthwiseRun run, float* scratch)
        where S : struct, ISimd<V>
        where V : struct
    {
        float* lanes = scratch + (GradientSums.Pitch * t.Planes);
        double* totals = (double*)(lanes + (GradientSums.Count * S.Width * run.Count));
        bool isOneGo = IsOneGo(t, images);
        int rows = 0, strips = t.Starts.Length, group = isOneGo ? images : Group(t, images), band = isOneGo ? t.OutputH : t.BandRows;
        nint xPlanes = t.Planes * t.SourcePixels, dyPlanes = t.Planes * t.OutputPixels;
        bool isSmall = group > 1 && group * xPlanes <= NearFloats;
        bool isAll = IsAll(t, images), isFirst = true, isOnly = true;
        fixed (int* masks = t.MaskTable)
        {
            for (int n = 0; n < images; n += group)
            for (int first = 0; first < t.OutputH; first += band)
            {
                if (rows >= Run)
                {
                    Total<S, V>(t, run.Count, lanes, totals, isOnly);
                    (isFirst, isOnly, rows) = (true, false, 0);
                }

                int together = Math.Min(group, images - n), left = images - n - 1, bandRows = Math.Min(band, t.OutputH - first);
                nint xLast = isSmall ? xPlanes : Ahead(t, band, n, left, together, first, xPlanes, (nint)xImage, t.Stride * t.SourceW);
                nint dyLast = isSmall ? dyPlanes : Ahead(t, band, n, left, together, first, dyPlanes, (nint)dyImage, t.OutputW);
                bool isNext = !isSmall && together > 1;
                nint xAhead = isNext ? (nint)xImage : xLast, dyAhead = isNext ? (nint)dyImage : dyLast;
                var part = new GradientPart(run.Source + (n * xImage), run.Result + (n * dyImage), together)
                {
                    IsAll = isAll,
                    XImage = (nint)xImage, DyImage = (nint)dyImage, XPlanes = xPlanes, DyPlanes = dyPlanes,
                    SumPitch = isAll ? GradientSums.Pitch * t.Planes : GradientSums.Count * S.Width,
                    XAhead = xAhead, DyAhead = dyAhead, XLast = xLast - xAhead, DyLast = dyLast - dyAhead,
                    XStep = t.SourceShare, DyStep = t.OutputShare, XShare = bandRows * t.SourceShare, DyShare = bandRows * t.OutputShare,
                };
                if (isOneGo)
                {
                    GradientPlanes.Run<S, V>(t, masks, run, part);
                    return;
                }

                for (int i = 0, end; i < strips; i = end)
                {
                    end = EndOfAlike(t.Kinds, i);
                    var strip = new DepthwiseStrip(t, i, first, (float*)masks) { Alike = end - i };
                    GradientStrip.Run<S, V>(t, strip, t.Kinds[i], run, part, lanes, isFirst);
                    isFirst = false;
                }

                rows += part.Images * band * strips;
            }
        }

        if (!isOnly) Total<S, V>(t, run.Count, lanes, totals, isFirst: false);
        Put<S, V>(t, run, lanes, isOnly ? null : totals, isAll);
    }

    /// <summary>Beyond the strips from i on that need no masks; of others, each is by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EndOfAlike(StripKind[] kinds, int i)
    {
        bool isInner = kinds[i++] == StripKind.Inner;
        while (isInner && i < kinds.Length && kinds[i] == StripKind.Inner) i++;
        return i;
    }

    /// <summary>
    /// Floats from a band in the last image of a part, which begins with image n and after whose first image so many are left, to what is fetched
    /// meanwhile: the next band of the plane, or the next channel's in the first image of the part, or the first one in the next image or the
    /// next channel.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Ahead(Stencil3x3 t, int band, int n, int left, int together, int first, nint planes, nint image, nint row)
    {
        if (first + band < t.OutputH) return band * row;
        if (together > 1) return planes - ((together - 1) * image);
        return (left > 0 ? image : planes - (n * image)) - (first * row);
    }

    /// <summary>totals += the sums so far, or = them if they are the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Total<S, V>(Stencil3x3 t, int count, float* lanes, double* totals, bool isFirst)
        where S : struct, ISimd<V>
        where V : struct
    {
        int pitch = GradientSums.Pitch * t.Planes;
        float* sums = lanes - pitch;
        for (; count > 0; count--, lanes += GradientSums.Count * S.Width, totals += pitch)
        {
            GradientSums.Fold<S, V>(t.LanePlanes, lanes, sums);
            for (int i = 0; i < pitch; i++) totals[i] = isFirst ? sums[i] : totals[i] + sums[i];
        }
    }

    /// <summary>Lays out the sums as dw and db: the totals if there are any, or those in the lanes, which may have been added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Put<S, V>(Stencil3x3 t, in DepthwiseRun run, float* lanes, double* totals, bool isAll)
        where S : struct, ISimd<V>
        where V : struct
    {
        int pitch = GradientSums.Pitch * t.Planes, laneSums = GradientSums.Count * S.Width;
        float* sums = isAll ? lanes : lanes - pitch, dw = run.Weights, db = run.Bias;
        for (int c = 0; c < run.Count; c++, dw += 9 * t.Planes)
        {
            if (!isAll && totals == null) GradientSums.Fold<S, V>(t.LanePlanes, lanes + (c * laneSums), sums);
            for (int i = 0; totals != null && i < pitch; i++) sums[i] = (float)totals[(c * pitch) + i];
            GradientSums.Put(t.LanePlanes, sums, dw, db == null ? null : db + (c * t.Planes), run.SecondChannel);
            if (isAll) sums += pitch;
        }
    }
}
