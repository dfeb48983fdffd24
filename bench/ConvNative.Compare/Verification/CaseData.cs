using System.Runtime.InteropServices;
using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Verification;

/// <summary>The inputs of a problem: random values in [-1, 1), the same for every contestant and in every run.</summary>
internal sealed class CaseData
{
    private CaseData(float[] x, float[] w, float[] b, float[] dy) => (X, W, B, DY) = (x, w, b, dy);

    public float[] X { get; }
    public float[] W { get; }
    public float[] B { get; }
    public float[] DY { get; }

    public static CaseData Random(ConvProblem problem) => new(
        Values(problem.Input.Length, 1), Values(problem.Weights.Length, 2), Values(problem.Output.C, 3), Values(problem.Output.Length, 4));

    /// <summary>Writes the files that the protocol names into a folder.</summary>
    public void Write(string folder)
    {
        foreach ((string name, float[] values) in ((string, float[])[])[("x", X), ("w", W), ("b", B), ("dy", DY)])
            File.WriteAllBytes(Path.Combine(folder, name + ".bin"), MemoryMarshal.AsBytes(values));
    }

    // xorshift64* (S. Vigna, 2014), 24 bits of each number.
    private static float[] Values(long count, ulong seed)
    {
        float[] values = new float[count];
        ulong state = seed * 0x9E3779B97F4A7C15;
        foreach (ref float value in values.AsSpan())
        {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            value = ((int)((state * 0x2545F4914F6CDD1D) >> 40) - (1 << 23)) / (float)(1 << 23);
        }

        return values;
    }
}
