using System.Numerics;

namespace TrainMnist.Data;

/// <summary>Digits drawn by the program, for machines without MNIST: strokes, distorted at random, with a pen of random width, and noise.</summary>
internal static class DrawnDigits
{
    private const float GlyphHeight = 20f;

    /// <summary>Draws images; the same seed gives the same ones, whatever the number of threads.</summary>
    public static DigitSet Draw(int count, int seed)
    {
        var random = new Random(seed);
        int[] seeds = [.. Enumerable.Range(0, count).Select(_ => random.Next())];
        byte[] labels = [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(DigitSet.Classes))];
        byte[] pixels = new byte[count * DigitSet.ImageLength];
        Parallel.For(0, count, n =>
            DrawOne(labels[n], new Random(seeds[n]), pixels.AsSpan(n * DigitSet.ImageLength, DigitSet.ImageLength)));
        return new DigitSet(pixels, labels);
    }

    private static void DrawOne(int digit, Random random, Span<byte> image)
    {
        IReadOnlyList<Vector2[][]> variants = Glyphs.Of(digit);
        Matrix3x2 placement = RandomPlacement(random);
        float radius = Between(random, 0.8f, 1.7f), ink = Between(random, 0.8f, 1f), noise = Between(random, 0f, 0.06f);
        List<Vector2>[] curves = Array.ConvertAll(variants[random.Next(variants.Count)], stroke => Place(stroke, placement, random));
        for (int y = 0; y < DigitSet.Side; y++)
        {
            for (int x = 0; x < DigitSet.Side; x++)
            {
                // Full ink up to the pen's radius, none one pixel further: an edge as a scanner sees it.
                float coverage = Math.Clamp(radius + 0.5f - Distance(new Vector2(x, y), curves), 0f, 1f);
                float value = (coverage * ink) + (noise * Between(random, -1f, 1f));
                image[(y * DigitSet.Side) + x] = (byte)(255 * Math.Clamp(value, 0f, 1f));
            }
        }
    }

    private static Matrix3x2 RandomPlacement(Random random) =>
        Matrix3x2.CreateTranslation(-0.5f, -0.5f)
        * Matrix3x2.CreateScale(GlyphHeight * Between(random, 0.55f, 0.95f), GlyphHeight * Between(random, 0.8f, 1.1f))
        * Matrix3x2.CreateSkew(Between(random, -0.35f, 0.2f), 0)
        * Matrix3x2.CreateRotation(Between(random, -0.2f, 0.2f))
        * Matrix3x2.CreateTranslation(new Vector2((DigitSet.Side - 1) / 2f) + RandomOffset(random, 1.8f));

    private static List<Vector2> Place(Vector2[] stroke, Matrix3x2 placement, Random random) =>
        Glyphs.Smooth(Array.ConvertAll(stroke, point => Vector2.Transform(point + RandomOffset(random, 0.05f), placement)));

    private static float Distance(Vector2 point, List<Vector2>[] curves)
    {
        float nearest = float.PositiveInfinity;
        foreach (List<Vector2> curve in curves)
        {
            for (int i = 0; i + 1 < curve.Count; i++) nearest = Math.Min(nearest, SquaredDistance(point, curve[i], curve[i + 1]));
        }

        return MathF.Sqrt(nearest);
    }

    private static float SquaredDistance(Vector2 point, Vector2 from, Vector2 to)
    {
        Vector2 along = to - from;
        float length = along.LengthSquared();
        float t = length > 0 ? Math.Clamp(Vector2.Dot(point - from, along) / length, 0f, 1f) : 0f;
        return Vector2.DistanceSquared(point, from + (t * along));
    }

    private static Vector2 RandomOffset(Random random, float most) => new(Between(random, -most, most), Between(random, -most, most));

    private static float Between(Random random, float least, float most) => least + ((most - least) * random.NextSingle());
}
