namespace ConvNative.Planning;

/// <summary>
/// The plans of <see cref="ConvLayer"/>, whose callers hold none: the most recently used ones, by problem. Thread-safe. A plan that falls
/// out is disposed when nobody uses it.
/// </summary>
internal static class PlanCache
{
    private const int Capacity = 64;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<ConvProblem, LinkedListNode<Entry>> Nodes = [];
    private static readonly LinkedList<Entry> ByUse = new();

    /// <summary>The plan of a problem, for as long as the lease is held.</summary>
    public static Lease Rent(ConvProblem problem)
    {
        lock (Gate)
        {
            if (Nodes.TryGetValue(problem, out LinkedListNode<Entry>? node)) ByUse.Remove(node);
            else Nodes.Add(problem, node = new LinkedListNode<Entry>(new Entry(new Conv2d(problem))));
            ByUse.AddFirst(node);
            node.Value.Users++;
            if (Nodes.Count > Capacity) Drop(ByUse.Last!);
            return new Lease(node.Value);
        }
    }

    /// <summary>Drops all plans.</summary>
    public static void Clear()
    {
        lock (Gate)
        {
            while (ByUse.Last is { } node) Drop(node);
        }
    }

    private static void Drop(LinkedListNode<Entry> node)
    {
        Nodes.Remove(node.Value.Plan.Problem);
        ByUse.Remove(node);
        node.Value.IsDropped = true;
        if (node.Value.Users == 0) node.Value.Plan.Dispose();
    }

    private static void Return(Entry entry)
    {
        lock (Gate)
        {
            if (--entry.Users == 0 && entry.IsDropped) entry.Plan.Dispose();
        }
    }

    /// <summary>A plan that nobody disposes meanwhile.</summary>
    internal readonly ref struct Lease(Entry entry)
    {
        public Conv2d Plan => entry.Plan;

        public void Dispose() => Return(entry);
    }

    internal sealed class Entry(Conv2d plan)
    {
        public Conv2d Plan => plan;

        public int Users { get; set; }

        public bool IsDropped { get; set; }
    }
}
