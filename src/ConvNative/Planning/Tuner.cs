using System.Diagnostics;
using System.Runtime.InteropServices;
using ConvNative.Algorithms;

namespace ConvNative.Planning;

/// <summary>Times the algorithms that can do a problem, in turns, and keeps the least time of each.</summary>
internal static class Tuner
{
    private const int LeastRounds = 3;

    /// <summary>Long enough for the runtime to compile the code of all candidates in full, and for a disturbed moment to pass.</summary>
    public static TimeSpan TimePerDirection => TimeSpan.FromSeconds(0.5);

    /// <summary>Remembers the times of a direction when it is done: at least three runs of each algorithm, and so many that the time is used up.</summary>
    public static void Tune(ConvProblem problem, Conv2dOptions options, ConvTuning tuning, TimeSpan timePerDirection, CancellationToken cancellation)
    {
        var plans = new List<ConvPlan>();
        try
        {
            foreach (ConvAlgorithm algorithm in Candidates(options))
            {
                if (Plan(problem, options with { Algorithm = algorithm, Tuning = null }) is { } plan) plans.Add(plan);
            }

            using var tensors = new Operands(problem);
            foreach (Direction direction in Enum.GetValues<Direction>())
            {
                ConvPlan[] able = [.. plans.Where(plan => plan.AlgorithmOf(direction) is not null)];
                if (able.Length == 0) continue;
                double[] best = Time(able, direction, tensors.Of(direction), timePerDirection, cancellation);
                IEnumerable<TunedTime> times = able.Zip(best, (plan, milliseconds) => new TunedTime(plan.AlgorithmOf(direction)!.Value, milliseconds));
                tuning.Remember(able[0].TuningKey(direction), [.. times.OrderBy(time => time.Milliseconds)]);
            }
        }
        finally
        {
            foreach (ConvPlan plan in plans) plan.Dispose();
        }
    }

    /// <summary>All that Auto may choose but the reference, which is there where nothing else is.</summary>
    private static IEnumerable<ConvAlgorithm> Candidates(Conv2dOptions options) =>
        from algorithm in AlgorithmList.All
        where algorithm.Id != ConvAlgorithm.Reference && (algorithm.Id != ConvAlgorithm.Winograd || options.AllowWinograd)
        select algorithm.Id;

    /// <summary>Null where the algorithm can do no direction.</summary>
    private static ConvPlan? Plan(ConvProblem problem, Conv2dOptions options)
    {
        try
        {
            return new ConvPlan(problem, options);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The least milliseconds of a run by each plan.</summary>
    private static double[] Time(ConvPlan[] plans, Direction direction, ConvBuffers buffers, TimeSpan time, CancellationToken cancellation)
    {
        double[] best = new double[plans.Length];
        Array.Fill(best, double.PositiveInfinity);
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < LeastRounds || Stopwatch.GetElapsedTime(start) < time; round++)
        {
            for (int i = 0; i < plans.Length; i++)
            {
                long before = Stopwatch.GetTimestamp();
                plans[i].RunUnreported(direction, buffers, cancellation);
                best[i] = Math.Min(best[i], Math.Max(Stopwatch.GetElapsedTime(before).TotalMilliseconds, double.Epsilon));
            }
        }

        return best;
    }

    /// <summary>Tensors of a problem. Their values are ordinary numbers, which is all that matters to the time, and written: untouched memory would be shared pages.</summary>
    private sealed unsafe class Operands : IDisposable
    {
        private readonly Tensor _x, _w, _b, _y;

        public Operands(ConvProblem problem)
        {
            (_x, _w, _b, _y) = (new Tensor(problem.Input), new Tensor(problem.Weights), new Tensor(1, problem.Output.C, 1, 1), new Tensor(problem.Output));
            const byte AnyOrdinary = 0x3F;   // four of it make 0.747
            foreach (Tensor tensor in (Tensor[])[_x, _w, _b, _y]) NativeMemory.Fill(tensor.Pointer, (nuint)tensor.Length * sizeof(float), AnyOrdinary);
        }

        public ConvBuffers Of(Direction direction) => new(_x.Pointer, _w.Pointer, direction == Direction.BackwardData ? null : _b.Pointer, _y.Pointer);

        public void Dispose()
        {
            _x.Dispose();
            _w.Dispose();
            _b.Dispose();
            _y.Dispose();
        }
    }
}
