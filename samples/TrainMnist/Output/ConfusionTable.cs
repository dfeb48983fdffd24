using Spectre.Console;
using TrainMnist.Data;
using TrainMnist.Training;

namespace TrainMnist.Output;

/// <summary>A confusion matrix for the terminal: a row per digit, a column per answer.</summary>
internal static class ConfusionTable
{
    private const int CellWidth = 4;

    /// <summary>Writes the table.</summary>
    public static void Write(ConfusionMatrix matrix)
    {
        Table table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey).Title("[bold]rows: digit, columns: answer[/]");
        table.AddColumn(string.Empty);
        for (int predicted = 0; predicted < DigitSet.Classes; predicted++)
            table.AddColumn(new TableColumn($"[bold]{predicted}[/]").RightAligned().Width(CellWidth).PadLeft(0).PadRight(1));
        table.AddColumn(new TableColumn("right").RightAligned());
        for (int digit = 0; digit < DigitSet.Classes; digit++) table.AddRow(Row(matrix, digit));
        AnsiConsole.Write(table);
    }

    private static string[] Row(ConfusionMatrix matrix, int digit)
    {
        int[] counts = [.. Enumerable.Range(0, DigitSet.Classes).Select(predicted => matrix[digit, predicted])];
        int total = counts.Sum();
        string right = total == 0 ? "–" : $"{(double)counts[digit] / total:0.0%}";
        return [$"[bold]{digit}[/]", .. counts.Select((count, predicted) => Cell(count, predicted == digit)), right];
    }

    private static string Cell(int count, bool right) => (count, right) switch
    {
        (0, _) => "[grey]·[/]",
        (_, true) => $"[green]{count}[/]",
        _ => $"[red]{count}[/]",
    };
}
