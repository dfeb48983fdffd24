namespace ConvNative.Kernels;

/// <summary>The specification of <see cref="PanelPacking{S, V}"/> in plain loops.</summary>
internal static unsafe class PanelPackingReference
{
    /// <summary>source[k·ld + lane]</summary>
    public static void FromRows(float* source, nint ld, int K, int lanes, int R, float* panels) =>
        Pack(source, 1, ld, K, lanes, R, panels);

    /// <summary>source[lane·ld + k]</summary>
    public static void FromColumns(float* source, nint ld, int K, int lanes, int R, float* panels) =>
        Pack(source, ld, 1, K, lanes, R, panels);

    /// <summary>source[row·ld + 9·lane + taps[t]] for k = row·count + t</summary>
    public static void FromNines(float* source, nint ld, int rows, int* taps, int count, int lanes, int R, float* panels)
    {
        int padded = BlockSizes.RoundUp(lanes, R), K = rows * count;
        for (int lane = 0; lane < padded; lane++)
            for (int k = 0; k < K; k++)
                panels[((nint)(lane / R) * K * R) + ((nint)k * R) + (lane % R)] = lane < lanes ? source[(k / count * ld) + (9 * lane) + taps[k % count]] : 0;
    }

    private static void Pack(float* source, nint laneStride, nint kStride, int K, int lanes, int R, float* panels)
    {
        int padded = BlockSizes.CeilDiv(lanes, R) * R;
        for (int lane = 0; lane < padded; lane++)
            for (int k = 0; k < K; k++)
                panels[(nint)(lane / R) * K * R + (nint)k * R + lane % R] = lane < lanes ? source[lane * laneStride + k * kStride] : 0;
    }
}
