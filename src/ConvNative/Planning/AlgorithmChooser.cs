using ConvNative.Algorithms;

namespace ConvNative.Planning;

/// <summary>What was chosen for one direction: a pass (null: refused), by which algorithm, and why.</summary>
internal sealed record Choice(ConvAlgorithm Algorithm, ConvPass? Pass, string Why);

/// <summary>Picks the algorithm of one direction.</summary>
internal static class AlgorithmChooser
{
    /// <summary>The algorithm asked for, or for Auto the first of the list that suits and does not refuse.</summary>
    public static Choice Choose(PlanContext context, Direction direction, ConvAlgorithm wanted)
    {
        var refusals = new List<string>();
        foreach (IConvAlgorithm algorithm in AlgorithmList.All)
        {
            if (wanted != ConvAlgorithm.Auto && algorithm.Id != wanted) continue;
            if (algorithm.Refuse(context, direction) is { } reason)
            {
                refusals.Add($"{algorithm.Id} refuses: {reason}");
                continue;
            }

            if (wanted == ConvAlgorithm.Auto && !algorithm.Suits(context, direction))
            {
                refusals.Add($"{algorithm.Id} does not pay here");
                continue;
            }

            string why = wanted == ConvAlgorithm.Auto ? string.Join("; ", refusals.Prepend("first of the list that can")) : "asked for";
            return new Choice(algorithm.Id, algorithm.Plan(context, direction), why);
        }

        return new Choice(wanted, null, refusals.Count > 0 ? string.Join("; ", refusals) : $"{wanted} is not implemented");
    }
}
