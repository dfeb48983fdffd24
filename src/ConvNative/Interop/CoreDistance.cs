using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ConvNative.Interop;

/// <summary>
/// Whether the threads of a pool run on cores that have a cache in common. The system says which do, but where it is a guest its processors may stand on any cores, and move
/// (seen on a Zen 5 that says that its two processors share the L3: for minutes a line goes from one to the other in 42 ns, for minutes in 180). So it is measured between the caller and
/// one other thread, of more than two whichever comes: every now and then a line goes to and fro, which takes 3 µs where they are near, and 10 where nobody comes (measured
/// there). It tells what is faster, never what is right.
/// </summary>
internal sealed unsafe class CoreDistance
{
    // Seconds that a line takes for one way: between the 42 and 180 ns that were seen.
    private const double Far = 90e-9;

    // Seconds from one measurement to the next.
    private const double Interval = 0.05;

    private long _next;
    private volatile bool _isFar;

    /// <summary>What the last measurement found; near before the first.</summary>
    public bool IsFar => _isFar;

    /// <summary>Measures if the last time is a while ago. For just after a loop, when the threads still look out for the next.</summary>
    public void Watch(in WorkerPool pool)
    {
        long now = Stopwatch.GetTimestamp(), next = Volatile.Read(ref _next);
        if (now < next || Interlocked.CompareExchange(ref _next, now + (long)(Interval * Stopwatch.Frequency), next) != next) return;
        if (Measure(pool) is double seconds) _isFar = seconds > Far;
    }

    /// <summary>Seconds that a line takes from one thread to another; null: they did not meet.</summary>
    internal static double? Measure(in WorkerPool pool)
    {
        long* lines = stackalloc long[4 * PingPong.Line];
        var task = new PingPong(lines + PingPong.Line - ((nint)lines / sizeof(long) % PingPong.Line));
        pool.For(2, 2, ref task);
        return task.Seconds;
    }

    /// <summary>What <see cref="IsFar"/> says from now on, whatever the cores; for tests.</summary>
    internal void Pretend(bool isFar)
    {
        Volatile.Write(ref _next, long.MaxValue);
        _isFar = isFar;
    }

    /// <summary>A number that two threads write in turn. Either gives up where the other does not come: it may be asleep, or there is none.</summary>
    /// <param name="lines">Three lines of zeros.</param>
    private readonly struct PingPong(long* lines) : IParallelTask
    {
        /// <summary>Numbers between two that no processor fetches together.</summary>
        public const int Line = 16;

        // A burst is long enough for a clock that is a system call.
        private const int Bursts = 2, WaysOfBurst = 32, Patience = 20_000;

        /// <summary>Of one way, in the fastest burst.</summary>
        public double? Seconds => lines[2 * Line] is > 0 and long ticks ? (double)ticks / Stopwatch.Frequency / WaysOfBurst : null;

        private ref long Ball => ref lines[0];

        private ref long IsThere => ref lines[Line];

        public void Run(long index, int worker)
        {
            if (index == 0) Serve();
            else Return();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Serve()
        {
            if (!Await(ref IsThere, 1)) return;
            long ball = 0, fewest = long.MaxValue;
            for (int burst = 0; burst < Bursts; burst++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int way = 0; way < WaysOfBurst; way += 2)
                {
                    Volatile.Write(ref Ball, ++ball);
                    if (!Await(ref Ball, ++ball)) return;
                }

                fewest = Math.Min(fewest, Stopwatch.GetTimestamp() - start);
            }

            lines[2 * Line] = Math.Max(1, fewest);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Return()
        {
            Volatile.Write(ref IsThere, 1);
            for (long ball = 1; ball < Bursts * WaysOfBurst; ball += 2)
            {
                if (!Await(ref Ball, ball)) return;
                Volatile.Write(ref Ball, ball + 1);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static bool Await(ref long number, long value)
        {
            for (int left = Patience; left > 0; left--)
                if (Volatile.Read(ref number) == value) return true;
            return false;
        }
    }
}
