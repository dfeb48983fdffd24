using System.Runtime.CompilerServices;
using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// 9 taps × up to 3 channels of dy: 27 accumulators, 3 vectors of dy and one of x fit 32 registers. The contract stands at <see cref="PointDots"/>.
/// </summary>
internal static unsafe class PointDots9x3<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>3 channels of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run3(PointDotsProduct* product)
    {
        V c00 = S.Zero, c01 = S.Zero, c02 = S.Zero, c10 = S.Zero, c11 = S.Zero, c12 = S.Zero, c20 = S.Zero, c21 = S.Zero, c22 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c32 = S.Zero, c40 = S.Zero, c41 = S.Zero, c42 = S.Zero, c50 = S.Zero, c51 = S.Zero, c52 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c62 = S.Zero, c70 = S.Zero, c71 = S.Zero, c72 = S.Zero, c80 = S.Zero, c81 = S.Zero, c82 = S.Zero;
        float* x = product->X, y = product->Y, nextX = product->NextX;
        nint* taps = product->Taps;
        nint stride = product->StrideY, whole = product->Columns / S.Width * S.Width;
        nint toNextY = product->ToNextY;
        int rest = product->Columns - (int)whole;
        for (int rows = product->Rows; rows > 0; rows--, x += product->PitchX, y += product->PitchY)
        {
            float* x0 = x + taps[0], x1 = x + taps[1], x2 = x + taps[2];
            float* x3 = x + taps[3], x4 = x + taps[4], x5 = x + taps[5];
            float* x6 = x + taps[6], x7 = x + taps[7], x8 = x + taps[8];
            float* p = y;
            nint j = 0;
            for (; j < whole; j += S.Width, p += S.Width, nextX += S.Width)
            {
                V y0 = S.Load(p), y1 = S.Load(p + stride), y2 = S.Load(p + (2 * stride));
                TileRow<S, V>.MultiplyAdd(S.Load(x0 + j), y0, y1, y2, ref c00, ref c01, ref c02);
                TileRow<S, V>.MultiplyAdd(S.Load(x1 + j), y0, y1, y2, ref c10, ref c11, ref c12);
                TileRow<S, V>.MultiplyAdd(S.Load(x2 + j), y0, y1, y2, ref c20, ref c21, ref c22);
                TileRow<S, V>.MultiplyAdd(S.Load(x3 + j), y0, y1, y2, ref c30, ref c31, ref c32);
                TileRow<S, V>.MultiplyAdd(S.Load(x4 + j), y0, y1, y2, ref c40, ref c41, ref c42);
                TileRow<S, V>.MultiplyAdd(S.Load(x5 + j), y0, y1, y2, ref c50, ref c51, ref c52);
                TileRow<S, V>.MultiplyAdd(S.Load(x6 + j), y0, y1, y2, ref c60, ref c61, ref c62);
                TileRow<S, V>.MultiplyAdd(S.Load(x7 + j), y0, y1, y2, ref c70, ref c71, ref c72);
                TileRow<S, V>.MultiplyAdd(S.Load(x8 + j), y0, y1, y2, ref c80, ref c81, ref c82);
                Prefetch.ToL2(nextX);
                Prefetch.ToL2(p + toNextY);
            }

            if (rest > 0)
            {
                V y0 = S.LoadPartial(p, rest), y1 = S.LoadPartial(p + stride, rest), y2 = S.LoadPartial(p + (2 * stride), rest);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x0 + j, rest), y0, y1, y2, ref c00, ref c01, ref c02);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x1 + j, rest), y0, y1, y2, ref c10, ref c11, ref c12);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x2 + j, rest), y0, y1, y2, ref c20, ref c21, ref c22);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x3 + j, rest), y0, y1, y2, ref c30, ref c31, ref c32);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x4 + j, rest), y0, y1, y2, ref c40, ref c41, ref c42);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x5 + j, rest), y0, y1, y2, ref c50, ref c51, ref c52);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x6 + j, rest), y0, y1, y2, ref c60, ref c61, ref c62);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x7 + j, rest), y0, y1, y2, ref c70, ref c71, ref c72);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x8 + j, rest), y0, y1, y2, ref c80, ref c81, ref c82);
            }
        }

        float* sums = product->Sums;
        LaneFold<S, V>.Add16(
            c00, c01, c02, c10, c11, c12, c20, c21,
            c22, c30, c31, c32, c40, c41, c42, c50, sums);
        LaneFold<S, V>.Add16(
            c51, c52, c60, c61, c62, c70, c71, c72,
            c80, c81, c82, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, sums + 16);
    }

    /// <summary>2 channels of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run2(PointDotsProduct* product)
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero, c20 = S.Zero, c21 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        V c60 = S.Zero, c61 = S.Zero, c70 = S.Zero, c71 = S.Zero, c80 = S.Zero, c81 = S.Zero;
        float* x = product->X, y = product->Y, nextX = product->NextX;
        nint* taps = product->Taps;
        nint stride = product->StrideY, whole = product->Columns / S.Width * S.Width;
        nint toNextY = product->ToNextY;
        int rest = product->Columns - (int)whole;
        for (int rows = product->Rows; rows > 0; rows--, x += product->PitchX, y += product->PitchY)
        {
            float* x0 = x + taps[0], x1 = x + taps[1], x2 = x + taps[2];
            float* x3 = x + taps[3], x4 = x + taps[4], x5 = x + taps[5];
            float* x6 = x + taps[6], x7 = x + taps[7], x8 = x + taps[8];
            float* p = y;
            nint j = 0;
            for (; j < whole; j += S.Width, p += S.Width, nextX += S.Width)
            {
                V y0 = S.Load(p), y1 = S.Load(p + stride);
                TileRow<S, V>.MultiplyAdd(S.Load(x0 + j), y0, y1, ref c00, ref c01);
                TileRow<S, V>.MultiplyAdd(S.Load(x1 + j), y0, y1, ref c10, ref c11);
                TileRow<S, V>.MultiplyAdd(S.Load(x2 + j), y0, y1, ref c20, ref c21);
                TileRow<S, V>.MultiplyAdd(S.Load(x3 + j), y0, y1, ref c30, ref c31);
                TileRow<S, V>.MultiplyAdd(S.Load(x4 + j), y0, y1, ref c40, ref c41);
                TileRow<S, V>.MultiplyAdd(S.Load(x5 + j), y0, y1, ref c50, ref c51);
                TileRow<S, V>.MultiplyAdd(S.Load(x6 + j), y0, y1, ref c60, ref c61);
                TileRow<S, V>.MultiplyAdd(S.Load(x7 + j), y0, y1, ref c70, ref c71);
                TileRow<S, V>.MultiplyAdd(S.Load(x8 + j), y0, y1, ref c80, ref c81);
                Prefetch.ToL2(nextX);
                Prefetch.ToL2(p + toNextY);
            }

            if (rest > 0)
            {
                V y0 = S.LoadPartial(p, rest), y1 = S.LoadPartial(p + stride, rest);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x0 + j, rest), y0, y1, ref c00, ref c01);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x1 + j, rest), y0, y1, ref c10, ref c11);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x2 + j, rest), y0, y1, ref c20, ref c21);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x3 + j, rest), y0, y1, ref c30, ref c31);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x4 + j, rest), y0, y1, ref c40, ref c41);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x5 + j, rest), y0, y1, ref c50, ref c51);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x6 + j, rest), y0, y1, ref c60, ref c61);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x7 + j, rest), y0, y1, ref c70, ref c71);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x8 + j, rest), y0, y1, ref c80, ref c81);
            }
        }

        float* sums = product->Sums;
        LaneFold<S, V>.Add16(
            c00, c01, c10, c11, c20, c21, c30, c31,
            c40, c41, c50, c51, c60, c61, c70, c71, sums);
        LaneFold<S, V>.Add16(
            c80, c81, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero,
            S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, sums + 16);
    }

    /// <summary>1 channel of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run1(PointDotsProduct* product)
    {
        V c00 = S.Zero, c10 = S.Zero, c20 = S.Zero;
        V c30 = S.Zero, c40 = S.Zero, c50 = S.Zero;
        V c60 = S.Zero, c70 = S.Zero, c80 = S.Zero;
        float* x = product->X, y = product->Y, nextX = product->NextX;
        nint* taps = product->Taps;
        nint whole = product->Columns / S.Width * S.Width;
        nint toNextY = product->ToNextY;
        int rest = product->Columns - (int)whole;
        for (int rows = product->Rows; rows > 0; rows--, x += product->PitchX, y += product->PitchY)
        {
            float* x0 = x + taps[0], x1 = x + taps[1], x2 = x + taps[2];
            float* x3 = x + taps[3], x4 = x + taps[4], x5 = x + taps[5];
            float* x6 = x + taps[6], x7 = x + taps[7], x8 = x + taps[8];
            float* p = y;
            nint j = 0;
            for (; j < whole; j += S.Width, p += S.Width, nextX += S.Width)
            {
                V y0 = S.Load(p);
                TileRow<S, V>.MultiplyAdd(S.Load(x0 + j), y0, ref c00);
                TileRow<S, V>.MultiplyAdd(S.Load(x1 + j), y0, ref c10);
                TileRow<S, V>.MultiplyAdd(S.Load(x2 + j), y0, ref c20);
                TileRow<S, V>.MultiplyAdd(S.Load(x3 + j), y0, ref c30);
                TileRow<S, V>.MultiplyAdd(S.Load(x4 + j), y0, ref c40);
                TileRow<S, V>.MultiplyAdd(S.Load(x5 + j), y0, ref c50);
                TileRow<S, V>.MultiplyAdd(S.Load(x6 + j), y0, ref c60);
                TileRow<S, V>.MultiplyAdd(S.Load(x7 + j), y0, ref c70);
                TileRow<S, V>.MultiplyAdd(S.Load(x8 + j), y0, ref c80);
                Prefetch.ToL2(nextX);
                Prefetch.ToL2(p + toNextY);
            }

            if (rest > 0)
            {
                V y0 = S.LoadPartial(p, rest);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x0 + j, rest), y0, ref c00);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x1 + j, rest), y0, ref c10);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x2 + j, rest), y0, ref c20);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x3 + j, rest), y0, ref c30);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x4 + j, rest), y0, ref c40);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x5 + j, rest), y0, ref c50);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x6 + j, rest), y0, ref c60);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x7 + j, rest), y0, ref c70);
                TileRow<S, V>.MultiplyAdd(S.LoadPartial(x8 + j, rest), y0, ref c80);
            }
        }

        float* sums = product->Sums;
        LaneFold<S, V>.Add16(
            c00, c10, c20, c30, c40, c50, c60, c70,
            c80, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, S.Zero, sums);
    }
}
