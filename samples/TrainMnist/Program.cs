using System.CommandLine;
using System.Text;
using Spectre.Console;
using TrainMnist;
using TrainMnist.Data;

Console.OutputEncoding = Encoding.UTF8;
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Capabilities.Ansi = false;
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
}

var data = new Option<string?>("--data")
{
    Description = $"Folder with MNIST's IDX files, gzipped or not. Else {DigitSource.Variable}; else they are downloaded once.",
    HelpName = "folder",
    DefaultValueFactory = _ => Environment.GetEnvironmentVariable(DigitSource.Variable) is { Length: > 0 } folder ? folder : null,
};
var output = new Option<string>("--output")
{
    Description = "Folder for the model (.npy) and the picture (.svg).",
    HelpName = "folder",
    DefaultValueFactory = _ => Path.Combine("artifacts", "mnist"),
};
var epochs = new Option<int>("--epochs") { Description = "Passes over all images.", HelpName = "count", DefaultValueFactory = _ => 5 };
epochs.Validators.Add(result =>
{
    if (result.Tokens is [var token] && !(int.TryParse(token.Value, out int count) && count is >= 1 and <= 1000))
        result.AddError($"--epochs is {token.Value}; it must be in [1, 1000].");
});
var seed = new Option<int>("--seed") { Description = "The same seed gives the same result.", HelpName = "number", DefaultValueFactory = _ => 1 };

var command = new RootCommand("Trains a small convolutional network to read handwritten digits.") { data, output, epochs, seed };
command.SetAction(arguments => Demo.Run(
    arguments.GetValue(data), arguments.GetValue(output)!, arguments.GetValue(epochs), arguments.GetValue(seed)));
return command.Parse(args).Invoke();
