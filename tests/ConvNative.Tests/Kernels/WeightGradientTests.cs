using ConvNative.Kernels;
using ConvNative.Simd;

namespace ConvNative.Tests.Kernels;

/// <summary><see cref="WeightGradientKernel"/> against its twin in plain loops: runs of every length, every number of rows and lanes.</summary>
internal sealed unsafe class WeightGradientTests
{
    private const int Gap = 5;

    private static readonly (int Count, int Length)[] Runs = [(1, 1), (5, 2), (3, 3), (1, 4), (4, 5), (2, 7), (3, 8), (2, 12), (2, 13), (1, 16), (2, 33)];

    [Test]
    public void A_panel_holds_the_rows_turned([Values] Isa isa, [Values] bool everySecond)
    {
        WeightGradientKernel kernel = WeightGradientKernel.For(isa);
        foreach ((int count, int length) in Runs)
            for (int vectors = 1; vectors <= kernel.MostVectors; vectors++)
                for (int lanes = ((vectors - 1) * kernel.Width) + 1; lanes <= vectors * kernel.Width; lanes++)
                {
                    using var rows = new Operand(lanes, count, length, everySecond);
                    int pitch = (vectors * kernel.Width) + (lanes % 3);
                    using FencedFloats panel = new((((count * length) - 1) * pitch) + (vectors * kernel.Width)), expected = new(panel.Length + pitch);
                    kernel.Pack(rows.Rows, lanes, vectors, panel.Pointer, pitch);
                    WeightGradientReference.Pack(rows.Rows, lanes, expected.Pointer, pitch);
                    Assert.That(panel.FencesHold && rows.FencesHold);
                    for (int k = 0; k < count * length; k++)
                        Assert.That(panel.Bits.Slice(k * pitch, lanes).SequenceEqual(expected.Bits.Slice(k * pitch, lanes)), $"{count}×{length} points, {lanes} lanes, k {k}");
                }
    }

    [Test]
    public void Tiles_are_within_the_bound_of_their_sums([Values] Isa isa, [Values] bool nines, [Values] bool accumulate)
    {
        WeightGradientKernel kernel = nines ? WeightGradientKernel.ForNines(isa) : WeightGradientKernel.For(isa);
        foreach ((int count, int length) in Runs)
            for (int vectors = 1; vectors <= kernel.MostVectors; vectors++)
                for (int rows = 1; rows <= (2 * kernel.MR) + 1; rows++)
                    Check(kernel, rows, count, length, vectors, (vectors * kernel.Width) - (rows % 4), accumulate);
    }

    [Test]
    public void Runs_may_meet_any_part_of_the_panel([Values] Isa isa)
    {
        WeightGradientKernel kernel = WeightGradientKernel.For(isa);
        nint* points = stackalloc nint[3] { 9, 0, 4 };
        for (int vectors = 1; vectors <= kernel.MostVectors; vectors++)
        {
            const int Length = 3;
            int width = vectors * kernel.Width;
            using var rows = new Operand(kernel.MR, 3, Length);
            using FencedFloats panel = new FencedFloats((9 + Length) * width).FillUniform(new Random(1)), chosen = new(3 * Length * width);
            using FencedFloats c = new(kernel.MR * width), expected = new(kernel.MR * width);
            for (int i = 0; i < 3; i++) panel.Span.Slice((int)points[i] * width, Length * width).CopyTo(chosen.Span[(i * Length * width)..]);
            var ahead = new PrefetchQueue(null, 0, 3, 3 * Length, panel.Pointer);
            kernel.Multiply(rows.Rows with { Points = points }, kernel.MR, panel.Pointer, vectors, width, c.Pointer, width, false, null, ref ahead);
            kernel.Multiply(rows.Rows, kernel.MR, chosen.Pointer, vectors, width, expected.Pointer, width, false, null, ref ahead);
            Assert.That(c.FencesHold && panel.FencesHold && c.Bits.SequenceEqual(expected.Bits), $"{vectors} vectors");
        }
    }

    [Test]
    public void Sums_of_rows_are_added([Values] Isa isa)
    {
        WeightGradientKernel kernel = WeightGradientKernel.For(isa);
        double* sums = stackalloc double[3], expected = stackalloc double[3];
        for (int length = 1; length <= 70; length++)
        {
            using var rows = new Operand(3, 2, length);
            for (int r = 0; r < 3; r++) sums[r] = expected[r] = r;
            kernel.Sum(rows.Rows, 3, sums);
            WeightGradientReference.Sum(rows.Rows, 3, expected);
            for (int r = 0; r < 3; r++) Assert.That(sums[r], Is.EqualTo(expected[r]).Within(length * 2e-5), $"length {length}");
        }
    }

    [Test]
    public void Parts_are_added([Values] Isa isa)
    {
        for (int length = 0; length <= 40; length++)
        {
            using FencedFloats sum = new FencedFloats(length).FillUniform(new Random(1)), part = new FencedFloats(length).FillUniform(new Random(2));
            float[] expected = new float[length];
            for (int i = 0; i < length; i++) expected[i] = sum.Span[i] + part.Span[i];
            WeightGradientKernel.For(isa).Add(sum.Pointer, part.Pointer, length);
            Assert.That(sum.FencesHold && sum.Span.SequenceEqual(expected), $"length {length}");
        }
    }

    [Test]
    public void A_queue_gives_every_place_once_and_then_rests()
    {
        float* memory = stackalloc float[4096];
        PrefetchPlaces* groups = stackalloc PrefetchPlaces[2] { new(memory, 1000, 2), new(memory + 2000, 0, 1) };
        foreach (int points in (int[])[0, 10, 40, 1000])
        {
            var queue = new PrefetchQueue(groups, 2, 4, points, memory + 4000);
            var asked = new List<nint>();
            for (int i = 0; i < 400; i++)
            {
                float* place = queue.Next();
                Assert.That(queue.Left, Is.EqualTo((nint)4));
                if (place != memory + 4000) asked.Add((nint)(place - memory));
            }

            Assert.That(asked, Is.EqualTo((nint[])[0, 1000, 2000]), $"{points} points");
        }
    }

    private static void Check(in WeightGradientKernel kernel, int count, int runs, int length, int vectors, int lanes, bool accumulate)
    {
        int points = runs * length, width = vectors * kernel.Width, ldc = lanes + Gap;
        using var rows = new Operand(count, runs, length);
        using FencedFloats panel = new FencedFloats(points * width).FillUniform(new Random(lanes)), c = new FencedFloats(count * ldc).FillUniform(new Random(count));
        float[] before = c.Span.ToArray();
        double* sums = stackalloc double[count];
        new Span<double>(sums, count).Clear();
        var ahead = new PrefetchQueue(null, 0, 3, points, panel.Pointer);
        kernel.Multiply(rows.Rows, count, panel.Pointer, vectors, lanes, c.Pointer, ldc, accumulate, sums, ref ahead);
        Assert.That(c.FencesHold && rows.FencesHold && panel.FencesHold);
        for (int r = 0; r < count; r++)
        {
            double own = 0;
            for (int k = 0; k < points; k++) own += WeightGradientReference.At(rows.Rows, r, k);
            Assert.That(sums[r], Is.EqualTo(own).Within(points * 1e-5), "the row's own sum");
            for (int j = lanes; j < ldc; j++) Assert.That(c.Span[(r * ldc) + j], Is.EqualTo(before[(r * ldc) + j]), "the gap");
            for (int j = 0; j < lanes; j++)
            {
                double sum = accumulate ? before[(r * ldc) + j] : 0, magnitude = Math.Abs(sum);
                for (int k = 0; k < points; k++)
                {
                    double term = (double)WeightGradientReference.At(rows.Rows, r, k) * panel.Span[(k * width) + j];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                if (!(Math.Abs(c.Span[(r * ldc) + j] - sum) <= (points + 2) * magnitude / (1 << 24)))
                    Assert.Fail($"{count}×{lanes} over {runs}×{length}: C[{r}, {j}] is {c.Span[(r * ldc) + j]:R}, not {sum:R}");
            }
        }
    }

    /// <summary>Rows in disorder with gaps, the last of which ends with the memory.</summary>
    private sealed class Operand : IDisposable
    {
        private readonly FencedFloats _memory;
        private readonly nint[] _rows;
        private readonly nint[] _runs;

        public Operand(int rows, int runs, int length, bool everySecond = false)
        {
            int run = ((everySecond ? 2 : 1) * length) + 1, row = (runs * run) + 2;
            _memory = new FencedFloats((rows * row) - 3).FillUniform(new Random((rows * 31) + length));
            _rows = GC.AllocateArray<nint>(rows, pinned: true);
            _runs = GC.AllocateArray<nint>(runs, pinned: true);
            for (int r = 0; r < rows; r++) _rows[r] = (rows - 1 - r) * row;
            for (int i = 0; i < runs; i++) _runs[i] = (runs - 1 - i) * run;
            Rows = new PointRows
            {
                Source = _memory.Pointer,
                Rows = (nint*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_rows, 0),
                Runs = (nint*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_runs, 0),
                Count = runs,
                Length = length,
                EverySecond = everySecond,
            };
        }

        public PointRows Rows { get; }

        public bool FencesHold => _memory.FencesHold;

        public void Dispose() => _memory.Dispose();
    }
}
