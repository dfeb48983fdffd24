namespace TrainMnist.Data;

/// <summary>What to train on and what to test on.</summary>
/// <param name="Train">Images to learn from.</param>
/// <param name="Test">Images that are never learned from.</param>
/// <param name="Source">Where they are from, for the user.</param>
internal sealed record DigitData(DigitSet Train, DigitSet Test, string Source);
