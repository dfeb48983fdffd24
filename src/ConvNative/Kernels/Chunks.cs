namespace ConvNative.Kernels;

/// <summary>A length in so many chunks of whole units, as equal as that allows.</summary>
internal readonly record struct Chunks(int Length, int Unit, int Count)
{
    public int Units => BlockSizes.CeilDiv(Length, Unit);

    public int Longest => Math.Min(Length, BlockSizes.CeilDiv(Units, Count) * Unit);

    /// <summary>Where chunk <paramref name="index"/> begins; that of index Count is the end.</summary>
    public int Begin(int index) => Math.Min(Length, (int)((long)index * Units / Count) * Unit);

    /// <summary>So many of them at least that none is longer than the limit, or a unit.</summary>
    public Chunks NoLongerThan(long limit) =>
        this with { Count = Math.Max(Count, BlockSizes.CeilDiv(Units, (int)Math.Clamp(limit / Unit, 1, Units))) };

    /// <summary>The same length in about twice as many.</summary>
    public Chunks Halved()
    {
        int unit = Longest > Unit ? Unit : BlockSizes.CeilDiv(Unit, 2);
        return new Chunks(Length, unit, Math.Min(2 * Count, BlockSizes.CeilDiv(Length, unit)));
    }
}
