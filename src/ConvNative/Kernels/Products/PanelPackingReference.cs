namespace ConvNative.Kernels;

/// <summary>The specification of <see cref="PanelPacking{S, V}"/> and <see cref="TapPacking"/> in plain loops.</summary>
internal static unsafe class PanelPackingReference
{
    /// <summary>source[k·ld + lane]</summary>
    public static void FromRows(float* source, nint ld, int K, int lanes, int R, float* panels) =>
        Pack(source, 1, ld, K, lanes, R, panels);

    /// <summary>source[lane·ld + k]</summary>
    public static void FromColumns(float* source, nint ld, int K, int lanes, int R, float* panels) =>
        Pack(source, ld, 1, K, lanes, R, panels);

    /// <summary><see cref="TapPacking"/></summary>
    public static void FromKernels(float* source, int area, int count, int lanes, int R, TapPanels* taps)
    {
        for (int lane = 0; lane < BlockSizes.RoundUp(lanes, R); lane++)
            for (int t = 0; t < count; t++) *taps[t].Lanes(lane / R, lane % R) = lane < lanes ? source[(lane * area) + t] : 0;
    }

    private static void Pack(float* source, nint laneStride, nint kStride, int K, int lanes, int R, float* panels)
    {
        int padded = BlockSizes.CeilDiv(lanes, R) * R;
        for (int lane = 0; lane < padded; lane++)
            for (int k = 0; k < K; k++)
                panels[(nint)(lane / R) * K * R + (nint)k * R + lane % R] = lane < lanes ? source[lane * laneStride + k * kStride] : 0;
    }
}
