using System.Globalization;
using System.Net;
using System.Text;

namespace ConvNative.Compare.Report;

/// <summary>Writes one SVG picture, for a page or for a file of its own. Colours come from a style sheet by class.</summary>
internal sealed class Svg(double width, double height, string label)
{
    private readonly StringBuilder _body = new();

    public void Line(double x1, double y1, double x2, double y2, string style) =>
        Add($"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" class=\"{style}\"/>");

    public void Path(string points, string style) => Add($"<polyline points=\"{points}\" class=\"{style}\"/>");

    public void Rectangle(double x, double y, double w, double h, string style, string? title = null) =>
        Add($"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{Math.Max(w, 0):0.#}\" height=\"{h:0.#}\" class=\"{style}\">{Title(title)}</rect>");

    public void Text(double x, double y, string text, string style = "") =>
        Add($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" class=\"{style}\">{WebUtility.HtmlEncode(text)}</text>");

    /// <summary>A circle, square or triangle: three directions stay apart without colour.</summary>
    public void Marker(double x, double y, int shape, double r, string style, string? title = null) => Add(shape switch
    {
        0 => $"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{r:0.#}\" class=\"{style}\">{Title(title)}</circle>",
        1 => $"<rect x=\"{x - r:0.#}\" y=\"{y - r:0.#}\" width=\"{2 * r:0.#}\" height=\"{2 * r:0.#}\" class=\"{style}\">{Title(title)}</rect>",
        _ => (FormattableString)$"<path d=\"M{x:0.#} {y - (1.2 * r):0.#}l{1.2 * r:0.#} {2.2 * r:0.#}h{-2.4 * r:0.#}z\" class=\"{style}\">{Title(title)}</path>",
    });

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"<svg viewBox=\"0 0 {width:0.#} {height:0.#}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(label)}\" style=\"max-width:{width:0}px\">{_body}</svg>\n");

    /// <summary>The picture with its style sheet, on the page's colour.</summary>
    public string ToFile(string styleSheet) => string.Create(
        CultureInfo.InvariantCulture,
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:0.#} {height:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(label)}\"><style><![CDATA[{styleSheet}]]></style><rect width=\"100%\" height=\"100%\" class=\"page\"/>\n{_body}</svg>\n");

    private void Add(FormattableString element) => _body.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Title(string? title) => title is null ? "" : $"<title>{WebUtility.HtmlEncode(title)}</title>";
}

/// <summary>A logarithmic axis.</summary>
internal readonly record struct LogAxis(double From, double To, double Start, double End)
{
    public double At(double value) => Start + (Math.Log(Math.Clamp(value, From, To) / From) / Math.Log(To / From) * (End - Start));

    /// <summary>1, 2 and 5 times the powers of ten within the axis.</summary>
    public IEnumerable<double> Ticks()
    {
        (double from, double to) = (From, To);
        return Enumerable.Range(-4, 10).SelectMany(power => (double[])[1, 2, 5], (power, digit) => digit * Math.Pow(10, power))
            .Where(tick => tick >= from * 0.999 && tick <= to * 1.001);
    }
}
