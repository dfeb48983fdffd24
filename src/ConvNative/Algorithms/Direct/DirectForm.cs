namespace ConvNative.Algorithms;

/// <summary>One of the forms of <see cref="Direct"/>.</summary>
internal abstract class DirectForm : ConvPass
{
    /// <summary>Whether <see cref="ConvAlgorithm.Auto"/> should take it, where patches overlap.</summary>
    public abstract bool Pays { get; }

    /// <summary>Items that run at once; 0: not one fits the workspace limit.</summary>
    public int Workers { get; protected set; }

    /// <summary>Lists the distances that its kernels read: for a pass that will run.</summary>
    public virtual void ListOffsets()
    {
    }
}
