using Spectre.Console;
using TrainMnist.Training;

namespace TrainMnist.Output;

/// <summary>Training as it goes: a bar in a terminal, and in any case one line per epoch.</summary>
internal sealed class ProgressDisplay
{
    private const int BarWidth = 16;

    private readonly int _epochs;
    private ProgressTask? _bar;
    private int _epoch = 1;

    private ProgressDisplay(int epochs) => _epochs = epochs;

    /// <summary>Runs the training with a display to tell; without a bar where the output goes to a file or a pipe.</summary>
    public static void Run(int epochs, int imagesPerEpoch, Action<ProgressDisplay> train)
    {
        var display = new ProgressDisplay(epochs);
        if (!AnsiConsole.Profile.Capabilities.Interactive)
        {
            train(display);
            return;
        }

        // Ctrl+C ends the program in the middle of the bar, which hides the cursor.
        Console.CancelKeyPress += (_, _) => AnsiConsole.Cursor.Show();
        AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                display._bar = context.AddTask("training", maxValue: (double)epochs * imagesPerEpoch);
                train(display);
            });
    }

    /// <summary>A batch was learned.</summary>
    public void Step(EpochStatistics epoch)
    {
        if (_bar is null) return;
        _bar.Value = ((_epoch - 1) * _bar.MaxValue / _epochs) + epoch.Images;
        _bar.Description = $"epoch {_epoch}/{_epochs}  loss [bold]{epoch.Loss:0.000}[/]  [bold]{epoch.Accuracy:0.0%}[/]  {epoch.ImagesPerSecond:N0} img/s  conv {epoch.ConvolutionShare:0%}";
    }

    /// <summary>An epoch is over.</summary>
    public void EpochDone(EpochStatistics epoch, double testAccuracy)
    {
        AnsiConsole.MarkupLine(
            $"epoch {_epoch,2}/{_epochs}  loss {epoch.Loss:0.0000}  train {epoch.Accuracy,6:0.00%}  test [green]{testAccuracy,6:0.00%}[/]  {epoch.ImagesPerSecond,6:N0} img/s  conv {epoch.ConvolutionShare,3:0%}");
        _epoch++;
    }
}
