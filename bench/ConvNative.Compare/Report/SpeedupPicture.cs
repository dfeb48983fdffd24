using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Report;

/// <summary>
/// The run as one picture: for each network how many times as long the others take, a panel for each number of threads and direction. An SVG
/// file that needs no other file.
/// </summary>
internal static class SpeedupPicture
{
    private const double Width = 940, Left = 44, Right = 8, Top = 64, PanelTop = 26, PanelHeight = 150, PanelBottom = 26;
    private const double Gap = 0.16;   // of a network's width, on either side of its bars

    /// <returns>The picture's text; a picture without panels where nothing was timed beside the subject.</returns>
    public static string Render(RunReport report)
    {
        // Both batches in one bar: what a reader asks first is who is faster.
        NetworkMean[] means = [.. Summary.NetworkMeans(report, byBatch: false).Where(mean => Summary.PeerOf(mean.Contestant) != Summary.PeerOf(report.Subject))];
        string[] contestants = [.. Summary.TimedContestants(report).Where(name => means.Any(mean => mean.Contestant == name))];
        var panels = means.GroupBy(mean => (mean.Threads, mean.Direction)).OrderBy(panel => panel.Key).ToArray();
        var svg = new Svg(Width, Top + (panels.Length * (PanelTop + PanelHeight + PanelBottom)), $"How many times as long as {report.Subject} the others take");
        svg.Text(Left, 20, $"Time of the others / time of {report.Subject}: above 1, {report.Subject} is faster");
        DrawLegend(svg, contestants);
        foreach ((int index, var panel) in panels.Index())
            DrawPanel(svg, Top + (index * (PanelTop + PanelHeight + PanelBottom)) + PanelTop, [.. panel], contestants);
        return svg.ToFile(StyleSheet.Text);
    }

    private static void DrawLegend(Svg svg, string[] contestants)
    {
        foreach ((int index, string name) in contestants.Index())
        {
            double x = Left + (index * 170);
            svg.Rectangle(x, 34, 12, 12, Colour(index));
            svg.Text(x + 18, 44, name);
        }
    }

    private static void DrawPanel(Svg svg, double top, NetworkMean[] means, string[] contestants)
    {
        string[] networks = [.. means.Select(mean => mean.Network).Distinct()], shown = [.. contestants.Where(name => means.Any(mean => mean.Contestant == name))];
        double highest = Math.Max(1, means.Max(mean => mean.Ratio)), width = (Width - Left - Right) / networks.Length;
        double Y(double ratio) => top + (PanelHeight * (1 - (ratio / highest)));
        svg.Text(Left, top - 14, $"{Words(means[0].Direction)}, {Summary.ThreadsText(means[0].Threads)}", "muted");
        foreach ((int place, string network) in networks.Index())
        {
            double left = Left + (place * width) + (width * Gap), bar = width * (1 - (2 * Gap)) / shown.Length;
            foreach (NetworkMean mean in means.Where(mean => mean.Network == network))
            {
                double x = left + (Array.IndexOf(shown, mean.Contestant) * bar);
                svg.Rectangle(x, Y(mean.Ratio), bar - 2, Y(0) - Y(mean.Ratio), Colour(Array.IndexOf(contestants, mean.Contestant)), $"{mean.Contestant}, {network}: {Format.Ratio(mean.Ratio)}");
                svg.Text(x + (bar / 2) - 1, Y(mean.Ratio) - 3, Format.Ratio(mean.Ratio).TrimEnd('×'), "middle small");
            }

            svg.Text(Left + ((place + 0.5) * width), top + PanelHeight + 16, network, "middle");
        }

        svg.Line(Left, Y(1), Width - Right, Y(1), "one");
        svg.Text(Left - 6, Y(1) + 4, "1", "end");
        svg.Line(Left, Y(0), Width - Right, Y(0), "grid");
    }

    private static string Words(Direction direction) => direction switch
    {
        Direction.FWD => "Forward",
        Direction.BWD_D => "Backward-data",
        _ => "Backward-weights",
    };

    private static string Colour(int index) => $"c{(index + 1) % Plots.Colours}";   // c0 is the subject's
}
