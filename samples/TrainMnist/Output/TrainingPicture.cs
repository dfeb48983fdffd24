using System.Globalization;
using System.Text;
using ConvNative;

namespace TrainMnist.Output;

/// <summary>An SVG picture: the learned filters beside the curve of the loss.</summary>
internal static class TrainingPicture
{
    private const int Height = 400, Top = 60, Bottom = 340;
    private const int FilterCell = 12, FilterGap = 12, FiltersLeft = 30;
    private const int CurveLeft = 410, CurveRight = 930;

    /// <summary>Writes the picture.</summary>
    /// <param name="path">An .svg file.</param>
    /// <param name="title">One line.</param>
    /// <param name="filters">OC×1×K×K.</param>
    /// <param name="losses">Per batch.</param>
    /// <param name="epochs">How many epochs the batches make.</param>
    public static void Write(string path, string title, Tensor filters, IReadOnlyList<double> losses, int epochs)
    {
        var svg = new StringBuilder();
        svg.Append(Invariant($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {Height}" width="960" height="{Height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#333">""")).AppendLine();
        svg.AppendLine("""<rect width="100%" height="100%" fill="#fff"/>""");
        Text(svg, FiltersLeft, 36, "start", "Filters of the first layer (blue below zero, red above)");
        Text(svg, CurveLeft, 36, "start", title);
        Filters(svg, filters);
        Axes(svg, LossScale.Of(losses), epochs);
        Curves(svg, LossScale.Of(losses), losses);
        svg.AppendLine("</svg>");
        File.WriteAllText(path, svg.ToString());
    }

    private static void Filters(StringBuilder svg, Tensor filters)
    {
        const int columns = 4;
        int K = filters.Shape.H, size = (K * FilterCell) + FilterGap;
        for (int oc = 0; oc < filters.Shape.N; oc++)
        {
            float largest = 0;
            foreach (float weight in filters.Span.Slice(oc * K * K, K * K)) largest = Math.Max(largest, Math.Abs(weight));
            int left = FiltersLeft + (oc % columns * size), top = Top + (oc / columns * size);
            for (int kh = 0; kh < K; kh++)
            {
                for (int kw = 0; kw < K; kw++)
                {
                    string colour = Colour(filters[oc, 0, kh, kw] / largest);
                    svg.Append(Invariant($"""<rect x="{left + (kw * FilterCell)}" y="{top + (kh * FilterCell)}" width="{FilterCell}" height="{FilterCell}" fill="{colour}"/>"""));
                }
            }

            svg.Append(Invariant($"""<rect x="{left}" y="{top}" width="{K * FilterCell}" height="{K * FilterCell}" fill="none" stroke="#999"/>""")).AppendLine();
        }
    }

    private static void Axes(StringBuilder svg, LossScale scale, int epochs)
    {
        for (int decade = scale.Lowest; decade <= scale.Highest; decade++)
        {
            double y = scale.Y(Math.Pow(10, decade));
            svg.Append(Invariant($"""<line x1="{CurveLeft}" x2="{CurveRight}" y1="{y:0.0}" y2="{y:0.0}" stroke="#ddd"/>""")).AppendLine();
            Text(svg, CurveLeft - 8, y + 4, "end", Invariant($"{Math.Pow(10, decade):G3}"));
        }

        int every = (epochs + 9) / 10;
        for (int epoch = 0; epoch <= epochs; epoch += every)
        {
            double x = CurveLeft + ((double)(CurveRight - CurveLeft) * epoch / epochs);
            svg.Append(Invariant($"""<line x1="{x:0.0}" x2="{x:0.0}" y1="{Bottom}" y2="{Bottom + 5}" stroke="#999"/>""")).AppendLine();
            Text(svg, x, Bottom + 20, "middle", Invariant($"{epoch}"));
        }

        Text(svg, (CurveLeft + CurveRight) / 2, Bottom + 42, "middle", "epochs");
    }

    private static void Curves(StringBuilder svg, LossScale scale, IReadOnlyList<double> losses)
    {
        Curve(svg, scale, losses, """stroke="#9ecae1" stroke-width="0.8" """);
        Curve(svg, scale, Smooth(losses), """stroke="#08519c" stroke-width="2" """);
        Text(svg, CurveRight, Top + 20, "end", "loss per batch (thin) and its running mean");
    }

    private static void Curve(StringBuilder svg, LossScale scale, IReadOnlyList<double> values, string style)
    {
        svg.Append(Invariant($"""<polyline fill="none" {style}points=" """));
        for (int i = 0; i < values.Count; i++)
        {
            double x = CurveLeft + ((CurveRight - CurveLeft) * (i + 1.0) / values.Count);
            svg.Append(Invariant($"{x:0.0},{scale.Y(values[i]):0.0} "));
        }

        svg.AppendLine("\"/>");
    }

    // The mean of the batches so far, the older ones weighted less and less: half as much every 17 batches.
    private static List<double> Smooth(IReadOnlyList<double> losses)
    {
        const double keep = 0.96;
        var means = new List<double>(losses.Count);
        double sum = 0, weight = 0;
        foreach (double loss in losses)
        {
            sum = (keep * sum) + loss;
            weight = (keep * weight) + 1;
            means.Add(sum / weight);
        }

        return means;
    }

    // −1 blue, 0 white, 1 red.
    private static string Colour(float value)
    {
        int fade = (int)(255 * (1 - Math.Abs(value)));
        int dark = 255 - (int)(75 * Math.Abs(value));
        return value < 0 ? $"#{fade:x2}{(fade + dark) / 2:x2}{dark:x2}" : $"#{dark:x2}{fade:x2}{fade:x2}";
    }

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) =>
        svg.Append(Invariant($"""<text x="{x:0.0}" y="{y:0.0}" text-anchor="{anchor}">{text}</text>""")).AppendLine();

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A logarithmic axis over whole powers of ten.</summary>
    private readonly record struct LossScale(int Lowest, int Highest)
    {
        // Single batches may have a loss near zero; what is below a ten-thousandth tells nothing.
        private const double Least = 1e-4;

        public static LossScale Of(IReadOnlyList<double> losses)
        {
            int lowest = (int)Math.Floor(Math.Log10(Math.Max(losses.Min(), Least)));
            int highest = (int)Math.Ceiling(Math.Log10(Math.Max(losses.Max(), Least)));
            return new LossScale(lowest, Math.Max(highest, lowest + 1));
        }

        public double Y(double loss) =>
            Bottom - ((Bottom - Top) * (Math.Log10(Math.Max(loss, Math.Pow(10, Lowest))) - Lowest) / (Highest - Lowest));
    }
}
