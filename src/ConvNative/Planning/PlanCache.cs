namespace ConvNative.Planning;

/// <summary>
/// The plans of <see cref="ConvLayer"/>, whose callers hold none: the most recently used ones, by problem. Thread-safe. A plan that falls
/// out while another thread runs it is left to the garbage collector.
/// </summary>
internal static class PlanCache
{
    private const int Capacity = 64;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<ConvProblem, LinkedListNode<Conv2d>> Nodes = [];
    private static readonly LinkedList<Conv2d> ByUse = new();

    public static Conv2d Get(ConvProblem problem)
    {
        lock (Gate)
        {
            if (Nodes.TryGetValue(problem, out LinkedListNode<Conv2d>? node))
            {
                ByUse.Remove(node);
                ByUse.AddFirst(node);
                return node.Value;
            }

            var plan = new Conv2d(problem);
            Nodes.Add(problem, ByUse.AddFirst(plan));
            if (Nodes.Count > Capacity)
            {
                Nodes.Remove(ByUse.Last!.Value.Problem);
                ByUse.RemoveLast();
            }

            return plan;
        }
    }

    /// <summary>Drops all plans.</summary>
    public static void Clear()
    {
        lock (Gate)
        {
            Nodes.Clear();
            ByUse.Clear();
        }
    }
}
