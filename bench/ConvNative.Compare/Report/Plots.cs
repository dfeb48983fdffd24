using System.Globalization;
using ConvNative.Compare.Cases;
using ConvNative.Compare.Machine;
using ConvNative.Compare.Measurement;

namespace ConvNative.Compare.Report;

/// <summary>The pictures of the HTML report.</summary>
/// <param name="report">What they show.</param>
/// <param name="contestants">Their order gives each its colour.</param>
internal sealed class Plots(RunReport report, IReadOnlyList<string> contestants)
{
    public const int Colours = 10;

    private const double Left = 70, Right = 20, Top = 14, Bottom = 44;

    public string ColourOf(string contestant) => $"c{Math.Max(0, contestants.ToList().IndexOf(contestant)) % Colours}";

    /// <summary>GFLOP/s over operations per byte, below the roof: min(peak, bandwidth · intensity).</summary>
    public string RooflineScatter(int threads, IReadOnlyList<string> shown)
    {
        const double Width = 940, Height = 440;
        Roofline roof = report.RooflineOf(threads);
        CaseReport[] cases = [.. Summary.NetworkCases(report).Where(one => one.Threads == threads)];
        var points = cases.SelectMany(one => one.Results.Where(result => result.IsTimed && shown.Contains(result.Contestant))
            .Select(result => (one, result, X: (double)one.Flops / one.CompulsoryBytes, Y: one.Flops / result.MinSeconds!.Value / 1e9))).ToArray();
        if (points.Length == 0) return "";
        double highest = Math.Max(roof.PeakGflops, points.Max(point => point.Y)) * 1.3;
        var x = new LogAxis(points.Min(point => point.X) * 0.8, points.Max(point => point.X) * 1.25, Left, Width - Right);
        var y = new LogAxis(Math.Max(points.Min(point => point.Y) * 0.7, highest / 1000), highest, Height - Bottom, Top);

        var svg = new Svg(Width, Height, $"Roofline, {Summary.ThreadsText(threads)}");
        DrawAxes(svg, x, y, Width, Height, "operations per compulsory byte", "GFLOP/s");
        DrawRoof(svg, roof, x, y);
        foreach (var (one, result, intensity, speed) in points.OrderByDescending(point => shown.ToList().IndexOf(point.result.Contestant)))
        {
            string title = $"{one.Network}:{one.Layer}, batch {one.Batch}, {one.Direction}: {result.Contestant} {Format.Number(speed)} GFLOP/s";
            svg.Marker(x.At(intensity), y.At(speed), (int)one.Direction, 3.6, $"point {ColourOf(result.Contestant)}", title);
        }

        return svg.ToString();
    }

    /// <summary>A row per contestant and direction: each case a tick, the quartiles a box, the median a bar.</summary>
    public string RatioDistribution(int threads)
    {
        const double Width = 940, RowHeight = 21, Labels = 230;
        var rows = Summary.NetworkCases(report).Where(one => one.Threads == threads && !one.Noisy)
            .SelectMany(one => one.Results.Where(result => result.Ratio is not null && Summary.PeerOf(result.Contestant) != Summary.PeerOf(report.Subject)).Select(result => (one, result)))
            .GroupBy(row => (row.result.Contestant, row.one.Direction))
            .OrderBy(own => contestants.ToList().IndexOf(own.Key.Contestant)).ThenBy(own => own.Key.Direction).ToArray();
        if (rows.Length == 0) return "";
        double height = Top + (rows.Length * RowHeight) + Bottom;
        var x = new LogAxis(0.2, 20, Labels, Width - Right);
        var svg = new Svg(Width, height, $"Ratios, {Summary.ThreadsText(threads)}");
        foreach (double tick in x.Ticks())
        {
            svg.Line(x.At(tick), Top, x.At(tick), height - Bottom, tick == 1 ? "one" : "grid");
            svg.Text(x.At(tick), height - Bottom + 16, Format.Number(tick) + "×", "middle");
        }

        svg.Text((Labels + Width - Right) / 2, height - 8, $"time of contestant / time of {report.Subject}: right of 1, {report.Subject} is faster", "middle muted");
        foreach ((int index, var own) in rows.Index())
        {
            double middle = Top + ((index + 0.5) * RowHeight);
            string colour = ColourOf(own.Key.Contestant);
            Spread spread = Spread.Of([.. own.Select(row => row.result.Ratio!.Median)]);
            svg.Text(Labels - 8, middle + 4, $"{own.Key.Contestant} {own.Key.Direction}", "end");
            svg.Rectangle(x.At(spread.LowerQuartile), middle - 7, x.At(spread.UpperQuartile) - x.At(spread.LowerQuartile), 14, $"box {colour}", $"quartiles {Format.Spread(spread)}");
            foreach ((CaseReport one, ContestantReport result) in own)
            {
                double at = x.At(result.Ratio!.Median);
                svg.Rectangle(at - 0.8, middle - 5, 1.6, 10, $"tick {colour}", $"{one.Network}:{one.Layer}, batch {one.Batch}: {Format.Spread(result.Ratio!)}");
            }

            svg.Line(x.At(spread.Median), middle - 9, x.At(spread.Median), middle + 9, "median");
        }

        return svg.ToString();
    }

    /// <summary>A row per layer: the subject's bar, the others as marks on the same scale, the layer's roofline as a line.</summary>
    public string LayerBars(CaseGroup group, IReadOnlyList<CaseReport> cases, IReadOnlyList<string> shown)
    {
        const double Width = 940, RowHeight = 22, Labels = 210;
        Roofline roof = report.RooflineOf(group.Threads);
        double Limit(CaseReport one) => one.Flops / roof.Seconds(one.Flops, one.CompulsoryBytes) / 1e9;
        double Speed(CaseReport one, ContestantReport result) => one.Flops / result.MinSeconds!.Value / 1e9;
        double highest = cases.SelectMany(one => one.Results.Where(result => result.IsTimed && shown.Contains(result.Contestant)).Select(result => Speed(one, result)).Append(Limit(one))).Max() * 1.04;
        double height = Top + (cases.Count * RowHeight) + Bottom;
        double X(double speed) => Labels + (speed / highest * (Width - Right - Labels));
        var svg = new Svg(Width, height, group.Title);
        foreach (double tick in LinearTicks(highest))
        {
            svg.Line(X(tick), Top, X(tick), height - Bottom, "grid");
            svg.Text(X(tick), height - Bottom + 16, Format.Number(tick), "middle");
        }

        svg.Text((Labels + Width - Right) / 2, height - 8, "GFLOP/s", "middle muted");
        foreach ((int index, CaseReport one) in cases.Index())
        {
            double middle = Top + ((index + 0.5) * RowHeight);
            string count = one.Count > 1 ? $" ×{one.Count}" : "";
            svg.Text(Labels - 8, middle + 4, (one.Noisy ? "≈ " : "") + one.Layer + count, "end");
            foreach (ContestantReport result in one.Results.Where(result => result.IsTimed && shown.Contains(result.Contestant)).OrderBy(result => result.Contestant != report.Subject))
            {
                string title = $"{result.Contestant} {Format.Number(Speed(one, result))} GFLOP/s, {Format.Time(result.MinSeconds!.Value)}{(result.Algorithm is { } name ? $", {name}" : "")}";
                string colour = ColourOf(result.Contestant);
                if (result.Contestant == report.Subject) svg.Rectangle(Labels, middle - 7, X(Speed(one, result)) - Labels, 14, $"bar {colour}", title);
                else svg.Marker(X(Speed(one, result)), middle, result.Outcome == Outcome.Bound ? 2 : 0, 4.2, $"mark {colour}", title);
            }

            svg.Line(X(Limit(one)), middle - 9, X(Limit(one)), middle + 9, "limit");
        }

        return svg.ToString();
    }

    private static void DrawAxes(Svg svg, LogAxis x, LogAxis y, double width, double height, string xLabel, string yLabel)
    {
        foreach (double tick in x.Ticks())
        {
            svg.Line(x.At(tick), Top, x.At(tick), height - Bottom, "grid");
            svg.Text(x.At(tick), height - Bottom + 16, Format.Number(tick), "middle");
        }

        foreach (double tick in y.Ticks())
        {
            svg.Line(Left, y.At(tick), width - Right, y.At(tick), "grid");
            svg.Text(Left - 8, y.At(tick) + 4, Format.Number(tick), "end");
        }

        svg.Text((Left + width - Right) / 2, height - 8, xLabel, "middle muted");
        svg.Text(8, Top + 10, yLabel, "muted");
    }

    private static void DrawRoof(Svg svg, Roofline roof, LogAxis x, LogAxis y)
    {
        double ridge = roof.PeakGflops / roof.CopyGBs;
        double[] corners = ridge > x.From && ridge < x.To ? [x.From, ridge, x.To] : [x.From, x.To];
        double Height(double intensity) => Math.Min(roof.PeakGflops, roof.CopyGBs * intensity);
        svg.Path(string.Join(' ', corners.Select(at => string.Create(CultureInfo.InvariantCulture, $"{x.At(at):0.#},{y.At(Height(at)):0.#}"))), "roof");
        svg.Text(x.End - 4, y.At(roof.PeakGflops) - 6, $"{Format.Number(roof.PeakGflops)} GFLOP/s peak, {Format.Number(roof.CopyGBs)} GB/s copy", "end muted");
    }

    private static IEnumerable<double> LinearTicks(double highest)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(highest)));
        double step = (highest / power) switch
        {
            < 2 => power / 5,
            < 5 => power / 2,
            _ => power,
        };
        for (double tick = 0; tick <= highest; tick += step) yield return tick;
    }
}
