namespace ConvNative.Kernels;

/// <summary>The specification of <see cref="PointDots"/>.</summary>
internal static unsafe class PointDotsReference
{
    public static void Run(PointDotsProduct* product, int channels)
    {
        for (int t = 0; t < PointDots.Taps; t++)
        for (int c = 0; c < channels; c++)
        for (int i = 0; i < product->Rows; i++)
        for (int j = 0; j < product->Columns; j++)
        {
            float x = product->X[product->Taps[t] + (i * product->PitchX) + j], y = product->Y[(c * product->StrideY) + (i * product->PitchY) + j];
            product->Sums[(t * channels) + c] += x * y;
        }
    }
}
