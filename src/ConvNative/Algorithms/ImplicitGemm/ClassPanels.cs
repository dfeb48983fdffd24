using ConvNative.Interop;
using ConvNative.Kernels;

namespace ConvNative.Algorithms;

/// <summary>
/// The weights of backward-data's residue classes, each of which has some of the taps: for g, some channels: [class][g][channel block][⌈M/MR⌉] in panels of
/// [(channel, tap)][MR].
/// </summary>
internal readonly unsafe struct ClassPanels(ImplicitGemmShape shape, ConvSizes s, ClassPanels.Place[] places, float* w, float* packed) : IParallelTask
{
    private const int ChannelsAtOnce = 8, TapsAtOnce = 64;

    public long Count => (long)s.G * BlockSizes.CeilDiv(shape.Channels, ChannelsAtOnce);

    /// <summary>Where a tap stands: in which class, among so many taps. Of a tap that no class has Taps is 0.</summary>
    public readonly record struct Place(long Offset, int ChannelsPerBlock, int Taps, int Index);

    /// <summary>The places of all taps of a kernel.</summary>
    public static Place[] PlacesOf(ImplicitGemmShape shape, ImplicitGemmPart[] parts, int area)
    {
        var places = new Place[area];
        foreach (ImplicitGemmPart part in parts)
        {
            int taps = part.Kernel.Length, channels = shape.ChannelsPerBlock(taps);
            for (int i = 0; i < taps; i++) places[part.Kernel[i]] = new Place(part.PackedOffset, channels, taps, i);
        }

        return places;
    }

    public void Run(long index, int worker)
    {
        (long g, long chunk) = Math.DivRem(index, BlockSizes.CeilDiv(shape.Channels, ChannelsAtOnce));
        int first = (int)chunk * ChannelsAtOnce, end = Math.Min(first + ChannelsAtOnce, shape.Channels), MR = shape.Kernel.MR;
        TapPanels* taps = stackalloc TapPanels[TapsAtOnce];
        float* nowhere = stackalloc float[MR];
        for (int c = first; c < end; c++)
        for (int t = 0; t < places.Length; t += TapsAtOnce)
        {
            int count = Math.Min(TapsAtOnce, places.Length - t);
            for (int i = 0; i < count; i++) taps[i] = PanelsOf(places[t + i], g, c, nowhere);
            float* source = w + (((g * s.GroupOC) + c) * s.PatchLength) + t;
            TapPacking.FromKernels(source, s.PatchLength, places.Length, count, shape.M, MR, taps);
        }
    }

    private TapPanels PanelsOf(in Place place, long g, int channel, float* nowhere)
    {
        if (place.Taps == 0) return new() { First = nowhere };
        int inBlock = channel % place.ChannelsPerBlock, first = channel - inBlock, MR = shape.Kernel.MR;
        return new()
        {
            First = packed + place.Offset + (((g * shape.Channels) + first) * place.Taps * shape.PaddedM) + (((inBlock * (long)place.Taps) + place.Index) * MR),
            Step = (nint)Math.Min(place.ChannelsPerBlock, shape.Channels - first) * place.Taps * MR,
        };
    }
}
