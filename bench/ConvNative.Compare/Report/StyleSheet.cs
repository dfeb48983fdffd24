namespace ConvNative.Compare.Report;

/// <summary>The style sheet of the HTML report and of the picture, which carry it within them.</summary>
internal static class StyleSheet
{
    public static string Text
    {
        get
        {
            using Stream stream = typeof(StyleSheet).Assembly.GetManifestResourceStream("report.css")!;
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
