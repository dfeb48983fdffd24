using System.Runtime.InteropServices;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Peers;

namespace ConvNative.Compare.Verification;

/// <summary>What the check of an output found.</summary>
/// <param name="Share">The largest error as a share of what is allowed.</param>
/// <param name="Problem">What is wrong; null if nothing is.</param>
internal sealed record Verdict(double Share, string? Problem);

/// <summary>
/// Checks the outputs of one case. Elements picked at random are computed in float64. Besides, every whole output is laid beside the
/// first right one, and the element where the two differ most is computed as well: so an error in any single element is found,
/// and the exact value decides which of the two is wrong.
/// </summary>
internal sealed class Verifier(CompareCase one, CaseData data)
{
    private const int MostSamples = 256;
    private const long MostTerms = 1 << 25;   // of all samples together: a fraction of a second

    private readonly Dictionary<string, float[]> _accepted = [];
    private readonly Dictionary<(string Result, long Index), ExactElement> _exact = [];

    /// <summary>Checks the files that a contestant wrote into a folder.</summary>
    public Verdict Check(string folder, string? algorithm)
    {
        var outputs = new Dictionary<string, float[]>();
        foreach (string file in PeerJson.OutputFiles(one.Direction))
        {
            string path = Path.Combine(folder, file);
            string result = Path.GetFileNameWithoutExtension(file);
            if (!File.Exists(path)) return new Verdict(double.PositiveInfinity, $"{file} was not written");
            long length = new FileInfo(path).Length;
            if (length != Length(result) * sizeof(float))
                return new Verdict(double.PositiveInfinity, $"{file} has {length} bytes; it must have {Length(result) * sizeof(float)}");
            float[] values = new float[Length(result)];
            using FileStream stream = File.OpenRead(path);
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            outputs.Add(result, values);
        }

        return Check(outputs, ErrorBound.Amplification(algorithm));
    }

    private Verdict Check(Dictionary<string, float[]> outputs, double amplification)
    {
        double worst = 0;
        string? problem = null;
        foreach ((string result, float[] values) in outputs)
        {
            foreach (long index in Samples(result).Concat(MostDifferent(result, values)))
            {
                ExactElement exact = Exact(result, index);
                double share = ErrorBound.Share(values[index], exact, amplification);
                if (share > 1 && share > worst)
                    problem = $"{result}[{index}] is {values[index]:G9}; it must be {exact.Value:G9}: {share:G3} times the error that float32 allows";
                worst = Math.Max(worst, share);
            }
        }

        if (problem is null)
        {
            foreach ((string result, float[] values) in outputs) _accepted.TryAdd(result, values);
        }

        return new Verdict(worst, problem);
    }

    // The same elements for every contestant, the corners among them: padding goes wrong there.
    private IEnumerable<long> Samples(string result)
    {
        long length = Length(result);
        long terms = Math.Max(1, one.Problem.Flops / 2 / length);
        var random = new Random(5);
        int count = (int)Math.Clamp(MostTerms / terms, 16, MostSamples);
        return Enumerable.Range(0, count).Select(i => i == 0 ? 0 : i == 1 ? length - 1 : random.NextInt64(length));
    }

    private IEnumerable<long> MostDifferent(string result, float[] values)
    {
        if (!_accepted.TryGetValue(result, out float[]? accepted)) return [];
        long most = 0;
        float difference = -1;
        for (long i = 0; i < values.LongLength; i++)
        {
            float d = Math.Abs(values[i] - accepted[i]);
            if (float.IsNaN(d)) return [i];
            if (d > difference) (most, difference) = (i, d);
        }

        return [most];
    }

    private ExactElement Exact(string result, long index)
    {
        if (!_exact.TryGetValue((result, index), out ExactElement exact))
            _exact.Add((result, index), exact = ExactElement.Compute(one.Problem, data, result, index));
        return exact;
    }

    private long Length(string result) => result switch
    {
        "y" => one.Problem.Output.Length,
        "dx" => one.Problem.Input.Length,
        "dw" => one.Problem.Weights.Length,
        _ => one.Problem.Output.C,
    };
}
