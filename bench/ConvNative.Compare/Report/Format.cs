using System.Globalization;

namespace ConvNative.Compare.Report;

/// <summary>Numbers as both reports show them.</summary>
internal static class Format
{
    public static string Time(double seconds) => seconds switch
    {
        >= 1 => Text($"{seconds:0.00} s"),
        >= 1e-3 => Text($"{seconds * 1e3:0.00} ms"),
        _ => Text($"{seconds * 1e6:0.0} µs"),
    };

    public static string Gflops(long flops, double seconds) => Text($"{flops / seconds / 1e9:0.0}");

    public static string Percent(double share) => Text($"{share * 100:0} %");

    public static string Ratio(double ratio) => Text($"{ratio:0.00}×");

    public static string Spread(Measurement.Spread ratio) => Text($"{ratio.Median:0.00}× [{ratio.LowerQuartile:0.00}–{ratio.UpperQuartile:0.00}]");

    public static string Bytes(long? bytes) => bytes switch
    {
        null => "–",
        >= 10 << 20 => Text($"{bytes / 1048576.0:0} MiB"),
        >= 1 << 20 => Text($"{bytes / 1048576.0:0.0} MiB"),
        >= 1 << 10 => Text($"{bytes / 1024.0:0} KiB"),
        _ => Text($"{bytes} B"),
    };

    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
