using System.Numerics;

namespace TrainMnist.Layers;

/// <summary>Arithmetic on spans of equal length, some elements at a time.</summary>
internal static class Vectors
{
    /// <summary>Σ a[i] · b[i].</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector<float> sums = default;
        int i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count) sums += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
        float sum = Vector.Sum(sums);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>y[i] += factor · x[i].</summary>
    public static void AddScaled(Span<float> y, float factor, ReadOnlySpan<float> x)
    {
        int i = 0;
        for (; i <= y.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(y[i..]) + (factor * new Vector<float>(x[i..]))).CopyTo(y[i..]);
        for (; i < y.Length; i++) y[i] += factor * x[i];
    }

    /// <summary>y[i] = max(x[i], 0).</summary>
    public static void PositivePart(Span<float> y, ReadOnlySpan<float> x)
    {
        int i = 0;
        for (; i <= y.Length - Vector<float>.Count; i += Vector<float>.Count) Vector.Max(new Vector<float>(x[i..]), Vector<float>.Zero).CopyTo(y[i..]);
        for (; i < y.Length; i++) y[i] = Math.Max(x[i], 0);
    }

    /// <summary>y[i] = condition[i] &gt; 0 ? x[i] : 0.</summary>
    public static void WherePositive(Span<float> y, ReadOnlySpan<float> condition, ReadOnlySpan<float> x)
    {
        int i = 0;
        for (; i <= y.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<int> positive = Vector.GreaterThan(new Vector<float>(condition[i..]), Vector<float>.Zero);
            Vector.ConditionalSelect(positive, new Vector<float>(x[i..]), Vector<float>.Zero).CopyTo(y[i..]);
        }

        for (; i < y.Length; i++) y[i] = condition[i] > 0 ? x[i] : 0;
    }
}
