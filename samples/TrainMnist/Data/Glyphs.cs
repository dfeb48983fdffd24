using System.Globalization;
using System.Numerics;

namespace TrainMnist.Data;

/// <summary>
/// How digits are written: per digit some variants, each a list of strokes, each a smooth curve through its points. A sharp corner ends
/// a stroke. x goes right and y down, both 0 to 1.
/// </summary>
internal static class Glyphs
{
    private const int PiecesPerSpan = 4;

    // "x,y x,y … | x,y …" in hundredths: points of a stroke, strokes of a variant.
    private static readonly string[][] Drawings =
    [
        ["50,5 21,22 13,50 21,78 50,95 79,78 87,50 79,22 50,5", "56,4 27,24 20,52 26,80 48,95 72,80 80,48 74,20 52,6"],
        ["50,5 50,95", "30,28 53,5 | 53,5 53,95", "28,27 52,5 | 52,5 52,93 | 27,94 77,94"],
        ["18,27 30,9 55,4 78,17 78,38 55,62 17,93 | 17,93 85,93", "20,20 45,4 73,12 75,36 52,68 25,90 17,78 32,73 55,88 86,92"],
        ["20,13 50,4 77,18 70,40 42,47 | 42,47 75,57 80,77 55,95 18,87", "18,6 78,6 | 78,6 45,42 | 45,42 77,53 80,78 52,95 17,86"],
        ["65,5 15,65 | 15,65 88,65 | 65,5 65,95", "25,5 18,32 22,50 | 22,50 82,48 | 80,5 74,45 70,95"],
        ["78,6 29,6 | 29,6 24,44 | 24,44 55,37 80,55 78,80 50,95 18,87", "82,8 32,6 | 32,6 30,40 | 30,40 62,42 78,64 64,88 20,94"],
        ["72,6 42,22 22,52 22,80 48,95 76,83 76,62 52,50 26,64", "48,4 28,32 20,66 34,93 64,92 74,72 58,56 24,72"],
        ["15,8 85,8 | 85,8 60,45 42,95", "17,20 18,8 | 18,8 84,7 | 84,7 62,45 47,95", "15,8 85,8 | 85,8 60,45 42,95 | 35,50 78,50"],
        ["50,48 25,32 28,12 50,4 72,12 75,32 50,48 22,65 20,85 50,96 80,85 78,65 50,48", "76,14 46,4 26,22 50,46 77,72 58,95 28,86 32,62 60,40 76,14"],
        ["75,30 55,50 28,42 25,18 50,5 73,15 75,35 70,70 55,95", "74,14 44,6 24,28 40,48 74,20 | 74,20 72,95"],
    ];

    private static readonly Vector2[][][][] Strokes =
        [.. Drawings.Select(variants => variants.Select(variant => variant.Split('|').Select(ParseStroke).ToArray()).ToArray())];

    /// <summary>The variants of a digit, each a list of strokes given by their points.</summary>
    public static IReadOnlyList<Vector2[][]> Of(int digit) => Strokes[digit];

    /// <summary>The stroke's curve as short straight pieces: a Catmull-Rom spline through the points.</summary>
    public static List<Vector2> Smooth(ReadOnlySpan<Vector2> points)
    {
        var curve = new List<Vector2> { points[0] };
        for (int i = 0; i + 1 < points.Length; i++)
        {
            Vector2 before = points[Math.Max(i - 1, 0)], from = points[i], to = points[i + 1], after = points[Math.Min(i + 2, points.Length - 1)];
            for (int piece = 1; piece <= PiecesPerSpan; piece++)
                curve.Add(CatmullRom(before, from, to, after, (float)piece / PiecesPerSpan));
        }

        return curve;
    }

    // p(t) = ½·[2·p1 + (p2 − p0)·t + (2·p0 − 5·p1 + 4·p2 − p3)·t² + (3·p1 − p0 − 3·p2 + p3)·t³] (Catmull and Rom, 1974).
    private static Vector2 CatmullRom(Vector2 p0, Vector2 p1, Vector2 p2, Vector2 p3, float t) =>
        0.5f * ((2 * p1) + ((p2 - p0) * t) + (((2 * p0) - (5 * p1) + (4 * p2) - p3) * t * t) + (((3 * p1) - p0 - (3 * p2) + p3) * t * t * t));

    private static Vector2[] ParseStroke(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(point => point.Split(',')).Select(xy => new Vector2(Hundredth(xy[0]), Hundredth(xy[1])))];

    private static float Hundredth(string text) => int.Parse(text, CultureInfo.InvariantCulture) / 100f;
}
